"""What operators change of an endpoint: pause, resume, its secret, its URL, whether traces are passed on to it. Each is
asked first, and recorded.

A page that asks carries what it saw (`seen`), and its POST changes only what is still so: whoever presses twice changes
it once. A secret is never shown: its tenant reads it through the API.
"""

import uuid
from datetime import timedelta
from typing import Any

import structlog
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from deliveries.admin_endpoint_words import condition_of, waiting
from deliveries.endpoints import change_endpoint
from deliveries.errors import ForbiddenTarget
from deliveries.models import Endpoint
from deliveries.ring import ring_after_commit
from deliveries.rotation import rotate_secret
from deliveries.targets import check_target
from organizations.admin_pages import LookOnlyAdmin, actor_of, ask, done, own_transaction, user_id
from organizations.admin_words import page_of
from organizations.audit import record

log = structlog.get_logger(__name__)

USUAL_OVERLAP, LONGEST_OVERLAP = 24, 168  # hours, as the API has them
CHANGED_MEANWHILE = "Nothing was changed: it was done already, or what you saw has changed meanwhile."


class EndpointMoves(LookOnlyAdmin):
    def pause(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """Its deliveries are kept and wait."""
        endpoint = self.found(request, endpoint_id)
        if request.method == "POST":
            return self._moved(request, endpoint, Endpoint.objects.filter(pk=endpoint_id).pause(), "paused")
        return self._ask(request, endpoint, "Pause this endpoint?", "Pause", Endpoint.State.ENABLED)

    def resume(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """What waits for it is sent."""
        endpoint = self.found(request, endpoint_id)
        if request.method == "POST":
            moved = Endpoint.objects.filter(pk=endpoint_id).resume()
            ring_after_commit()
            return self._moved(request, endpoint, moved, "resumed")
        return self._ask(
            request,
            endpoint,
            "Resume this endpoint?",
            "Resume",
            Endpoint.State.PAUSED,
            Endpoint.State.DISABLED,
        )

    def rotate(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """A new secret signs from now on, and the one before it as well for as many hours as are asked for."""
        endpoint = self.found(request, endpoint_id)
        if request.method != "POST":
            return self._ask_rotation(request, endpoint)
        hours = overlap_of(request.POST.get("hours", ""))
        if hours is None:
            return self._ask_rotation(request, endpoint, f"Write a number from 0 to {LONGEST_OVERLAP}.")
        if not as_seen(request, endpoint):
            return done(request, CHANGED_MEANWHILE, to=page_of(endpoint), level=messages.WARNING)
        rotate_secret(endpoint, grace=timedelta(hours=hours))
        self._write_down(request, endpoint, "secret_rotated", after={"overlap_hours": hours})
        words = "It has a new signing secret, which its tenant reads through the API."
        return done(request, words, to=page_of(endpoint))

    @own_transaction
    def change_url(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        endpoint = self.found(request, endpoint_id)
        if request.method != "POST":
            return self._ask_url(request, endpoint)
        url = request.POST.get("url", "").strip()
        try:
            check_target(url)
        except ForbiddenTarget as error:
            return self._ask_url(request, endpoint, str(error), url)
        with transaction.atomic():
            if not as_seen(request, endpoint):
                return done(request, CHANGED_MEANWHILE, to=page_of(endpoint), level=messages.WARNING)
            before = url_parts(endpoint.url)
            change_endpoint(endpoint, {"url": url})
            ring_after_commit()
            self._write_down(request, endpoint, "url_changed", before=before, after=url_parts(url))
        return done(request, "What is sent from now on goes to the new URL.", to=page_of(endpoint))

    def change_traceparent(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """Whether its deliveries carry `traceparent`: from yes to no, and from no to yes."""
        endpoint = self.found(request, endpoint_id)
        wanted = not endpoint.send_traceparent
        if request.method != "POST":
            return self._ask_traceparent(request, endpoint, wanted=wanted)
        if not as_seen(request, endpoint):
            return done(request, CHANGED_MEANWHILE, to=page_of(endpoint), level=messages.WARNING)
        change_endpoint(endpoint, {"send_traceparent": wanted})
        before, after = {"send_traceparent": not wanted}, {"send_traceparent": wanted}
        self._write_down(request, endpoint, "traceparent_changed", before=before, after=after)
        words = f"What is sent from now on carries {'the' if wanted else 'no'} header traceparent."
        return done(request, words, to=page_of(endpoint))

    def found(self, request: HttpRequest, endpoint_id: uuid.UUID) -> Endpoint:
        if not self.has_change_permission(request):
            raise PermissionDenied
        return get_object_or_404(Endpoint.objects.present().select_related("organization"), pk=endpoint_id)

    def _ask(
        self, request: HttpRequest, endpoint: Endpoint, question: str, verb: str, *fits: str
    ) -> HttpResponse:
        return ask(
            self,
            request,
            row=endpoint,
            question=question,
            button=f"{verb} endpoint" if endpoint.state in fits else "",
            back=page_of(endpoint),
            template="admin/deliveries/ask_endpoint.html",
            verb=verb,
            condition=condition_of(endpoint),
            waiting=waiting(endpoint),
        )

    def _ask_rotation(self, request: HttpRequest, endpoint: Endpoint, fault: str = "") -> HttpResponse:
        return ask(
            self,
            request,
            row=endpoint,
            question="Give this endpoint a new signing secret?",
            button="Rotate secret",
            back=page_of(endpoint),
            template="admin/deliveries/ask_rotation.html",
            hidden=[("seen", str(endpoint.revision))],
            hours=request.POST.get("hours", USUAL_OVERLAP),
            longest=LONGEST_OVERLAP,
            fault=fault,
        )

    def _ask_url(
        self, request: HttpRequest, endpoint: Endpoint, fault: str = "", typed: str = ""
    ) -> HttpResponse:
        return ask(
            self,
            request,
            row=endpoint,
            question="Send this endpoint's webhooks to another URL?",
            button="Change URL",
            back=page_of(endpoint),
            template="admin/deliveries/ask_url.html",
            hidden=[("seen", str(endpoint.revision))],
            waiting=waiting(endpoint),
            fault=fault,
            typed=typed,
        )

    def _ask_traceparent(self, request: HttpRequest, endpoint: Endpoint, *, wanted: bool) -> HttpResponse:
        return ask(
            self,
            request,
            row=endpoint,
            question="Pass traces on to this endpoint?" if wanted else "Pass no more traces on to it?",
            button="Pass traces on" if wanted else "Pass no traces on",
            back=page_of(endpoint),
            template="admin/deliveries/ask_traceparent.html",
            hidden=[("seen", str(endpoint.revision))],
            wanted=wanted,
            waiting=waiting(endpoint),
        )

    def _moved(self, request: HttpRequest, endpoint: Endpoint, moved: int, verb: str) -> HttpResponse:
        log.info(
            "admin.endpoint_moved",
            user_id=user_id(request),
            endpoint_id=str(endpoint.pk),
            to=verb,
            moved=moved,
        )
        if not moved:
            return done(request, f"It was {verb} already.", to=page_of(endpoint), level=messages.WARNING)
        state = Endpoint.objects.values_list("state", flat=True).get(pk=endpoint.pk)
        self._write_down(request, endpoint, verb, before={"state": endpoint.state}, after={"state": state})
        return done(request, f"The endpoint is {verb}.", to=page_of(endpoint))

    def _write_down(self, request: HttpRequest, endpoint: Endpoint, verb: str, **values: Any) -> None:
        record(actor_of(request), f"endpoint.{verb}", row=endpoint, **values)


def as_seen(request: HttpRequest, endpoint: Endpoint) -> bool:
    """Whether URL, headers and secret are still those of the page that asked. The row is locked until that is over."""
    locked = Endpoint.objects.present().select_for_update().filter(pk=endpoint.pk)
    revision = locked.values_list("revision", flat=True).first()
    return str(revision) == request.POST.get("seen")


def overlap_of(text: str) -> int | None:
    """Hours; None when it is no such number."""
    text = text.strip()
    if not (text.isascii() and text.isdecimal() and len(text) <= 3):
        return None
    return int(text) if int(text) <= LONGEST_OVERLAP else None


def url_parts(url: str) -> dict[str, str]:
    """What the audit log says of a URL: nothing of its query, which may hold a token."""
    bare, mark, _ = url.partition("?")
    return {"url": bare, "query": "(not shown)" if mark else ""}
