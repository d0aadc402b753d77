"""REST framework's door: whose call is this, and may its key do that?"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import structlog
from rest_framework.authentication import BaseAuthentication
from rest_framework.exceptions import NotAuthenticated
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from organizations.callers import caller_address
from organizations.metrics import key_checks
from organizations.models import ApiKey, Organization
from organizations.verification import find_key

if TYPE_CHECKING:
    from rest_framework.views import (
        APIView,
    )  # REST framework imports us while it makes this class


class KeyAuthentication(BaseAuthentication):
    """`X-API-Key: trg_...` or `Authorization: Bearer trg_...`. `request.user` becomes the Organization.

    Every failure is the same 401: nothing tells a missing key from a revoked one.
    """

    def authenticate(self, request: Request) -> tuple[Organization, ApiKey] | None:
        text = presented_key(request.headers)
        key = find_key(text, caller=caller_address(request._request)) if text else None
        key_checks.labels("valid" if key else "refused").inc()
        if key is None:
            raise NotAuthenticated
        structlog.contextvars.bind_contextvars(organization_id=str(key.organization_id))
        request._request.organization = key.organization  # type: ignore[attr-defined]
        return key.organization, key

    def authenticate_header(self, request: Request) -> str:
        return 'Bearer realm="api"'


def presented_key(headers: Mapping[str, str]) -> str:
    """`headers` by their names in small letters, if it is particular about that."""
    given = headers.get("x-api-key", "").strip()
    if given:
        return given
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def tenant_of(request: Request) -> Organization:
    """Whose call it is: what every query behind the API starts from."""
    organization: Any = request.user
    found: Organization = organization
    return found


def key_of(request: Request) -> ApiKey:
    key: Any = request.auth
    found: ApiKey = key
    return found


class HasScope(BasePermission):
    """The view names what each method needs: `scopes = {"GET": "events:read"}`; a method without a scope needs none."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        scopes: dict[str, str] = getattr(view, "scopes", {})
        method = "GET" if request.method == "HEAD" else request.method or ""
        needed = scopes.get(method)
        key: Any = request.auth
        self.message = f"This call needs a key with the scope {needed}."
        return needed is None or needed in key.scopes


class Anyone(BasePermission):
    """For the few calls that need no key."""

    def has_permission(self, request: Request, view: "APIView") -> bool:
        return True
