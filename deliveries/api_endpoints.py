"""`/api/webhook/config` and `/api/endpoints`."""

import uuid
from datetime import timedelta
from typing import Any

import structlog
from drf_spectacular.utils import extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deliveries.api_shapes import (
    ConfigIn,
    ConfigOut,
    ConfiguredOut,
    EndpointChangeIn,
    EndpointIn,
    EndpointOut,
    NewEndpointOut,
    SecretOut,
    SecretRotationIn,
    TestIn,
)
from deliveries.endpoint_test import send_test
from deliveries.endpoints import (
    change_endpoint,
    configure_default,
    configure_inbox_only,
    create_endpoint,
    default_endpoint,
    delete_endpoint,
    find_endpoint,
)
from deliveries.models import Endpoint
from deliveries.querysets import EndpointQuerySet
from deliveries.ring import ring
from deliveries.rotation import rotate_secret, secret_of
from deliveries.secrets import new_secret, secret_bytes
from deliveries.targets import check_target
from organizations.authentication import key_of, tenant_of
from organizations.scopes import ENDPOINTS_WRITE, EVENTS_READ

log = structlog.get_logger(__name__)


def shown(request: Request, endpoint: Endpoint) -> dict[str, Any]:
    return dict(EndpointOut(endpoint, context=view_of(request)).data)


def view_of(request: Request) -> dict[str, Any]:
    """What this key may see of an endpoint."""
    return {"may_see_headers": ENDPOINTS_WRITE in key_of(request).scopes}


class WebhookConfig(APIView):
    """The tenant's default endpoint."""

    scopes = {"GET": EVENTS_READ, "POST": ENDPOINTS_WRITE}

    @extend_schema(operation_id="get_webhook_config", responses=ConfigOut)
    def get(self, request: Request) -> Response:
        """The default endpoint, without its secret."""
        return Response(config_of(default_endpoint(tenant_of(request))))

    @extend_schema(operation_id="set_webhook_config", request=ConfigIn, responses=ConfiguredOut)
    def post(self, request: Request) -> Response:
        """Sets the default endpoint; a `webhook_url` of null means inbox only."""
        incoming = ConfigIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        wanted = dict(incoming.validated_data)
        url = wanted.pop("webhook_url")
        if url is None:
            secret_bytes(wanted.get("secret") or new_secret())  # InvalidSecret, though it would not be used
            configure_inbox_only(tenant_of(request))
            return Response(
                {
                    "webhook_url": None,
                    "endpoint_id": None,
                    "event_types": [],
                    "secret": None,
                }
            )
        check_target(url)
        endpoint, secret = configure_default(tenant_of(request), url=url, **wanted)
        log.info("endpoint.configured", endpoint_id=str(endpoint.pk))
        return Response({**config_of(endpoint), "secret": secret})


def config_of(endpoint: Endpoint) -> dict[str, Any]:
    return {
        "webhook_url": endpoint.url,
        "endpoint_id": str(endpoint.pk),
        "event_types": endpoint.event_types,
    }


class Endpoints(ListAPIView[Endpoint]):
    serializer_class = EndpointOut
    scopes = {"GET": EVENTS_READ, "POST": ENDPOINTS_WRITE}

    def get_queryset(self) -> EndpointQuerySet:
        return Endpoint.objects.of(tenant_of(self.request)).present()

    def get_serializer_context(self) -> dict[str, Any]:
        return {**super().get_serializer_context(), **view_of(self.request)}

    @extend_schema(operation_id="list_endpoints")
    def get(self, request: Request) -> Response:
        """The tenant's endpoints, newest first."""
        return self.list(request)

    @extend_schema(
        operation_id="create_endpoint",
        request=EndpointIn,
        responses={201: NewEndpointOut},
    )
    def post(self, request: Request) -> Response:
        """One more endpoint. Its signing secret is in the answer."""
        incoming = EndpointIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        check_target(incoming.validated_data["url"])
        endpoint, secret = create_endpoint(tenant_of(request), **incoming.validated_data)
        log.info("endpoint.created", endpoint_id=str(endpoint.pk))
        return Response({**shown(request, endpoint), "secret": secret}, status=201)


class OneEndpoint(APIView):
    scopes = {"GET": EVENTS_READ, "PATCH": ENDPOINTS_WRITE, "DELETE": ENDPOINTS_WRITE}

    @extend_schema(operation_id="get_endpoint", responses=EndpointOut)
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        return Response(shown(request, find_endpoint(tenant_of(request), endpoint_id)))

    @extend_schema(operation_id="change_endpoint", request=EndpointChangeIn, responses=EndpointOut)
    def patch(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Changes what is given."""
        incoming = EndpointChangeIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        if "url" in incoming.validated_data:
            check_target(incoming.validated_data["url"])
        return Response(shown(request, change_endpoint(endpoint, incoming.validated_data)))

    @extend_schema(operation_id="delete_endpoint", request=None, responses={204: None})
    def delete(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """No further delivery starts; what was still to be sent is canceled."""
        delete_endpoint(find_endpoint(tenant_of(request), endpoint_id))
        log.info("endpoint.deleted", endpoint_id=str(endpoint_id))
        return Response(status=204)


class EndpointPause(APIView):
    scopes = {"POST": ENDPOINTS_WRITE}

    @extend_schema(operation_id="pause_endpoint", request=None, responses=EndpointOut)
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Events are kept and wait."""
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        Endpoint.objects.filter(pk=endpoint.pk).pause()
        return Response(shown(request, find_endpoint(tenant_of(request), endpoint_id)))


class EndpointResume(APIView):
    scopes = {"POST": ENDPOINTS_WRITE}

    @extend_schema(operation_id="resume_endpoint", request=None, responses=EndpointOut)
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """What waited is sent."""
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        Endpoint.objects.filter(pk=endpoint.pk).resume()
        ring()
        return Response(shown(request, find_endpoint(tenant_of(request), endpoint_id)))


class EndpointSecretView(APIView):
    scopes = {"GET": ENDPOINTS_WRITE}

    @extend_schema(operation_id="get_endpoint_secret", responses=SecretOut)
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """The signing secret, and until when one before it signs as well."""
        secret, until = secret_of(find_endpoint(tenant_of(request), endpoint_id))
        return Response({"secret": secret, "previous_secrets_until": until})


class EndpointSecretRotation(APIView):
    scopes = {"POST": ENDPOINTS_WRITE}
    optional_body = True

    @extend_schema(operation_id="rotate_endpoint_secret", request=SecretRotationIn, responses=SecretOut)
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """A new signing secret; the old one signs as well until the grace ends."""
        incoming = SecretRotationIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        grace = timedelta(seconds=incoming.validated_data["grace_seconds"])
        rotate_secret(endpoint, secret=incoming.validated_data.get("secret"), grace=grace)
        log.info("endpoint.secret_rotated", endpoint_id=str(endpoint_id))
        secret, until = secret_of(endpoint)
        return Response({"secret": secret, "previous_secrets_until": until})


class EndpointTest(APIView):
    scopes = {"POST": ENDPOINTS_WRITE}
    optional_body = True

    @extend_schema(
        operation_id="test_endpoint",
        request=TestIn,
        responses={
            202: inline_serializer(
                "TestSent", {"event_id": serializers.UUIDField(), "delivery_id": serializers.UUIDField()}
            )
        },
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Sends a real, signed event to this endpoint alone, with the header `webhook-test: true`."""
        incoming = TestIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        delivery = send_test(endpoint, event_type=incoming.validated_data["type"])
        return Response({"event_id": str(delivery.event_id), "delivery_id": str(delivery.pk)}, status=202)
