"""Pages by cursor while others write: no row that was there is skipped, and none comes twice."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from types import SimpleNamespace

import pytest
from django.db import connections

from organizations.models import Organization
from tests.factories import make_delivery, make_endpoint, make_event, make_replay

WRITERS, ROWS, LIMIT = 3, 40, 7
Make = Callable[[Organization], object]


class Written:
    """How many rows the writers have made; `one_more` waits until each of some has made another."""

    def __init__(self) -> None:
        self.number, self.changed, self.over = 0, threading.Condition(), threading.Event()

    def note(self) -> None:
        with self.changed:
            self.number += 1
            self.changed.notify_all()

    def wait_for_more(self) -> None:
        with self.changed:
            wanted = self.number + WRITERS
            assert self.changed.wait_for(lambda: self.number >= wanted, timeout=20)


@contextmanager
def written_meanwhile(make: Callable[[], object]) -> Iterator[Written]:
    """Threads that make rows, each with a connection of its own, until the block ends."""
    written = Written()

    def write() -> None:
        try:
            while not written.over.is_set():
                make()
                written.note()
                written.over.wait(0.002)
        finally:
            connections.close_all()

    with ThreadPoolExecutor(WRITERS) as pool:
        running = [pool.submit(write) for _ in range(WRITERS)]
        try:
            yield written
        finally:
            written.over.set()
    for writer in running:
        writer.result()


def all_pages(acme: SimpleNamespace, path: str, written: Written) -> list[str]:
    found, cursor = [], ""
    while cursor is not None:
        page = acme.api.get(path, limit=LIMIT, cursor=cursor).json()
        found += [row["id"] for row in page["items"]]
        assert page["has_more"] is (page["next_cursor"] is not None)
        cursor = page["next_cursor"]
        written.wait_for_more()
    return found


@pytest.mark.parametrize(
    ("path", "make"),
    [
        ("/api/events", make_event),
        ("/api/inbox", make_event),
        ("/api/deliveries", None),
        ("/api/endpoints", make_endpoint),
        ("/api/replays", make_replay),
    ],
    ids=["events", "inbox", "deliveries", "endpoints", "replays"],
)
def test_pages_skip_nothing_and_repeat_nothing(
    committed_acme: SimpleNamespace, settings: pytest.FixtureDef, path: str, make: Make | None
) -> None:
    settings.ENDPOINTS_PER_ORGANIZATION = 10_000
    organization = committed_acme.organization
    endpoint = make_endpoint(organization)
    one = (lambda: make(organization)) if make else (lambda: make_delivery(endpoint))
    for _ in range(ROWS):
        one()
    before = [row["id"] for row in committed_acme.api.get(path, limit=200).json()["items"]]
    with written_meanwhile(one) as written:
        written.wait_for_more()
        found = all_pages(committed_acme, path, written)
    assert len(before) >= ROWS
    assert len(set(found)) == len(found)
    assert found[-len(before) :] == before
    assert found == sorted(found, reverse=True)
