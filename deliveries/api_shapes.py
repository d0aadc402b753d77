"""How deliveries, attempts and endpoints look over HTTP."""

from typing import Any

import structlog
from cryptography.fernet import InvalidToken
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from deliveries import outcome
from deliveries.custom_headers import LONGEST_VALUE, MOST, opened
from deliveries.models import Attempt, Delivery, Endpoint, Replay
from deliveries.targets import LONGEST_URL
from organizations.api_shapes import Incoming

HIDDEN = "***"

log = structlog.get_logger(__name__)


@extend_schema_field(
    {
        "type": "string",
        "format": "uri",
        "maxLength": LONGEST_URL,
        "description": "http or https, without user name and fragment, to a public address.",
    }
)
class WebhookURL(serializers.CharField):
    """The shape only; where it may point to is `targets.check_target`'s business."""

    def __init__(self, **options: Any) -> None:
        super().__init__(max_length=LONGEST_URL, **options)


@extend_schema_field(
    {
        "type": "string",
        "pattern": "^whsec_(?:(?:[A-Za-z0-9+/]{4}){8,20}(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?"
        "|(?:[A-Za-z0-9+/]{4}){21}(?:[A-Za-z0-9+/]{2}==)?)$",
        "description": "A signing secret of Standard Webhooks: whsec_ and 24-64 bytes in base64.",
    }
)
class SigningSecret(serializers.CharField):
    """The shape only; `secrets.secret_bytes` reads it."""


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
    outcome = serializers.ChoiceField(
        choices=[
            outcome.DELIVERED,
            outcome.REJECTED,
            outcome.TIMEOUT,
            outcome.UNREACHABLE,
            outcome.BROKEN,
            outcome.FORBIDDEN,
            outcome.UNSENT,
            outcome.LOST,
        ]
    )
    response_headers = serializers.DictField(child=serializers.CharField())

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


class ReplayOut(serializers.ModelSerializer[Replay]):
    class Meta:
        model = Replay
        fields = [
            "id",
            "state",
            "matched",
            "replayed",
            "status",
            "endpoint_id",
            "event_types",
            "since",
            "until",
            "created_at",
            "finished_at",
        ]


class HealthOut(serializers.Serializer[Endpoint]):
    consecutive_failures = serializers.IntegerField()
    last_success_at = serializers.DateTimeField(allow_null=True)
    last_failure_at = serializers.DateTimeField(allow_null=True)
    circuit = serializers.ChoiceField(
        choices=Endpoint.Circuit.choices,
        help_text="After ten failures in a row it opens: deliveries wait, and one at a time is tried.",
    )


class EndpointOut(serializers.ModelSerializer[Endpoint]):
    """The values of `headers` are for keys with the scope endpoints:write; others see that there is one."""

    health = HealthOut(source="*")
    headers = serializers.SerializerMethodField()

    @extend_schema_field(
        serializers.DictField(
            child=serializers.CharField(),
            allow_null=True,
            help_text="null: there are some, and this server can't read them. Nothing is sent without them; set them "
            "anew, or tell the operator.",
        )
    )
    def get_headers(self, endpoint: Endpoint) -> dict[str, str] | None:
        try:
            headers = opened(endpoint.encrypted_headers)
        except InvalidToken:
            log.error("endpoint.headers_unreadable", endpoint_id=str(endpoint.pk))
            return None
        return headers if self.context.get("may_see_headers") else dict.fromkeys(headers, HIDDEN)

    class Meta:
        model = Endpoint
        fields = [
            "id",
            "url",
            "description",
            "event_types",
            "state",
            "disabled_reason",
            "max_per_second",
            "send_traceparent",
            "headers",
            "created_at",
            "health",
        ]


class NewEndpointOut(EndpointOut):
    """For the schema only: with the secret, which is no field of the row."""

    secret = SigningSecret()

    class Meta(EndpointOut.Meta):
        fields = [*EndpointOut.Meta.fields, "secret"]


