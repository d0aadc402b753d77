"""`/api/webhook/config`, `/api/endpoints` and `/api/deliveries`."""

import uuid
from typing import Any

import structlog
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema, inline_serializer
from rest_framework import serializers
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deliveries.api_shapes import (
    ConfigIn,
    ConfigOut,
    DeliveryDetailOut,
    DeliveryOut,
    EndpointChangeIn,
    EndpointIn,
    EndpointOut,
)
from deliveries.endpoints import (
    change_endpoint,
    configure_default,
    configure_inbox_only,
    create_endpoint,
    default_endpoint,
    delete_endpoint,
    find_endpoint,
)
from deliveries.models import Delivery, Endpoint
from deliveries.querysets import DeliveryQuerySet, EndpointQuerySet
from deliveries.replay import find_delivery, send_again
from deliveries.ring import ring
from deliveries.targets import check_target
from organizations import parameters
from organizations.authentication import tenant_of
from organizations.scopes import ENDPOINTS_WRITE, EVENTS_READ, EVENTS_WRITE

log = structlog.get_logger(__name__)

NewEndpointOut = inline_serializer(
    "NewEndpoint", {**EndpointOut().get_fields(), "secret": serializers.CharField()}
)


class WebhookConfig(APIView):
    """The tenant's default endpoint."""

    scopes = {"GET": EVENTS_READ, "POST": ENDPOINTS_WRITE}

    @extend_schema(operation_id="get_webhook_config", responses=ConfigOut)
    def get(self, request: Request) -> Response:
        """The default endpoint, without its secret."""
        return Response(config_of(default_endpoint(tenant_of(request))))

    @extend_schema(operation_id="set_webhook_config", request=ConfigIn, responses=ConfigOut)
    def post(self, request: Request) -> Response:
        """Sets the default endpoint; a `webhook_url` of null means inbox only."""
        incoming = ConfigIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        wanted = dict(incoming.validated_data)
        url = wanted.pop("webhook_url")
        if url is None:
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
        return Response({**EndpointOut(endpoint).data, "secret": secret}, status=201)


class OneEndpoint(APIView):
    scopes = {"GET": EVENTS_READ, "PATCH": ENDPOINTS_WRITE, "DELETE": ENDPOINTS_WRITE}

    @extend_schema(operation_id="get_endpoint", responses=EndpointOut)
    def get(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        return Response(EndpointOut(find_endpoint(tenant_of(request), endpoint_id)).data)

    @extend_schema(operation_id="change_endpoint", request=EndpointChangeIn, responses=EndpointOut)
    def patch(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Changes what is given."""
        incoming = EndpointChangeIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        if "url" in incoming.validated_data:
            check_target(incoming.validated_data["url"])
        return Response(EndpointOut(change_endpoint(endpoint, incoming.validated_data)).data)

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
        return Response(EndpointOut(find_endpoint(tenant_of(request), endpoint_id)).data)


class EndpointResume(APIView):
    scopes = {"POST": ENDPOINTS_WRITE}

    @extend_schema(operation_id="resume_endpoint", request=None, responses=EndpointOut)
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """What waited is sent."""
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        Endpoint.objects.filter(pk=endpoint.pk).resume()
        ring()
        return Response(EndpointOut(find_endpoint(tenant_of(request), endpoint_id)).data)


def filters() -> list[OpenApiParameter]:
    return [
        OpenApiParameter("status", str, enum=Delivery.Status.values),
        OpenApiParameter("endpoint_id", OpenApiTypes.UUID),
        OpenApiParameter("event_type", str),
        OpenApiParameter("event_id", OpenApiTypes.UUID),
        OpenApiParameter("since", OpenApiTypes.DATETIME, description="Created at or after."),
        OpenApiParameter("until", OpenApiTypes.DATETIME, description="Created before."),
    ]


class Deliveries(ListAPIView[Delivery]):
    serializer_class = DeliveryOut
    scopes = {"GET": EVENTS_READ}

    def get_queryset(self) -> DeliveryQuerySet:
        query = self.request.query_params
        return Delivery.objects.of(tenant_of(self.request)).matching(
            status=parameters.choice(query, "status", Delivery.Status.values),
            endpoint_id=parameters.identifier(query, "endpoint_id"),
            event_id=parameters.identifier(query, "event_id"),
            event_type=parameters.text(query, "event_type"),
            since=parameters.moment(query, "since"),
            until=parameters.moment(query, "until"),
        )

    @extend_schema(operation_id="list_deliveries", parameters=filters())
    def get(self, request: Request) -> Response:
        """Deliveries, newest first."""
        return self.list(request)


class OneDelivery(APIView):
    scopes = {"GET": EVENTS_READ}

    @extend_schema(operation_id="get_delivery", responses=DeliveryDetailOut)
    def get(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """One delivery with every attempt."""
        return Response(DeliveryDetailOut(find_delivery(tenant_of(request), delivery_id)).data)


class DeliveryRetry(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(operation_id="retry_delivery", request=None, responses={202: DeliveryOut})
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """Sends again now, whatever its state. Should that fail, its automatic retries go on as planned."""
        find_delivery(tenant_of(request), delivery_id)
        moved = send_again(Delivery.objects.of(tenant_of(request)).filter(pk=delivery_id))
        log.info("delivery.retried", delivery_id=str(delivery_id), moved=moved)
        return Response(DeliveryOut(find_delivery(tenant_of(request), delivery_id)).data, status=202)
