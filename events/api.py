"""`/api/events`, `/api/inbox` and `/api/ack`: accept, list, replay, poll, acknowledge."""

import uuid
from collections.abc import Callable, Iterator
from typing import Any

import msgspec
import structlog
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.exceptions import APIException
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deliveries.acknowledge import acknowledge_and_cancel
from deliveries.endpoints import find_endpoint
from deliveries.event_status import STATUSES, with_status
from deliveries.events_by_status import Listed, Way, ways_to
from deliveries.intake import take_batch, take_event
from deliveries.replay import replay_event
from deliveries.ring import ring_after_commit
from events.acknowledge import find_event
from events.api_shapes import (
    AcceptedOut,
    AckIn,
    BatchIn,
    BatchOut,
    EventDetailOut,
    EventIn,
    EventOut,
    ReplayIn,
)
from events.errors import EventNotFound, SearchTooBroad
from events.idempotency import LONGEST_KEY, Answer, once
from events.incoming import LARGEST_BATCH, LARGEST_EVENT, read_batch, read_event, read_search
from events.metrics import note_refusal
from events.middleware import trace_of
from events.models import Event
from events.querysets import EventQuerySet
from organizations import parameters
from organizations.authentication import tenant_of
from organizations.errors import InvalidQuery
from organizations.middleware import spend_events
from organizations.patience import TookTooLong, patience
from organizations.replica import may_lag
from organizations.scopes import EVENTS_READ, EVENTS_WRITE

log = structlog.get_logger(__name__)


def query_parameter(name: str, kind: Any, description: str, **more: Any) -> OpenApiParameter:
    return OpenApiParameter(name, kind, description=description, **more)


SINCE = query_parameter("since", OpenApiTypes.DATETIME, "Created at or after.")
UNTIL = query_parameter("until", OpenApiTypes.DATETIME, "Created before.")
TYPE = query_parameter("type", parameters.TEXT, "Exactly this event type.")
PAYLOAD = query_parameter(
    "payload",
    str,
    "A JSON document: only events whose payload contains it. An object is contained when all its members are, an array"
    " when all its elements are, at any place.",
    examples=[OpenApiExample("an order", value='{"order":{"id":17}}')],
)
SEARCH_SECONDS = 5
IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": LONGEST_KEY, "pattern": "^[ -~]+$"},
    OpenApiParameter.HEADER,
    description="Of this call; the same key and body within 24 hours give the first answer again.",
    examples=[OpenApiExample("a key", value="order-17-created")],
)

TRACEPARENT = OpenApiParameter(
    "traceparent",
    str,
    OpenApiParameter.HEADER,
    description="The trace that the call belongs to (W3C Trace Context). One that is not valid is as good as none.",
    examples=[OpenApiExample("a trace", value="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")],
)


class CountsRefusals(APIView):
    """A call to accept events that is refused is counted, by why. The fast lane counts its own."""

    def handle_exception(self, exc: Exception) -> Response:
        if self.request.method == "POST" and not isinstance(exc, APIException):
            note_refusal(exc)
        return super().handle_exception(exc)


class Events(CountsRefusals, ListAPIView[Event]):
    """POST accepts one event; GET lists."""

    serializer_class = EventOut
    scopes = {"GET": EVENTS_READ, "POST": EVENTS_WRITE}
    raw_body, largest_body = True, LARGEST_EVENT

    def get_queryset(self) -> EventQuerySet:
        query = self.request.query_params
        since, until = parameters.moment(query, "since"), parameters.moment(query, "until")
        tenant = tenant_of(self.request)
        # Those of a time are found by their ids, whoever has them.
        events = Event.objects.of(tenant) if since or until else Event.objects.newest_of(tenant)
        events = events.of_type(parameters.text(query, "type")).between(since, until)
        return with_status(events.containing(read_search(query)))

    @extend_schema(operation_id="list_events", parameters=[TYPE, SINCE, UNTIL, PAYLOAD])
    @may_lag()
    def get(self, request: Request) -> Response:
        """Events, newest first."""
        if not request.query_params.get("payload"):
            return self.list(request)
        try:
            with patience(SEARCH_SECONDS):
                return self.list(request)
        except TookTooLong:
            raise SearchTooBroad(f"The search took longer than {SEARCH_SECONDS} seconds.") from None

    @extend_schema(
        operation_id="send_event",
        request=EventIn,
        responses={202: AcceptedOut},
        parameters=[IDEMPOTENCY_KEY, TRACEPARENT],
    )
    def post(self, request: Request) -> Response:
        """Accepts one event. When the answer is 202, the event and its deliveries are stored."""
        spend_events(request._request, 1)
        event, trace = read_event(body_of(request)), trace_of(request._request)
        return taken_once(request, lambda: take_event(tenant_of(request), event, trace=trace))


class Batch(CountsRefusals):
    scopes = {"POST": EVENTS_WRITE}
    raw_body, largest_body = True, LARGEST_BATCH

    @extend_schema(
        operation_id="send_events",
        request=BatchIn,
        responses={202: BatchOut, 207: BatchOut},
        parameters=[IDEMPOTENCY_KEY, TRACEPARENT],
    )
    def post(self, request: Request) -> Response:
        """Accepts up to 1,000 events, each for itself: 202 when all were, else 207 and what became of each."""
        incoming, trace = read_batch(body_of(request)), trace_of(request._request)
        spend_events(request._request, len(incoming))
        return taken_once(request, lambda: take_batch(tenant_of(request), incoming, trace=trace))


