"""Lists, newest first, by cursor: `{"items": [...], "has_more": bool, "next_cursor": str | null}`.

Ids are UUIDv7, so their order is the order of creation, and "everything below this id" is a page boundary that does
not move while rows are added: no row is skipped and none comes twice.
"""

import base64
import binascii
import uuid
from collections.abc import Iterable
from typing import Any

from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response

from organizations.authentication import tenant_of
from organizations.errors import InvalidQuery
from organizations.parameters import whole_number
from organizations.querysets import older

DEFAULT_LIMIT, LARGEST_LIMIT = 50, 200
MOST_PASSED_OVER = 1_000_000


class NewestFirst(BasePagination):
    """Reads `?limit=` (1-200, default 50), `?cursor=`, and `?offset=` where the view says `takes_offset = True`.

    A view may have `ways_to_ids(below, most)`: ways to the ids of its rows below that one, newest first, where its own
    conditions lead to them too slowly; None where they don't. A way is a list of parts, querysets of ids that share
    none and together are the list: each goes by an index of its own, where their union would have to be made and
    sorted before its first row. The ways are tried in turn until one finds `most`; the last finds all there are.
    """

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        limit = whole_number(request.query_params, "limit", DEFAULT_LIMIT, least=1, most=LARGEST_LIMIT)
        cursor = request.query_params.get("cursor", "")
        below = decode_cursor(cursor) if cursor else None
        offset = 0
        if getattr(view, "takes_offset", False):
            offset = whole_number(request.query_params, "offset", 0, least=0, most=MOST_PASSED_OVER)
        end = offset + limit + 1
        rows = _page(queryset, request, below)
        ways = view.ways_to_ids(below, end) if hasattr(view, "ways_to_ids") else None
        if ways is None and offset:
            # By their ids alone: what else is asked for would be worked out for each row that is passed over.
            ways = [[rows.values("pk")]]
        found = list(rows[:end]) if ways is None else _by_ways(rows, ways, offset, end)
        self.has_more = len(found) > limit
        self.page = found[:limit]
        return self.page

    def get_paginated_response(self, data: Any) -> Response:
        following = encode_cursor(self.page[-1].pk) if self.has_more else None
        return Response({"items": data, "has_more": self.has_more, "next_cursor": following})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["items", "has_more", "next_cursor"],
            "properties": {
                "items": {
                    "type": "array",
                    "items": schema.get("items", schema),
                },
                "has_more": {"type": "boolean"},
                "next_cursor": {"type": ["string", "null"]},
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        def parameter(name: str, description: str, shape: dict[str, Any]) -> dict[str, Any]:
            return {
                "name": name,
                "in": "query",
                "required": False,
                "description": description,
                "schema": shape,
            }

        limits = {
            "type": "integer",
            "minimum": 1,
            "maximum": LARGEST_LIMIT,
            "default": DEFAULT_LIMIT,
        }
        found = [
            parameter("limit", "How many at most.", limits),
            parameter(
                "cursor",
                "The `next_cursor` of the page before.",
                {"type": "string", "pattern": "^[A-Za-z0-9_-]{22}$"},
            ),
        ]
        if getattr(view, "takes_offset", False):
            found.append(
                parameter(
                    "offset",
                    "How many to pass over. Not together with a cursor.",
                    {"type": "integer", "minimum": 0, "maximum": MOST_PASSED_OVER, "default": 0},
                )
            )
        return found


def _page(queryset: Any, request: Request, below: uuid.UUID | None) -> Any:
    """Newest first, from there on. One that has an order has that of `newest_of`."""
    if not queryset.query.order_by:
        rows = queryset.order_by("-pk")
        return rows.filter(pk__lt=below) if below else rows
    return older(queryset, tenant_of(request), below) if below else queryset


def _by_ways(rows: Any, ways: Iterable[list[Any]], offset: int, end: int) -> list[Any]:
    found: list[Any] = []
    for way in ways:
        found = list(rows.filter(pk__in=_newest(way, end)[offset:end]))
        if len(found) == end - offset:
            break
    return found


def _newest(parts: list[Any], most: int) -> Any:
    """Ids of all parts; of each no more than `most` are looked for."""
    first, *others = parts
    if not others:
        return first
    return first[:most].union(*(other[:most] for other in others), all=True).order_by("-pk")


def encode_cursor(key: uuid.UUID) -> str:
    return base64.urlsafe_b64encode(key.bytes).decode().rstrip("=")


def decode_cursor(cursor: str) -> uuid.UUID:
    try:
        raw = base64.b64decode(cursor + "==", altchars=b"-_", validate=True)
        return uuid.UUID(bytes=raw)
    except (ValueError, binascii.Error):
        raise InvalidQuery([("cursor", "This is not a cursor that a list gave.")]) from None
