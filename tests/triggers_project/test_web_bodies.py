import asyncio
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from organizations.errors import BodyTooSlow
from tests.doors import Dawdling, Exchange, Scope
from triggers_project.web import bodies
from triggers_project.web.bodies import IncomingBody
from triggers_project.web.django_door import environ_of


class Closed(Exchange):
    """Who sends it hangs up."""

    async def __call__(self) -> bytes:
        raise bodies.ProtocolClosed


def with_body(
    source: Any, talk: Callable[[IncomingBody], Any], *, declared: int | None = None, chunked: bool = False
) -> Any:
    async def run() -> Any:
        return await talk(IncomingBody(source, declared=declared, chunked=chunked))

    return asyncio.run(run())


def received(limit: int) -> Callable[[IncomingBody], Any]:
    async def talk(body: IncomingBody) -> tuple[bytes, bool]:
        await body.receive(limit)
        return body.received, body.is_whole()

    return talk


def in_a_thread(body: IncomingBody, *sizes: int) -> Any:
    """What reads of so many bytes give, in a thread."""
    stream = body.stream()
    return asyncio.to_thread(lambda: [stream.read(size) for size in sizes])


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "BODY_SECONDS", 0.02)


def test_a_declared_body_is_received_whole() -> None:
    assert with_body(Exchange(b"abc", b"de"), received(10), declared=5) == (b"abcde", True)


def test_a_body_that_is_shorter_than_declared_is_not_whole() -> None:
    assert with_body(Exchange(b"abc"), received(10), declared=5) == (b"abc", False)


def test_a_body_whose_sender_hangs_up_is_not_whole() -> None:
    assert with_body(Closed(), received(10), declared=5) == (b"", False)


def test_a_chunked_body_is_received_to_its_end() -> None:
    assert with_body(Exchange(b"abc", b"de"), received(10), chunked=True) == (b"abcde", True)


def test_a_chunked_body_is_not_read_past_the_limit() -> None:
    source = Exchange(b"abc", b"de", b"f", b"g")
    assert with_body(source, received(4), chunked=True) == (b"abcde", False)


def test_no_length_and_no_chunks_is_no_body() -> None:
    assert with_body(Dawdling(), received(10)) == (b"", True)


@pytest.mark.parametrize("fields", [{"declared": 5}, {"declared": 50}, {"chunked": True}], ids=str)
def test_who_dawdles_is_waited_for_no_longer(impatient: None, fields: dict[str, Any]) -> None:
    with pytest.raises(BodyTooSlow) as caught:
        with_body(Dawdling(b"ab"), received(10), **fields)
    assert str(caught.value) == "The body was not there after 0.02 seconds."


async def cancelled(body: IncomingBody) -> tuple[bool, int]:
    """Whether who waits for it is cancelled when somebody cancels that, and how many cancellations are left over."""
    waiting = asyncio.ensure_future(body.receive(10))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait([waiting])
    return waiting.cancelled(), waiting.cancelling()


def test_who_is_cancelled_is_not_told_that_the_body_dawdled() -> None:
    assert with_body(Dawdling(b"ab"), cancelled, declared=5) == (True, 1)


def test_whoever_waited_in_vain_goes_on_as_if_never_cancelled(impatient: None) -> None:
    async def talk(body: IncomingBody) -> int:
        with pytest.raises(BodyTooSlow):
            await body.receive(10)
        await asyncio.sleep(0)  # a cancellation that is left over would be raised here
        task = asyncio.current_task()
        return task.cancelling() if task else -1

    assert with_body(Dawdling(b"ab"), talk, declared=5) == 0


def test_a_body_that_came_in_time_is_not_given_up_later(impatient: None) -> None:
    async def talk(body: IncomingBody) -> bytes:
        await body.receive(10)
        await asyncio.sleep(0.05)
        return body.received

    assert with_body(Exchange(b"abc"), talk, declared=3) == b"abc"


def test_what_was_received_is_not_lost_to_who_reads_on() -> None:
    async def talk(body: IncomingBody) -> Any:
        await body.receive(3)
        return await in_a_thread(body, 2, 4, 10, 10)

    assert with_body(Exchange(b"ab", b"cd", b"ef", b"g"), talk, chunked=True) == [b"ab", b"cdef", b"g", b""]


def test_a_thread_may_read_what_nobody_has_received_yet() -> None:
    assert with_body(Exchange(b"ab", b"cd"), lambda body: in_a_thread(body, 100, 1), declared=100) == [
        b"abcd",
        b"",
    ]


def test_a_thread_waits_no_longer_for_who_dawdles(impatient: None) -> None:
    with pytest.raises(BodyTooSlow):
        with_body(Dawdling(b"ab"), lambda body: in_a_thread(body, 100), chunked=True)


# --- What Django is told ------------------------------------------------------------------------------------------


def environ(*headers: tuple[str, str], path: str = "/", **fields: object) -> dict[str, Any]:
    scope = Scope("GET", path, list(headers))
    for name, value in fields.items():
        setattr(scope, name, value)
    return environ_of(scope, SimpleNamespace(stream=lambda: None))  # type: ignore[arg-type]


def test_the_address_and_the_query_are_told() -> None:
    found = environ(path="/ü/x?a=%20b", client="[::1]:50000", server="127.0.0.1:8000")
    names = ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "REMOTE_ADDR", "SERVER_NAME", "SERVER_PORT")
    assert [found[name] for name in names] == ["GET", "/Ã¼/x", "a=%20b", "::1", "127.0.0.1", "8000"]


def test_headers_get_their_names() -> None:
    found = environ(("Content-Type", "a/b"), ("Content-Length", "5"), ("X-API-Key", "k"))
    assert (found["CONTENT_TYPE"], found["CONTENT_LENGTH"], found["HTTP_X_API_KEY"]) == ("a/b", "5", "k")
    assert "HTTP_CONTENT_TYPE" not in found


def test_what_comes_twice_is_joined() -> None:
    found = environ(("Accept", "a"), ("Accept", "b"), ("Cookie", "c=1"), ("Cookie", "d=2"))
    assert (found["HTTP_ACCEPT"], found["HTTP_COOKIE"]) == ("a,b", "c=1; d=2")


def test_a_length_that_comes_twice_is_one() -> None:
    assert environ(("Content-Length", "5"), ("Content-Length", "5"))["CONTENT_LENGTH"] == "5"


def test_a_name_with_an_underscore_passes_for_no_other() -> None:
    assert "HTTP_X_API_KEY" not in environ(("X_API_Key", "k"))


def test_a_value_that_is_not_ascii_is_there_but_empty() -> None:
    assert environ(("Idempotency-Key", "ü"))["HTTP_IDEMPOTENCY_KEY"] == ""


def test_over_http_2_the_authority_is_the_host() -> None:
    assert environ(authority="localhost:8000")["HTTP_HOST"] == "localhost:8000"
    assert environ(("Host", "here"), authority="there")["HTTP_HOST"] == "here"
