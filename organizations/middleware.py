"""Every answer to a caller with a key says how much of its limit is left; what it changed, its next reads show."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from organizations.limits import WINDOW, Spending, over_limit, spend
from organizations.replica import note_changes
from organizations.verification import allowed_limit

SAFE = ("GET", "HEAD", "OPTIONS")


class LimitHeaders:
    """`X-RateLimit-*` and the IETF draft's `RateLimit-Policy` and `RateLimit`, from one and the same figures."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        organization = getattr(request, "organization", None)
        if organization is not None:
            spending = getattr(request, "spending", None) or spend(allowed_limit(organization), 0)
            for name, value in limit_headers(spending).items():
                response.headers[name] = value
        return response


class Changes:
    """Notes that a tenant has changed something, for reads that may be a replica's. (`events/api_fast.py` does the same
    for what the fast lane accepts.)"""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        organization = getattr(request, "organization", None)
        if organization is not None and request.method not in SAFE and response.status_code < 300:
            note_changes([organization])
        return response


def limit_headers(spending: Spending) -> dict[str, str]:
    seconds = spending.reset_at - spending.now
    return {
        "X-RateLimit-Limit": str(spending.limit),
        "X-RateLimit-Remaining": str(spending.remaining),
        "X-RateLimit-Reset": str(spending.reset_at),
        "RateLimit-Policy": f'"events";q={spending.limit};w={WINDOW}',
        "RateLimit": f'"events";r={spending.remaining};t={seconds}',
    }


def spend_events(request: HttpRequest, cost: int) -> None:
    """Takes `cost` events from the caller's limit, or raises OverLimit."""
    organization = request.organization  # type: ignore[attr-defined]
    spending = spend(allowed_limit(organization), cost)
    request.spending = spending  # type: ignore[attr-defined]
    if not spending.passed:
        raise over_limit(organization.tier, spending, cost)
