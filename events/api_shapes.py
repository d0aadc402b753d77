"""How events look over HTTP."""

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deliveries.api_shapes import DeliveryOut
from deliveries.event_status import STATUSES
from events.accept import Accepted
from events.incoming import MOST_EVENTS
from events.models import Event
from organizations.api_shapes import Incoming

NO_NUL = r"^[^\x00]*$"
EVENT_TYPE = r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z"


@extend_schema_field(
    {
        "description": "Any JSON value without \\u0000, of at most 64 levels, with exponents up to 308.",
        # For a text, for the names of an object, and for what is in it; each says nothing of the other kinds.
        "pattern": NO_NUL,
        "propertyNames": {"pattern": NO_NUL},
    }
)
class AnyJSON(serializers.Field):  # type: ignore[type-arg]
    """JSON text from the database, written as it is."""

    def to_representation(self, value: str) -> msgspec.Raw:
        return msgspec.Raw(value.encode())


class EventIn(serializers.Serializer[None]):
    # For the schema only: `incoming.IncomingEvent` is what reads the body.
    type = serializers.RegexField(EVENT_TYPE, max_length=100)
    payload = AnyJSON()
    dedup_id = serializers.RegexField(
        NO_NUL,
        required=False,
        allow_null=True,
        min_length=1,
        max_length=255,
        help_text="Yours. Another event with the same within 24 hours is a duplicate.",
    )


class BatchIn(serializers.Serializer[None]):
    # `incoming.IncomingBatch` is what reads the body, each event for itself.
    events = serializers.ListField(child=EventIn(), min_length=1, max_length=MOST_EVENTS)


class FaultOut(serializers.Serializer[None]):
    pointer = serializers.CharField()
    detail = serializers.CharField()


class BatchErrorOut(serializers.Serializer[None]):
    code = serializers.ChoiceField(choices=["duplicate_event", "invalid_body"])
    detail = serializers.CharField()
    event_id = serializers.UUIDField(required=False, help_text="Of a duplicate: the event that was first.")
    errors = FaultOut(many=True, required=False)  # type: ignore[assignment]


class BatchResultOut(serializers.Serializer[None]):
    index = serializers.IntegerField(min_value=0, help_text="Its place in the batch, from 0.")
    status = serializers.ChoiceField(choices=["accepted", "duplicate", "rejected"])
    id = serializers.UUIDField(required=False, help_text="Of a duplicate: the event that was first.")
    error = BatchErrorOut(required=False)


class BatchOut(serializers.Serializer[None]):
    accepted = serializers.IntegerField(min_value=0)
    duplicates = serializers.IntegerField(min_value=0)
    rejected = serializers.IntegerField(min_value=0)
    results = BatchResultOut(many=True)


class AcceptedOut(serializers.Serializer[Accepted]):
    id = serializers.UUIDField()
    type = serializers.CharField()
    dedup_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    status = serializers.ChoiceField(choices=["pending"], default="pending")


class EventOut(serializers.ModelSerializer[Event]):
    payload = AnyJSON(source="payload_text")
    status = serializers.ChoiceField(choices=STATUSES)

    class Meta:
        model = Event
        fields = [
            "id",
            "type",
            "payload",
            "dedup_id",
            "status",
            "created_at",
            "acknowledged_at",
        ]


class EventDetailOut(EventOut):
    deliveries = DeliveryOut(many=True)

    class Meta(EventOut.Meta):
        fields = [*EventOut.Meta.fields, "deliveries"]


class ReplayIn(Incoming):
    endpoint_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class AckIn(Incoming):
    event_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST_EVENTS)
