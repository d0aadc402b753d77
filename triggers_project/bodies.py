"""JSON in and out of the API: how a body is read, how large it may be, and how an answer is written."""

from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any

import msgspec
from django.http import HttpRequest, HttpResponse
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from organizations.errors import BodyTooLarge, MalformedBody
from organizations.incoming import decode_object

LARGEST_BODY = 64 * 1024  # bytes, for every call that does not name a limit of its own
UNKNOWN_LENGTH = 1 << 62


class DeclaredBody:
    """WSGI wrapper: lets Django read a chunked body, to which no Content-Length belongs (RFC 9112, section 6.3).

    Django takes a missing length for an empty body. The true end is the stream's own; how far it is read is up to
    JSONIn.
    """

    def __init__(self, application: Callable[..., Iterable[bytes]]) -> None:
        self.application = application

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            environ["CONTENT_LENGTH"] = str(UNKNOWN_LENGTH)
        return self.application(environ, start_response)


class EmptyBody:
    """Lets JSONIn say what an empty body means: REST framework would not ask it, and take it for `{}` everywhere."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path_info.startswith("/api/") and not request.META.get("CONTENT_LENGTH", "").strip("0"):
            request.META["CONTENT_LENGTH"] = str(UNKNOWN_LENGTH)
        return self.get_response(request)


class OneParser(DefaultContentNegotiation):
    """Hands every body to JSONIn, whatever its Content-Type: an empty one needs none."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))


class JSONIn(BaseParser):
    """The rule for the body of every call that reads one: at most the view's `largest_body` bytes, whatever the client
    declares, of `application/json`, and one JSON object.

    Nothing at all is MalformedBody, but with `optional_body = True`, for views whose fields are all optional, it is
    `{}`. A view with `raw_body = True` gets the bytes, to decode them itself. A view that never asks for
    `request.data` takes no body; what is sent to it is ignored.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> Any:
        view = (parser_context or {})["view"]
        limit = getattr(view, "largest_body", LARGEST_BODY)
        body = read_within(
            stream,
            limit,
            declared=int((parser_context or {})["request"].META["CONTENT_LENGTH"]),
        )
        if not body and getattr(view, "optional_body", False):
            return {}
        if body and not media_type_matches(self.media_type, media_type or ""):
            raise UnsupportedMediaType(media_type or "")
        return body if getattr(view, "raw_body", False) else decode_object(body)


def read_within(stream: IO[bytes], limit: int, declared: int) -> bytes:
    """The whole body, or BodyTooLarge without reading past the limit.

    `declared` is what Content-Length says, UNKNOWN_LENGTH when the body is chunked. Ends early: MalformedBody.
    """
    if limit < declared < UNKNOWN_LENGTH:
        raise BodyTooLarge(limit)
    parts, size = [], 0
    while size <= limit:
        part = stream.read(limit + 1 - size)
        if not part:
            break
        parts.append(part)
        size += len(part)
    if size > limit:
        raise BodyTooLarge(limit)
    if size < declared < UNKNOWN_LENGTH:
        raise MalformedBody("The body ended before its Content-Length.")
    return b"".join(parts)


class JSONOut(BaseRenderer):
    """Answers in JSON. A `msgspec.Raw` in the data is written as it is."""

    media_type = "application/json"
    format = "json"
    charset = None
    encoder = msgspec.json.Encoder(enc_hook=str)

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else self.encoder.encode(data)
