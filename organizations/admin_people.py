"""The admin's users and roles, which are for owners alone: whatever permissions somebody was given by hand."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import path

from organizations.admin_pages import actor_of, ask, done
from organizations.admin_words import page_of
from organizations.audit import record
from organizations.roles import ROLES, is_owner
from organizations.second_factor import has_second_factor, remove_second_factor

if TYPE_CHECKING:
    AnyUserAdmin = UserAdmin[User]
else:
    AnyUserAdmin = UserAdmin


class ForOwners:
    """A part of the admin that only owners see."""

    def has_module_permission(self, request: HttpRequest) -> bool:
        return is_owner(request.user)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return is_owner(request.user)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request.user)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return is_owner(request.user)


class PersonAdmin(ForOwners, AnyUserAdmin):
    """Who is added here is staff. What somebody may do is said by roles; the wall of single permissions is left out."""

    list_display = ("username", "email", "roles", "is_active", "last_login")
    list_filter = ("groups", "is_active")
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        ("Role", {"fields": ("groups", "is_active", "is_staff")}),
        ("Times", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (
            None,
            {
                "classes": ("wide",),
                "fields": ("username", "email", "groups", "usable_password", "password1", "password2"),
            },
        ),
    )
    readonly_fields = ("last_login", "date_joined")
    filter_horizontal = ()
    audit_noun = "user"
    shown_as = "People"
    change_form_template = "admin/auth/user/person.html"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).prefetch_related("groups")

    def formfield_for_manytomany(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "groups":
            kwargs["widget"] = forms.CheckboxSelectMultiple
            kwargs["label"] = "Roles"
            kwargs["help_text"] = (
                "Support looks and replays; an operator also changes; an owner may do everything."
            )
        return super().formfield_for_manytomany(db_field, request, **kwargs)

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        obj.is_staff = obj.is_staff or not change
        super().save_model(request, obj, form, change)

    def get_urls(self) -> list[Any]:
        view = self.admin_site.admin_view(self.reset_second_factor)
        return [
            path("<int:user_id>/second-factor/", view, name="auth_user_second_factor"),
            *super().get_urls(),
        ]

    def reset_second_factor(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """For who has lost it: a password is enough again, until a new one is set up."""
        if not is_owner(request.user):
            raise PermissionDenied
        user = get_object_or_404(User, pk=user_id)
        if request.method == "POST":
            if not remove_second_factor(user):
                return done(request, "There was none.", to=page_of(user), level=messages.WARNING)
            record(actor_of(request), "second_factor.reset", row=user, before={"second_factor": "confirmed"})
            return done(request, f"The second factor of {user} was reset.", to=page_of(user))
        has_one = has_second_factor(user)
        return ask(
            self,
            request,
            row=user,
            question=f"Reset the second factor of {user}?" if has_one else f"{user} has no second factor",
            button="Reset second factor" if has_one else "",
            back=page_of(user),
            words="" if has_one else "Each sets up their own: Second factor, at the foot of the menu.",
        )

    def user_change_password(self, request: HttpRequest, id: str, form_url: str = "") -> HttpResponse:
        user = self.get_object(request, unquote(id))
        if request.method == "POST" and user is not None:
            self.remember(request, user)  # type: ignore[attr-defined]  # `Audited` is put in by the site
        return super().user_change_password(request, id, form_url)

    @admin.display(description="Roles")
    def roles(self, user: User) -> str:
        names = [group.name for group in user.groups.all()]
        return ", ".join(["Superuser"] * user.is_superuser + sorted(names)) or "none"


class RoleAdmin(ForOwners, GroupAdmin):
    """The three that come with it keep their names and stay: `migrate` finds them by name."""

    audit_noun = "role"
    shown_as = "Roles"

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("name",) if obj and obj.name in ROLES else ()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.name in ROLES)

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """One at a time: the action that deletes the ticked ones asks for no single one's permission."""
        return {}


admin.site.unregister([User, Group])
admin.site.register(User, PersonAdmin)
admin.site.register(Group, RoleAdmin)
