"""A tenant of a running system: posts, lists, and knows what arrived."""

import itertools
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import psycopg
import requests

from tests.flows.receiver import SECRET, Arrival, Receiver
from triggers_project.local.stack import Stack

_numbers = itertools.count(1)


def until(condition: Callable[[], Any], *, timeout: float, what: str) -> None:
    """Returns as soon as the condition holds; fails when it does not within so many seconds."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"{what}: not within {timeout:g} s"
        time.sleep(0.05)


def session() -> requests.Session:
    made = requests.Session()
    made.trust_env = False
    return made


@dataclass(frozen=True)
class Reply:
    """An answer: to a call made then (`time.monotonic`), after so many seconds."""

    status: int
    made_at: float
    seconds: float
    retry_after: str | None


@dataclass
class Answered:
    """What clients were answered, from any number of threads."""

    accepted: list[str] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    broken: int = 0  # no answer: the connection failed

    @property
    def statuses(self) -> set[int]:
        return {reply.status for reply in self.replies}

    def since(self, moment: float) -> list[Reply]:
        """To calls made after it."""
        return [reply for reply in self.replies if reply.made_at > moment]

    @property
    def slowest(self) -> float:
        return max(reply.seconds for reply in self.replies)


class Journey:
    """One tenant, whose endpoint is the receiver's of the same name (of its first word)."""

    def __init__(self, stack: Stack, receiver: Receiver, *, name: str = "", tier: str = "enterprise") -> None:
        self.stack = stack
        self.receiver = receiver
        self.name = name or f"journey-{next(_numbers)}"
        self.path = self.name.partition(" ")[0].lower()
        self.mark = f"payload-of-{self.name}-{uuid.uuid4().hex}"  # in every payload, and so in no log
        self.accepted_before: set[str] = set()  # whatever arrived before what is looked at now
        with session() as http:
            made = self._signed_up(http)
            self.key = made.json()["api_key"]
            self.organization_id = made.json()["organization"]["id"]
            self.sql(
                "UPDATE organizations_organization SET tier = %s WHERE id = %s", tier, self.organization_id
            )
            config = {"webhook_url": receiver.url(self.path), "secret": SECRET}
            done = self.call("POST", "/api/webhook/config", config)
            assert done.status_code == 200, done.text
            self.endpoint_id = done.json()["endpoint_id"]

    def _signed_up(self, http: requests.Session) -> requests.Response:
        """As a client does it: what is unavailable is asked again. One of the web's processes may not have found back
        yet to a database that the journey before has taken away."""
        path, body = f"{self.stack.url}/api/keys/generate", {"organization_name": self.name}
        made = http.post(path, json=body)
        deadline = time.monotonic() + 30
        while made.status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.2)
            made = http.post(path, json=body)
        assert made.status_code == 201, made.text
        return made

    # --- Calls ----------------------------------------------------------------------------------------------------

    def call(
        self, method: str, path: str, body: Any = None, *, http: requests.Session | None = None, **query: Any
    ) -> Any:
        """The answer, over a new connection unless a session is given."""
        with session() as fresh:
            return (http or fresh).request(
                method,
                self.stack.url + path,
                json=body,
                params=query,
                headers={"X-API-Key": self.key},
                timeout=60,
            )

    def post(self, **payload: Any) -> str:
        """Posts one event, which must be accepted; returns its id."""
        answer = self.call(
            "POST", "/api/events", {"type": "flow.event", "payload": {**payload, "mark": self.mark}}
        )
        assert answer.status_code == 202, answer.text
        return answer.json()["id"]

    def all_deliveries(self) -> list[dict[str, Any]]:
        """As the API lists them, page by page."""
        found, cursor = [], None
        with session() as http:
            while True:
                page = self.call("GET", "/api/deliveries", http=http, limit=200, cursor=cursor).json()
                found += page["items"]
                cursor = page["next_cursor"]
                if not page["has_more"]:
                    return found

    def sql(self, statement: str, *parameters: Any) -> list[Any]:
        with psycopg.connect(self.stack.database_url, autocommit=True) as database:
            done = database.execute(statement, parameters)
            return done.fetchall() if done.description else []

    # --- What arrived ---------------------------------------------------------------------------------------------

    def arrivals(self) -> list[Arrival]:
        return self.receiver.arrivals(self.path)

    def wait_for(self, event_ids: list[str], *, timeout: float) -> None:
        """Until each of them arrived."""
        wanted = set(event_ids)
        until(
            lambda: self.receiver.delivered(self.path) >= wanted,
            timeout=timeout,
            what=f"{len(wanted)} events of {self.name}",
        )

    def wait_until_settled(self, *, timeout: float) -> None:
        """Until nothing of the tenant's is waiting or under way."""
        open_ = (
            "SELECT count(*) FROM deliveries_delivery"
            " WHERE organization_id = %s AND status IN ('pending', 'failed')"
        )
        settled = lambda: self.sql(open_, self.organization_id) == [(0,)]  # noqa: E731
        until(settled, timeout=timeout, what="what is open")

    # --- Clients --------------------------------------------------------------------------------------------------

    def post_mixed(self, count: int, *, clients: int = 8) -> Answered:
        """Posts so many from so many clients: every fourth call a single, the others batches of 2 to 20."""
        answered = Answered()
        lock = threading.Lock()
        left = count

        def take(wanted: int) -> range:
            nonlocal left
            with lock:
                taken = min(wanted, left)
                left -= taken
                return range(left, left + taken)

        def client() -> None:
            sizes = itertools.cycle((1, 2, 20, 5))
            with session() as http:
                while numbers := take(next(sizes)):
                    self._post_some(numbers, http, answered)

        _in_threads([client] * clients)
        return answered

    def _post_some(self, numbers: range, http: requests.Session, answered: Answered) -> None:
        events = [{"type": "flow.event", "payload": {"n": number, "mark": self.mark}} for number in numbers]
        path, body = (
            ("/api/events", events[0]) if len(events) == 1 else ("/api/events/batch", {"events": events})
        )
        began = time.monotonic()
        try:
            answer = self.call("POST", path, body, http=http)
        except (
            requests.ConnectionError,
            requests.exceptions.ChunkedEncodingError,
        ):  # the latter: cut off in mid-answer
            answered.broken += 1
            return
        took = time.monotonic() - began
        answered.replies.append(Reply(answer.status_code, began, took, answer.headers.get("Retry-After")))
        if answer.status_code == 202:
            results = answer.json().get("results", [answer.json()])
            answered.accepted += [result["id"] for result in results]

    @contextmanager
    def posting(self, *, clients: int = 4, pause: float = 0.02) -> Iterator[Answered]:
        """Clients that post single events one after the other, as long as the block takes."""
        answered = Answered()
        over = threading.Event()

        def client() -> None:
            with session() as http:
                while not over.wait(pause):
                    self._post_some(range(1), http, answered)

        threads = [threading.Thread(target=client) for _ in range(clients)]
        for thread in threads:
            thread.start()
        try:
            yield answered
        finally:
            over.set()
            for thread in threads:
                thread.join()


def _in_threads(calls: list[Callable[[], None]]) -> None:
    threads = [threading.Thread(target=call) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