def taken_once(request: Request, take: Callable[[], Answer]) -> Response:
    """What `take` answers, and rings for what it took; under an Idempotency-Key that was used before, what it answered
    then."""

    def act() -> Answer:
        answer = take()
        ring_after_commit()
        return answer

    key = request.headers.get("Idempotency-Key")
    if key is None:
        answer, again = act(), False
    else:
        call = f"{request.method} {request.path_info}"
        answer, again = once(tenant_of(request), key, call=call, body=body_of(request), act=act)
    headers = {"Idempotent-Replayed": "true"} if again else None
    return Response(msgspec.Raw(answer.text.encode()), status=answer.status_code, headers=headers)


def body_of(request: Request) -> bytes:
    """The raw body."""
    body: Any = request.data
    found: bytes = body
    return found


class OneEvent(APIView):
    scopes = {"GET": EVENTS_READ}

    @extend_schema(operation_id="get_event", responses=EventDetailOut)
    @may_lag(EventNotFound)
    def get(self, request: Request, event_id: uuid.UUID) -> Response:
        """One event with its deliveries."""
        events = with_status(Event.objects.of(tenant_of(request)).filter(pk=event_id)).prefetch_related(
            "deliveries"
        )
        event = events.first()
        if event is None:
            raise EventNotFound("This organization has no such event.")
        return Response(EventDetailOut(event).data)


class EventReplay(APIView):
    scopes = {"POST": EVENTS_WRITE}
    optional_body = True

    @extend_schema(
        operation_id="replay_event",
        request=ReplayIn,
        responses={
            202: inline_serializer(
                "Replayed",
                {
                    "event_id": serializers.UUIDField(),
                    "replayed": serializers.IntegerField(),
                },
            )
        },
    )
    def post(self, request: Request, event_id: uuid.UUID) -> Response:
        """Sends an event again: to one endpoint, or to all that it went to and all that want it now."""
        incoming = ReplayIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        event = find_event(tenant_of(request), event_id)
        endpoint_id = incoming.validated_data["endpoint_id"]
        endpoint = find_endpoint(tenant_of(request), endpoint_id) if endpoint_id else None
        replayed = replay_event(event, endpoint=endpoint)
        log.info("event.replayed", event_id=str(event_id), deliveries=replayed)
        return Response({"event_id": str(event_id), "replayed": replayed}, status=202)


class Inbox(ListAPIView[Event]):
    """For those who can't be called: poll, then acknowledge."""

    serializer_class = EventOut
    scopes = {"GET": EVENTS_READ}
    takes_offset = True

    def get_queryset(self) -> EventQuerySet:
        query = self.request.query_params
        if query.get("offset", "0") not in ("", "0") and query.get("cursor"):
            raise InvalidQuery([("offset", "This goes without a cursor.")])
        events = Event.objects.newest_of(tenant_of(self.request)).of_type(parameters.text(query, "type"))
        by_itself = events.acknowledged() if self.status() == "acknowledged" else events.unacknowledged()
        return with_status(by_itself)

    def ways_to_ids(self, below: uuid.UUID | None, most: int) -> Iterator[Way] | None:
        """As `NewestFirst` asks for them."""
        status = self.status()
        if status in (None, "acknowledged"):
            return None
        event_type = parameters.text(self.request.query_params, "type")
        return ways_to(Listed(tenant_of(self.request), event_type, below, most), status)

    def status(self) -> str | None:
        return parameters.choice(self.request.query_params, "status", STATUSES)

    @extend_schema(
        operation_id="poll_inbox",
        parameters=[
            TYPE,
            query_parameter("status", str, "Without: all but the acknowledged.", enum=STATUSES),
        ],
    )
    @may_lag()
    def get(self, request: Request) -> Response:
        """Events that wait for an acknowledgement, newest first."""
        return self.list(request)


class Ack(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(
        operation_id="acknowledge_events",
        request=AckIn,
        responses=inline_serializer(
            "Acknowledged",
            {
                "acknowledged": serializers.IntegerField(),
                "unknown": serializers.ListField(child=serializers.UUIDField()),
            },
        ),
    )
    def post(self, request: Request) -> Response:
        """Settles up to 1,000 events by hand, and cancels what was still to be sent of them."""
        incoming = AckIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        wanted = list(dict.fromkeys(incoming.validated_data["event_ids"]))
        known = set(acknowledge_and_cancel(tenant_of(request), wanted))
        unknown = [str(event_id) for event_id in wanted if event_id not in known]
        return Response({"acknowledged": len(known), "unknown": unknown})


class AckOne(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(
        operation_id="acknowledge_event",
        request=None,
        responses=inline_serializer(
            "AcknowledgedEvent",
            {
                "id": serializers.UUIDField(),
                "status": serializers.ChoiceField(choices=["acknowledged"]),
                "acknowledged_at": serializers.DateTimeField(),
            },
        ),
    )
    def post(self, request: Request, event_id: uuid.UUID) -> Response:
        """Settles one event by hand; the second time the answer is the same."""
        acknowledge_and_cancel(tenant_of(request), [event_id])
        event = find_event(tenant_of(request), event_id)
        answer = {
            "id": str(event.pk),
            "status": "acknowledged",
            "acknowledged_at": event.acknowledged_at,
        }
        return Response(answer)
