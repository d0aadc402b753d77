"""What a client posts as an event, and the rules that it must keep before anything is stored."""

import re
from functools import lru_cache

import msgspec

from events.payloads import payload_fault
from organizations import parameters
from organizations.errors import InvalidBody, InvalidQuery, MalformedBody
from organizations.incoming import decode

LARGEST_EVENT = 262_144  # bytes of a request body
LARGEST_BATCH = 8 * 1024 * 1024
MOST_EVENTS = 1_000

_TYPE = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")


class IncomingEvent(msgspec.Struct, frozen=True):
    """One event as posted. The payload stays the text that came in: it is never parsed into Python objects."""

    type: str
    payload: msgspec.Raw
    dedup_id: str | None = None

    @property
    def payload_bytes(self) -> bytes:
        """UTF-8, as the whole body is."""
        return bytes(self.payload)


class IncomingBatch(msgspec.Struct, frozen=True):
    events: list[msgspec.Raw]


class GoodBatch(msgspec.Struct, frozen=True):
    """What a batch is when each of its events has its shape."""

    events: list[IncomingEvent]


_event, _good_batch = msgspec.json.Decoder(IncomingEvent), msgspec.json.Decoder(GoodBatch)


def read_event(body: bytes) -> IncomingEvent:
    """One event. MalformedBody: not JSON. InvalidBody: JSON, but it can't be taken; every fault is named."""
    event: IncomingEvent = decode(body, IncomingEvent)
    faults = event_faults(event)
    if faults:
        raise InvalidBody(faults)
    return event


def read_batch(body: bytes) -> list[IncomingEvent | InvalidBody]:
    """The events of a batch in order; one that can't be taken stands as its error and spoils no other."""
    if len(body) <= LARGEST_EVENT and (events := _read_at_once(body)) is not None:
        return events
    batch: IncomingBatch = decode(body, IncomingBatch)
    raws = batch.events
    if not 1 <= len(raws) <= MOST_EVENTS:
        raise InvalidBody([("#/events", f"This takes 1 to {MOST_EVENTS:,} events, not {len(raws):,}.")])
    return [_read_one(bytes(raw)) for raw in raws]


def _read_at_once(body: bytes) -> list[IncomingEvent | InvalidBody] | None:
    """A batch in which each event has its shape, for a third of what one by one costs. None: this is not one."""
    try:
        body.decode()
        events = _good_batch.decode(body).events
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return None
    return [_checked(event) for event in events] if 1 <= len(events) <= MOST_EVENTS else None


def _checked(event: IncomingEvent) -> IncomingEvent | InvalidBody:
    faults = event_faults(event)
    return InvalidBody(faults) if faults else event


def _read_one(raw: bytes) -> IncomingEvent | InvalidBody:
    if len(raw) > LARGEST_EVENT:
        return InvalidBody([("#", f"An event may have {LARGEST_EVENT:,} bytes.")])
    try:
        event = _event.decode(raw)  # which is UTF-8, as the whole batch is
    except (msgspec.MsgspecError, RecursionError):
        try:
            return read_event(raw)  # which says what is wrong with it
        except InvalidBody as error:
            return error
    return _checked(event)


def read_search(query: parameters.Query) -> str | None:
    """The JSON text that `?payload=` holds, or None. InvalidQuery: no JSON, or nothing that an event could contain."""
    text = parameters.text(query, "payload")
    if text is None:
        return None
    try:
        decode(text.encode(errors="surrogatepass"), msgspec.Raw)
    except (MalformedBody, InvalidBody) as error:
        raise InvalidQuery(
            [("payload", str(error).replace("The body", "This").removeprefix("#: "))]
        ) from None
    if (fault := payload_fault(text.encode())) is not None:
        raise InvalidQuery([("payload", fault)])
    return text


def event_faults(event: IncomingEvent) -> list[tuple[str, str]]:
    """What is wrong with an event: (JSON pointer, sentence)."""
    faults = []
    if not event_type_fits(event.type):
        faults.append(
            (
                "#/type",
                "This takes 1-100 characters: segments of letters, digits, _ and -, separated by dots.",
            )
        )
    if event.dedup_id is not None and not 1 <= len(event.dedup_id) <= 255:
        faults.append(("#/dedup_id", "This takes 1-255 characters."))
    elif event.dedup_id is not None and "\x00" in event.dedup_id:
        faults.append(("#/dedup_id", "This holds a NUL character, which can't be stored."))
    fault = payload_fault(event.payload_bytes)
    if fault:
        faults.append(("#/payload", fault))
    return faults


def event_type_fits(text: str) -> bool:
    return len(text) <= 100 and _is_dotted(text)


@lru_cache(1024)  # of a tenant's types most come again and again
def _is_dotted(text: str) -> bool:
    return _TYPE.fullmatch(text) is not None
