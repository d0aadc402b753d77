"""`/api/keys`: sign-up, and a tenant's keys."""

import uuid
from datetime import timedelta

import structlog
from django.conf import settings
from django.db import transaction
from django_ratelimit.core import get_usage
from drf_spectacular.utils import extend_schema, inline_serializer
from redis import RedisError
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deliveries.api_shapes import WebhookURL
from deliveries.endpoints import configure_default
from deliveries.targets import check_target
from organizations.api_shapes import Incoming
from organizations.authentication import Anyone, key_of, tenant_of
from organizations.callers import caller_address
from organizations.errors import OverLimit, SignupClosed
from organizations.keys import create_key, generate_key, revoke_key, rotate_key
from organizations.models import ApiKey, Organization
from organizations.one_line import one_line
from organizations.scopes import ALL_SCOPES, KEYS_WRITE

log = structlog.get_logger(__name__)

LONGEST_GRACE = 604_800  # seconds: a week


class OrganizationOut(serializers.ModelSerializer[Organization]):
    class Meta:
        model = Organization
        fields = ["id", "name", "tier", "rate_limit_per_minute", "created_at"]


class KeyOut(serializers.ModelSerializer[ApiKey]):
    scopes = serializers.ListField(child=serializers.ChoiceField(choices=ALL_SCOPES))
    prefix = serializers.CharField(help_text="The part of the key that may be shown.")

    class Meta:
        model = ApiKey
        fields = [
            "id",
            "name",
            "prefix",
            "scopes",
            "created_at",
            "last_used_at",
            "expires_at",
            "revoked_at",
        ]


class SignupIn(Incoming):
    organization_name = serializers.CharField(max_length=200, validators=[one_line])
    webhook_url = WebhookURL(required=False)


class RotationIn(Incoming):
    grace_seconds = serializers.IntegerField(min_value=0, max_value=LONGEST_GRACE, default=0)


class KeyIn(Incoming):
    name = serializers.CharField(max_length=100, validators=[one_line])
    scopes = serializers.ListField(
        child=serializers.ChoiceField(choices=ALL_SCOPES),
        required=False,
        allow_empty=False,
        help_text="Of those that the asking key has itself; without, all of them.",
        min_length=1,
    )
    expires_at = serializers.DateTimeField(required=False, allow_null=True, default=None)


NewKeyOut = inline_serializer("NewKey", {"api_key": serializers.CharField(), "key": KeyOut()})


class Signup(APIView):
    authentication_classes: list[type] = []
    permission_classes = [Anyone]

    @extend_schema(
        operation_id="generate_key",
        auth=[],
        request=SignupIn,
        responses={
            201: inline_serializer(
                "SignedUp",
                {
                    "api_key": serializers.CharField(),
                    "key": KeyOut(),
                    "organization": OrganizationOut(),
                },
            )
        },
    )
    def post(self, request: Request) -> Response:
        """Makes a tenant, of the free tier, and its first key. The key is shown this once."""
        if not settings.SIGNUP_OPEN:
            raise SignupClosed("Sign-up is closed on this server. Ask the operator for a key.")
        refuse_signup_flood(request)
        incoming = SignupIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        answer = sign_up(
            incoming.validated_data["organization_name"],
            incoming.validated_data.get("webhook_url"),
        )
        return Response(answer, status=201)


def sign_up(name: str, webhook_url: str | None, **fields: str) -> dict[str, object]:
    """The answer to `keys/generate`: the tenant, its first key, and its endpoint when a URL is given."""
    if webhook_url is not None:
        check_target(webhook_url)  # asks the DNS, which has no place in a transaction
    with transaction.atomic():
        organization = Organization.objects.create(name=name, **fields)
        text, key = generate_key(organization)
        if webhook_url is not None:
            configure_default(organization, url=webhook_url)
        organization.refresh_from_db()
    log.info(
        "organization.created",
        organization_id=str(organization.pk),
        tier=organization.tier,
    )
    return {
        "api_key": text,
        "key": KeyOut(key).data,
        "organization": OrganizationOut(organization).data,
    }


def refuse_signup_flood(request: Request) -> None:
    """At most SIGNUPS_PER_HOUR from one address. Without Redis nobody is counted, and nobody is kept out."""
    try:
        usage = get_usage(
            request._request,
            group="signup",
            key=lambda _group, plain: caller_address(plain),
            rate=f"{settings.SIGNUPS_PER_HOUR}/h",
            increment=True,
        )
    except RedisError as error:
        log.warning("signup.not_counted", error=type(error).__name__)
        return
    if usage and usage["should_limit"]:
        raise OverLimit(
            "Too many sign-ups from this address.",
            retry_after=max(1, int(usage["time_left"])),
        )


class Keys(APIView):
    scopes = {"POST": KEYS_WRITE}

    @extend_schema(
        operation_id="list_keys",
        responses=inline_serializer("Keys", {"organization": OrganizationOut(), "keys": KeyOut(many=True)}),
    )
    def get(self, request: Request) -> Response:
        """The tenant and its keys, newest first; never a secret. Of those that ended, the latest 100 of 30 days."""
        keys = ApiKey.objects.of(tenant_of(request)).listed()
        return Response(
            {
                "organization": OrganizationOut(tenant_of(request)).data,
                "keys": KeyOut(keys, many=True).data,
            }
        )

    @extend_schema(operation_id="create_key", request=KeyIn, responses={201: NewKeyOut})
    def post(self, request: Request) -> Response:
        """One more key, of scopes that the asking one has itself. It is shown this once."""
        incoming = KeyIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        text, key = create_key(key_of(request), **incoming.validated_data)
        return Response({"api_key": text, "key": KeyOut(key).data}, status=201)


class KeyRotation(APIView):
    scopes = {"POST": KEYS_WRITE}
    optional_body = True

    @extend_schema(
        operation_id="rotate_key",
        request=RotationIn,
        responses={
            201: inline_serializer(
                "RotatedKey",
                {
                    "api_key": serializers.CharField(),
                    "key": KeyOut(),
                    "previous_key": KeyOut(),
                },
            )
        },
    )
    def post(self, request: Request) -> Response:
        """A new key in place of the one that asks, which works until the grace ends."""
        incoming = RotationIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        grace = timedelta(seconds=incoming.validated_data["grace_seconds"])
        text, key, previous = rotate_key(key_of(request), grace=grace)
        answer = {
            "api_key": text,
            "key": KeyOut(key).data,
            "previous_key": KeyOut(previous).data,
        }
        return Response(answer, status=201)


class OneKey(APIView):
    scopes = {"DELETE": KEYS_WRITE}

    @extend_schema(operation_id="delete_key", request=None, responses={204: None})
    def delete(self, request: Request, key_id: uuid.UUID) -> Response:
        """Revokes a key: it is refused everywhere within a second."""
        revoke_key(tenant_of(request), key_id)
        return Response(status=204)
