"""Replaying many: `/api/deliveries/retry`, `/api/endpoints/{id}/replay`, and how far that is: `/api/replays`."""

import uuid
from typing import Any

import structlog
from drf_spectacular.utils import extend_schema
from rest_framework.generics import ListAPIView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from deliveries.api_shapes import EndpointReplayIn, ReplayOut, ReplayStartedOut, RetryManyIn
from deliveries.bulk_replay import find_replay, start_replay
from deliveries.endpoints import find_endpoint
from deliveries.models import Replay
from deliveries.querysets import ReplayQuerySet
from organizations.authentication import tenant_of
from organizations.scopes import EVENTS_READ, EVENTS_WRITE

log = structlog.get_logger(__name__)


class DeliveriesRetry(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(operation_id="retry_deliveries", request=RetryManyIn, responses={202: ReplayStartedOut})
    def post(self, request: Request) -> Response:
        """Sends again all that match. Up to 1,000 are on their way when this is answered, the rest soon after."""
        incoming = RetryManyIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        which = dict(incoming.validated_data)
        if (event_type := which.pop("event_type", None)) is not None:
            which["event_types"] = [event_type]
        if (endpoint_id := which.pop("endpoint_id", None)) is not None:
            which["endpoint"] = find_endpoint(tenant_of(request), endpoint_id)
        return started(start_replay(tenant_of(request), **which))


class EndpointReplay(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(
        operation_id="replay_endpoint", request=EndpointReplayIn, responses={202: ReplayStartedOut}
    )
    def post(self, request: Request, endpoint_id: uuid.UUID) -> Response:
        """Sends an endpoint's deliveries of a time window again: its dead letters, unless `status` says others."""
        incoming = EndpointReplayIn(data=request.data)
        incoming.is_valid(raise_exception=True)
        endpoint = find_endpoint(tenant_of(request), endpoint_id)
        return started(start_replay(tenant_of(request), endpoint=endpoint, **incoming.validated_data))


def started(replay: Replay) -> Response:
    answer: dict[str, Any] = {
        "id": None,
        "state": None,
        "matched": replay.matched,
        "replayed": replay.replayed,
    }
    if replay._state.adding:  # a dry run
        return Response(answer, status=202)
    answer |= {"id": str(replay.pk), "state": replay.state}
    return Response(answer, status=202, headers={"Location": f"/api/replays/{replay.pk}"})


class Replays(ListAPIView[Replay]):
    serializer_class = ReplayOut
    scopes = {"GET": EVENTS_READ}

    def get_queryset(self) -> ReplayQuerySet:
        return Replay.objects.of(tenant_of(self.request))

    @extend_schema(operation_id="list_replays")
    def get(self, request: Request) -> Response:
        """Replays of many deliveries, newest first."""
        return self.list(request)


class OneReplay(APIView):
    scopes = {"GET": EVENTS_READ}

    @extend_schema(operation_id="get_replay", responses=ReplayOut)
    def get(self, request: Request, replay_id: uuid.UUID) -> Response:
        """How far it is: `replayed` of `matched`."""
        return Response(ReplayOut(find_replay(tenant_of(request), replay_id)).data)


class ReplayCancel(APIView):
    scopes = {"POST": EVENTS_WRITE}

    @extend_schema(operation_id="cancel_replay", request=None, responses=ReplayOut)
    def post(self, request: Request, replay_id: uuid.UUID) -> Response:
        """Stops it. What was replayed by then is on its way; the rest stays as it is."""
        find_replay(tenant_of(request), replay_id)
        Replay.objects.of(tenant_of(request)).filter(pk=replay_id).cancel()
        log.info("replay.canceled", replay_id=str(replay_id))
        return Response(ReplayOut(find_replay(tenant_of(request), replay_id)).data)
