"""Decoding what a client sent, into plain values or typed structures, with errors a person can act on."""

import json
import re
from typing import Any, TypeVar

import msgspec

from organizations.errors import InvalidBody, MalformedBody

T = TypeVar("T")

_PATH = re.compile(r" - at `(?P<key>key in )?\$(?P<path>[^`]*)`$")
_STEP = re.compile(r"\.([^.\[]+)|\[(\d+|\.\.\.)\]")


def decode_object(body: bytes) -> dict[str, Any]:
    """A JSON object. Else MalformedBody or InvalidBody, as with `decode`."""
    found: dict[str, Any] = decode(body, dict[str, Any])
    return found


def refuse_nul(document: object) -> None:
    """InvalidBody, pointing at them, when names or strings hold U+0000, which PostgreSQL takes in no text."""
    faults = nul_faults(document)
    if faults:
        raise InvalidBody(faults)


def nul_faults(document: object) -> list[tuple[str, str]]:
    faults, rest = [], [("#", document)]
    while rest:
        pointer, value = rest.pop()
        if isinstance(value, str) and "\x00" in value:
            faults.append((pointer, "This holds a NUL character, which can't be stored."))
        elif isinstance(value, dict):
            if any("\x00" in name for name in value):
                faults.append((pointer, "A name here holds a NUL character, which can't be stored."))
            rest += [(f"{pointer}/{_escaped(name)}", inner) for name, inner in value.items()]
        elif isinstance(value, list):
            rest += [(f"{pointer}/{index}", inner) for index, inner in enumerate(value)]
    return faults


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def decode(body: bytes, shape: type[T] | Any) -> T:
    """`body` as `shape`, a type that msgspec knows.

    MalformedBody: not JSON (RFC 8259), or not UTF-8. InvalidBody: JSON, but not of that shape; it points at the field.
    """
    if not body.strip():
        raise MalformedBody("The body is empty; send a JSON document.")
    try:
        body.decode()
        return msgspec.json.decode(body, type=shape)
    except UnicodeDecodeError as error:
        raise MalformedBody(f"The body is not UTF-8 at byte {error.start}.") from None
    except RecursionError:
        raise InvalidBody([("#", "The document is nested too deep.")]) from None
    except msgspec.ValidationError as error:
        decode(
            body, msgspec.Raw
        )  # a fault of the shape is found before what follows was read: is that JSON at all?
        raise InvalidBody([_pointed(str(error))]) from None
    except msgspec.DecodeError as error:
        raise _not_json(body, str(error)) from None


def _not_json(body: bytes, reason: str) -> Exception:
    """Python's own parser takes two things that JSON can't carry or nobody can store; they get words of their own."""
    try:
        json.loads(body.decode())  # of bytes it would also take a byte order mark, UTF-16 and UTF-32
    except RecursionError:
        return InvalidBody([("#", "The document is nested too deep.")])
    except ValueError:
        return MalformedBody(f"The body is not JSON: {reason.removeprefix('JSON is malformed: ')}.")
    return InvalidBody(
        [
            (
                "#",
                "It holds NaN, Infinity or half of a surrogate pair, which JSON can't carry.",
            )
        ]
    )


def _pointed(message: str) -> tuple[str, str]:
    """msgspec's message as a JSON pointer (RFC 6901, as a URI fragment) and what is wrong there."""
    found = _PATH.search(message)
    text = message[: found.start()] if found else message
    steps = _STEP.findall(found["path"]) if found else []
    missing = re.search(r"missing required field `([^`]+)`", text)
    if missing:
        steps, text = [*steps, (missing[1], "")], "This field is required"
    pointer = "#" + "".join("/" + (name or index) for name, index in steps)
    return pointer, text.replace("`", "").rstrip(".") + "."
