"""How deliveries, attempts and endpoints look over HTTP."""

from typing import Any

from rest_framework import serializers

from deliveries.models import Attempt, Delivery, Endpoint


class DeliveryOut(serializers.ModelSerializer[Delivery]):
    class Meta:
        model = Delivery
        fields = [
            "id",
            "event_id",
            "event_type",
            "endpoint_id",
            "status",
            "attempts",
            "next_attempt_at",
            "last_status_code",
            "last_error",
            "created_at",
            "settled_at",
        ]


class AttemptOut(serializers.ModelSerializer[Attempt]):
    class Meta:
        model = Attempt
        fields = [
            "number",
            "started_at",
            "duration_ms",
            "status_code",
            "outcome",
            "error",
            "response_headers",
            "response_body",
            "next_attempt_at",
        ]


class DeliveryDetailOut(DeliveryOut):
    attempt_log = AttemptOut(many=True)

    class Meta(DeliveryOut.Meta):
        fields = [*DeliveryOut.Meta.fields, "attempt_log"]


class HealthOut(serializers.Serializer[Endpoint]):
    consecutive_failures = serializers.IntegerField()
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_failure_at = serializers.DateTimeField(allow_null=True)


class EndpointOut(serializers.ModelSerializer[Endpoint]):
    health = HealthOut(source="*")

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "url",
            "description",
            "event_types",
            "state",
            "disabled_reason",
            "created_at",
            "health",
        ]


class EventTypePattern(serializers.RegexField):
    """`order.created`, or `order.*` for all that begin with `order.`"""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?\Z", max_length=102, **options)


def event_types_field(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=EventTypePattern(), max_length=100, **options)


class EndpointIn(serializers.Serializer[None]):
    url = serializers.CharField(max_length=2048)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    event_types = event_types_field(required=False)
    secret = serializers.CharField(max_length=200, required=False)


class EndpointChangeIn(serializers.Serializer[None]):
    url = serializers.CharField(max_length=2048, required=False)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    event_types = event_types_field(required=False)


class SecretRotationIn(serializers.Serializer[None]):
    secret = serializers.CharField(max_length=200, required=False)
    grace_seconds = serializers.IntegerField(min_value=0, max_value=604_800, default=86_400)


class SecretOut(serializers.Serializer[None]):
    secret = serializers.CharField()
    previous_secrets_until = serializers.DateTimeField(allow_null=True)


class TestIn(serializers.Serializer[None]):
    type = serializers.RegexField(
        r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z", max_length=100, default="webhook.test"
    )


class ConfigIn(serializers.Serializer[None]):
    webhook_url = serializers.CharField(max_length=2048, allow_null=True)
    event_types = event_types_field(required=False)
    secret = serializers.CharField(max_length=200, required=False)


class ConfigOut(serializers.Serializer[None]):
    webhook_url = serializers.CharField(allow_null=True)
    endpoint_id = serializers.UUIDField(allow_null=True)
    event_types = serializers.ListField(child=serializers.CharField())
    secret = serializers.CharField(allow_null=True)
