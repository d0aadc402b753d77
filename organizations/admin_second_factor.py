"""The admin's pages of the second factor: having one, giving it up, and an owner's taking it from who has lost it."""

from typing import Any, cast

from django.contrib import messages
from django.contrib.admin import AdminSite
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.models import User
from django.forms import CharField, TextInput, ValidationError
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from organizations.admin_pages import actor_of, done
from organizations.audit import record
from organizations.second_factor import (
    begin_enrolment,
    confirm_enrolment,
    has_second_factor,
    provisioning_uri,
    remove_second_factor,
    takes,
    unconfirmed_secret,
)

WRONG = "This code is wrong, or was used already. Wait for the next one."


class LoginForm(AdminAuthenticationForm):
    """Says the same whatever was wrong: nobody learns that a password was right."""

    code = CharField(
        required=False,
        max_length=40,
        label="Code (if you have a second factor)",
        widget=TextInput(attrs={"autocomplete": "one-time-code"}),
    )
    error_messages = {
        **AdminAuthenticationForm.error_messages,
        "invalid_login": "Please enter the name and the password of a member of staff, and the code of the second"
        " factor if there is one. Capitals matter.",
    }

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        user = self.get_user()
        code = self.cleaned_data.get("code", "")
        if has_second_factor(user) and not takes(user, code, now=timezone.now()):
            self.user_cache = None
            raise self.get_invalid_login_error()
        return cleaned

    def get_invalid_login_error(self) -> ValidationError:
        return ValidationError(self.error_messages["invalid_login"], code="invalid_login")


def second_factor_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """One's own. Looking changes nothing; each button POSTs what is to be done."""
    user = cast("User", request.user)
    wanted, code = request.POST.get("do", ""), request.POST.get("code", "")
    if request.method == "POST" and wanted == "begin":
        if begin_enrolment(user):
            record(actor_of(request), "second_factor.begun", row=user, after={"second_factor": "unconfirmed"})
    elif request.method == "POST" and wanted == "confirm":
        if recovery_codes := confirm_enrolment(user, code, now=timezone.now()):
            record(
                actor_of(request),
                "second_factor.added",
                row=user,
                before={"second_factor": "unconfirmed"},
                after={"second_factor": "confirmed"},
            )
            return _page(site, request, recovery_codes=recovery_codes)
        messages.error(request, WRONG)
    elif request.method == "POST" and wanted == "remove":
        if takes(user, code, now=timezone.now()) and remove_second_factor(user):
            record(
                actor_of(request), "second_factor.removed", row=user, before={"second_factor": "confirmed"}
            )
            return done(request, "Your second factor was removed.", to=reverse("admin:second_factor"))
        messages.error(request, WRONG)
    return _page(site, request)


def _page(site: AdminSite, request: HttpRequest, recovery_codes: list[str] | None = None) -> HttpResponse:
    user = cast("User", request.user)
    secret = unconfirmed_secret(user)
    context = {
        **site.each_context(request),
        "title": "Second factor",
        "has_one": has_second_factor(user),
        "secret": secret,
        "uri": provisioning_uri(user, secret) if secret else "",
        "recovery_codes": recovery_codes,
    }
    return TemplateResponse(request, "admin/second_factor.html", context)
