"""What staff send to one endpoint: a test event, whose answer is shown at once, and what was settled in some time."""

import uuid
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone

from deliveries import admin_replay
from deliveries.admin_attempts import shown_attempts
from deliveries.admin_endpoint_moves import EndpointMoves
from deliveries.admin_window import WHICH, Window, usual_window
from deliveries.endpoint_test import send_test
from deliveries.models import Delivery, Endpoint
from deliveries.sent_request import SentRequests
from deliveries.staff_replay import start_staff_replay
from organizations.admin_filters import moment
from organizations.admin_pages import actor_of, ask, done, page_context
from organizations.admin_words import how_many, page_of
from organizations.audit import record
from organizations.models import new_id

TEST_TYPE = "webhook.test"
PATIENCE = timedelta(minutes=1)  # so long a page looks for the answer to a test by itself


class EndpointSends(EndpointMoves):
    # --- A test event ---------------------------------------------------------------------------------------------

    def test(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        endpoint = self.found(request, endpoint_id)
        if request.method != "POST" or endpoint.state != Endpoint.State.ENABLED:
            return self._ask_test(request, endpoint)
        delivery = send_test(endpoint, event_type=TEST_TYPE)
        record(actor_of(request), "endpoint.tested", row=endpoint, after={"delivery": str(delivery.pk)})
        return HttpResponseRedirect(
            reverse("admin:deliveries_endpoint_answer", args=[endpoint.pk, delivery.pk])
        )

    def test_answer(
        self, request: HttpRequest, endpoint_id: uuid.UUID, delivery_id: uuid.UUID
    ) -> HttpResponse:
        """What came of it; looks again by itself until something did."""
        endpoint = self.found(request, endpoint_id)
        delivery = get_object_or_404(Delivery, pk=delivery_id, endpoint=endpoint, test=True)
        attempts = shown_attempts([delivery], SentRequests(delivery.event_id, [endpoint]))
        context = {
            **page_context(self, request, endpoint),
            "title": "Test event",
            "endpoint": endpoint,
            "delivery": delivery,
            # What was sent is on the delivery's page, with its body.
            "shown": replace(attempts[0], request=None) if attempts else None,
            "looks_again": not attempts and timezone.now() < delivery.created_at + PATIENCE,
        }
        return TemplateResponse(request, "admin/deliveries/endpoint_test.html", context)

    def _ask_test(self, request: HttpRequest, endpoint: Endpoint) -> HttpResponse:
        enabled = endpoint.state == Endpoint.State.ENABLED
        return ask(
            self,
            request,
            row=endpoint,
            question="Send a test event to this endpoint?" if enabled else "Nothing is sent there now",
            button="Send test event" if enabled else "",
            back=page_of(endpoint),
            template="admin/deliveries/ask_test.html",
            event_type=TEST_TYPE,
        )

    # --- What was settled in some time ------------------------------------------------------------------------------

    def replay(self, request: HttpRequest, endpoint_id: uuid.UUID) -> HttpResponse:
        """Asks for the time, then names the number, then replays in the background."""
        if not may_replay(request):
            raise PermissionDenied
        endpoint = get_object_or_404(
            Endpoint.objects.present().select_related("organization"), pk=endpoint_id
        )
        given = request.POST if request.method == "POST" else request.GET
        if "since" not in given:
            return self._ask_window(request, endpoint, usual_window())
        try:
            window = Window.read(given)
        except ValueError as error:
            return self._ask_window(request, endpoint, given, str(error))
        if request.method == "POST":
            return self._replay(request, endpoint, window)
        return self._ask_replay(request, endpoint, window)

    def _ask_window(
        self, request: HttpRequest, endpoint: Endpoint, given: Mapping[str, Any], fault: str = ""
    ) -> HttpResponse:
        context = {
            **page_context(self, request, endpoint),
            "title": "Replay a time window",
            "back": page_of(endpoint),
            "given": {name: given.get(name, "") for name in ("since", "until", "status")},
            "which": WHICH.items(),
            "fault": fault,
        }
        return TemplateResponse(request, "admin/deliveries/ask_window.html", context)

    def _ask_replay(self, request: HttpRequest, endpoint: Endpoint, window: Window) -> HttpResponse:
        plan = admin_replay.plan(window.of(endpoint))
        number = how_many(plan.deliveries, "delivery", "deliveries") if plan else ""
        return ask(
            self,
            request,
            row=endpoint,
            question=_question(plan, number),
            button=f"Replay {number}" if plan and plan.deliveries else "",
            back=request.path,
            template="admin/deliveries/ask_replay.html" if plan else "admin/deliveries/ask_too_many.html",
            hidden=[*window.fields(), ("as_of", plan.as_of.isoformat()), ("all", str(new_id()))]
            if plan
            else [],
            plan=plan,
            most=f"{admin_replay.MOST_AT_ONCE:,}",
        )

    def _replay(self, request: HttpRequest, endpoint: Endpoint, window: Window) -> HttpResponse:
        try:
            as_of, replay_id = moment(request.POST.get("as_of", "")), uuid.UUID(request.POST.get("all", ""))
        except ValueError:  # not what our pages send
            as_of, replay_id = None, new_id()
        if as_of is None:
            return done(request, "Nothing was chosen.", to=page_of(endpoint), level=messages.WARNING)
        replay = start_staff_replay(
            admin_replay.replayable(window.of(endpoint), as_of=as_of),
            replay_id=replay_id,
            as_of=as_of,
            which=f"endpoint={endpoint.pk}&{window.as_query()}",
            actor=actor_of(request),
        )
        if replay is None:
            words = "Nothing was replayed: it was done already, or what you saw has changed meanwhile."
            return done(request, words, to=page_of(endpoint), level=messages.WARNING)
        return HttpResponseRedirect(page_of(replay))


def _question(plan: admin_replay.Plan | None, number: str) -> str:
    if plan is None:
        return "These are too many to replay at once"
    return f"Replay {number} to this endpoint?" if plan.deliveries else "There is nothing to replay"


def may_replay(request: HttpRequest) -> bool:
    """As in the lists."""
    return request.user.has_perm("deliveries.change_delivery")
