"""How events look over HTTP."""

import msgspec
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deliveries.api_shapes import DeliveryOut
from deliveries.event_status import STATUSES
from events.accept import Accepted
from events.incoming import MOST_EVENTS
from events.models import Event


@extend_schema_field({"description": "Any JSON value."})
class AnyJSON(serializers.Field):  # type: ignore[type-arg]
    """JSON text from the database, written as it is."""

    def to_representation(self, value: str) -> msgspec.Raw:
        return msgspec.Raw(value.encode())


class EventIn(serializers.Serializer[None]):
    """For the schema only: `incoming.IncomingEvent` is what reads the body."""

    type = serializers.CharField(max_length=100)
    payload = AnyJSON()
    dedup_id = serializers.CharField(required=False, min_length=1, max_length=255)


class AcceptedOut(serializers.Serializer[Accepted]):
    id = serializers.UUIDField()
    type = serializers.CharField()
    dedup_id = serializers.CharField(allow_null=True)
    created_at = serializers.DateTimeField()
    status = serializers.CharField(default="pending")


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


class ReplayIn(serializers.Serializer[None]):
    endpoint_id = serializers.UUIDField(required=False, allow_null=True, default=None)


class AckIn(serializers.Serializer[None]):
    event_ids = serializers.ListField(child=serializers.UUIDField(), min_length=1, max_length=MOST_EVENTS)
