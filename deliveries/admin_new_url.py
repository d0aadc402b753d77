"""The field "Send to another URL from now on" of the pages that ask about a replay: for those who may change endpoints,
and where all goes to one endpoint."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest

from deliveries.errors import ForbiddenTarget
from deliveries.models import Endpoint
from deliveries.new_url import move_endpoint
from deliveries.targets import check_target
from organizations.admin_filters import as_uuid
from organizations.admin_pages import actor_of


@dataclass(frozen=True)
class NewURL:
    endpoint: Endpoint
    url: str


class NoURL(Exception):
    """`str()` says what is wrong with it."""


def field(request: HttpRequest, endpoint: Endpoint | None, *, fault: str = "") -> dict[str, Any]:
    """What the template needs; nothing for those who may not, or where there is no one endpoint."""
    if endpoint is None or endpoint.deleted_at or not request.user.has_perm("deliveries.change_endpoint"):
        return {}
    return {"url_of": endpoint, "given_url": request.POST.get("url", ""), "url_fault": fault}


def wanted(request: HttpRequest) -> NewURL | None:
    """What was typed into it. NoURL; asks the DNS."""
    url = request.POST.get("url", "").strip()
    if not url:
        return None
    if not request.user.has_perm("deliveries.change_endpoint"):
        raise PermissionDenied
    endpoint = Endpoint.objects.present().filter(pk=as_uuid(request.POST.get("url_of", ""))).first()
    if endpoint is None:
        raise NoURL("This endpoint was deleted.")
    if str(endpoint.revision) != request.POST.get("url_seen", str(endpoint.revision)):
        raise NoURL("Somebody has changed the endpoint meanwhile; look at its URL again.")
    try:
        check_target(url)
    except ForbiddenTarget as error:
        raise NoURL(str(error)) from None
    return NewURL(endpoint, url)


@contextmanager
def moved_on_the_way(request: HttpRequest, new: NewURL | None) -> Iterator[list[Any]]:
    """One transaction of the new URL and the replay, whose number goes into the list: with nothing to replay the URL
    stays as it was."""
    with transaction.atomic():
        done: list[Any] = []
        if new is not None:
            move_endpoint(new.endpoint, new.url, actor=actor_of(request))
        yield done
        if new is not None and not any(done):
            transaction.set_rollback(True)
