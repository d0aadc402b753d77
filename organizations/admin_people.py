"""The admin's users and roles, which are for owners alone: whatever permissions somebody was given by hand."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import admin
from django.contrib.admin.utils import unquote
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.models import Group, User
from django.http import HttpRequest, HttpResponse

from organizations.roles import ROLES, is_owner

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