class EventTypePattern(serializers.RegexField):
    """`order.created`, or `order.*` for all that begin with `order.`"""

    def __init__(self, **options: Any) -> None:
        super().__init__(r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*(\.\*)?\Z", max_length=102, **options)


def event_types_field(**options: Any) -> serializers.ListField:
    return serializers.ListField(child=EventTypePattern(), max_length=100, **options)


@extend_schema_field(
    {
        "type": "object",
        "maxProperties": MOST,
        "propertyNames": {"pattern": "^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"},
        "additionalProperties": {
            "type": "string",
            "maxLength": LONGEST_VALUE,
            "pattern": "^[!-~]([ -~\\t]*[!-~])?$",
        },
        "description": "Sent with every delivery. They can't take the place of those that are ours.",
    }
)
class OwnHeaders(serializers.DictField):
    """The shape only; `custom_headers.check_headers` reads them."""


def headers_field() -> serializers.DictField:
    return OwnHeaders(
        child=serializers.CharField(max_length=1_000, trim_whitespace=False),
        required=False,
        help_text="Sent with every delivery. They can't take the place of those that are ours.",
    )


def pace_field() -> serializers.IntegerField:
    return serializers.IntegerField(min_value=1, max_value=10_000, allow_null=True, required=False)


def traceparent_field() -> serializers.BooleanField:
    return serializers.BooleanField(
        required=False,
        help_text="Whether each delivery carries the header `traceparent` (W3C Trace Context), if there is one.",
    )


class EndpointIn(Incoming):
    url = WebhookURL()
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    event_types = event_types_field(required=False)
    headers = headers_field()
    max_per_second = pace_field()
    send_traceparent = traceparent_field()
    secret = SigningSecret(max_length=200, required=False)


class EndpointChangeIn(Incoming):
    url = WebhookURL(required=False)
    description = serializers.CharField(max_length=500, required=False, allow_blank=True)
    event_types = event_types_field(required=False)
    headers = headers_field()
    max_per_second = pace_field()
    send_traceparent = traceparent_field()


class WindowIn(Incoming):
    """Deliveries by the time they were created."""

    since = serializers.DateTimeField(required=False, allow_null=True, help_text="Created at or after.")
    until = serializers.DateTimeField(required=False, allow_null=True, help_text="Created before.")
    dry_run = serializers.BooleanField(default=False, help_text="Only say how many there are.")

    def validate(self, attributes: dict[str, Any]) -> dict[str, Any]:
        since, until = attributes.get("since"), attributes.get("until")
        if since and until and until <= since:
            raise serializers.ValidationError({"until": ["This is not after since."]})
        return attributes


class RetryManyIn(WindowIn):
    status = serializers.ChoiceField(choices=Delivery.Status.choices)
    endpoint_id = serializers.UUIDField(required=False, allow_null=True)
    event_type = serializers.RegexField(
        r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z", max_length=100, required=False, allow_null=True
    )


class EndpointReplayIn(WindowIn):
    since = serializers.DateTimeField(help_text="Created at or after.")
    status = serializers.ChoiceField(choices=Delivery.Status.choices, default=Delivery.Status.DEAD_LETTER)
    event_types = event_types_field(required=False)


class ReplayStartedOut(serializers.Serializer[Replay]):
    """A large replay goes on after the answer: `GET /api/replays/{id}` tells how far it is."""

    id = serializers.UUIDField(allow_null=True, help_text="Of the replay; null after a dry run.")
    state = serializers.ChoiceField(choices=Replay.State.choices, allow_null=True)
    matched = serializers.IntegerField(help_text="How many deliveries there are.")
    replayed = serializers.IntegerField(help_text="How many of them are on their way already.")


class SecretRotationIn(Incoming):
    secret = SigningSecret(max_length=200, required=False)
    grace_seconds = serializers.IntegerField(min_value=0, max_value=604_800, default=86_400)


class SecretOut(serializers.Serializer[None]):
    secret = SigningSecret()
    previous_secrets_until = serializers.DateTimeField(allow_null=True)


class TestIn(Incoming):
    type = serializers.RegexField(
        r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*\Z", max_length=100, default="webhook.test"
    )


class ConfigIn(Incoming):
    webhook_url = WebhookURL(allow_null=True)
    event_types = event_types_field(required=False)
    secret = SigningSecret(max_length=200, required=False)


class ConfigOut(serializers.Serializer[None]):
    webhook_url = serializers.CharField(allow_null=True)
    endpoint_id = serializers.UUIDField(allow_null=True)
    event_types = serializers.ListField(child=serializers.CharField())


class ConfiguredOut(ConfigOut):
    secret = SigningSecret(allow_null=True)
