"""`/api/deliveries`"""

import uuid

import structlog
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deliveries.api_shapes import (
    DeliveryDetailOut,
    DeliveryOut,
)
from deliveries.errors import DeliveryNotFound
from deliveries.models import Delivery
from deliveries.querysets import OPEN, DeliveryQuerySet
from deliveries.replay import find_delivery, send_again
from organizations import parameters
from organizations.authentication import tenant_of
from organizations.replica import may_lag
from organizations.scopes import EVENTS_READ, EVENTS_WRITE

log = structlog.get_logger(__name__)


def filters() -> list[OpenApiParameter]:
    return [
        OpenApiParameter("status", str, enum=Delivery.Status.values, description="Exactly this status."),
        OpenApiParameter("endpoint_id", OpenApiTypes.UUID, description="To this endpoint."),
        OpenApiParameter("event_type", parameters.TEXT, description="Of exactly this type."),
        OpenApiParameter("event_id", OpenApiTypes.UUID, description="Of this event."),
        OpenApiParameter("since", OpenApiTypes.DATETIME, description="Created at or after."),
        OpenApiParameter("until", OpenApiTypes.DATETIME, description="Created before."),
    ]


class Deliveries(ListAPIView[Delivery]):
    serializer_class = DeliveryOut
    scopes = {"GET": EVENTS_READ}

    def get_queryset(self) -> DeliveryQuerySet:
        query, tenant = self.request.query_params, tenant_of(self.request)
        since, until = parameters.moment(query, "since"), parameters.moment(query, "until")
        status = parameters.choice(query, "status", Delivery.Status.values)
        # Those of a time are found by their ids, whoever has them; what is open, or dead at one endpoint, by that.
        dead_at_one = status == Delivery.Status.DEAD_LETTER and query.get("endpoint_id")
        narrowed = status in OPEN or dead_at_one or since or until
        deliveries = Delivery.objects.of(tenant) if narrowed else Delivery.objects.newest_of(tenant)
        if status in OPEN:
            deliveries = deliveries.having_status(status, tenant)
        if event_type := parameters.text(query, "event_type"):
            deliveries = deliveries.of_events(tenant, event_type)
        return deliveries.matching(
            status=status,
            endpoint_id=parameters.identifier(query, "endpoint_id"),
            event_id=parameters.identifier(query, "event_id"),
            since=since,
            until=until,
        )

    @extend_schema(operation_id="list_deliveries", parameters=filters())
    @may_lag()
    def get(self, request: Request) -> Response:
        """Deliveries, newest first."""
        return self.list(request)


class OneDelivery(APIView):
    scopes = {"GET": EVENTS_READ}

    @extend_schema(operation_id="get_delivery", responses=DeliveryDetailOut)
    @may_lag(DeliveryNotFound)
    def get(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """One delivery with every attempt."""
        return Response(DeliveryDetailOut(find_delivery(tenant_of(request), delivery_id)).data)


class DeliveryRetry(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(operation_id="retry_delivery", request=None, responses={202: DeliveryOut})
    def post(self, request: Request, delivery_id: uuid.UUID) -> Response:
        """Sends again now, whatever its state. Should that fail, its automatic retries go on as planned."""
        event_id = find_delivery(tenant_of(request), delivery_id).event_id
        moved = send_again(Delivery.objects.of(tenant_of(request)).filter(pk=delivery_id))
        log.info("delivery.retried", event_id=str(event_id), delivery_id=str(delivery_id), moved=moved)
        return Response(DeliveryOut(find_delivery(tenant_of(request), delivery_id)).data, status=202)
