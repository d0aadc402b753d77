"""The tour's receiver: verifies what arrives as the receiver of a customer would, and misbehaves on demand."""

import asyncio
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

LARGEST_BODY = 4 * 1024 * 1024
COMPLAINT = "No room left on the disk."


@dataclass(frozen=True)
class Arrival:
    """One webhook that came: its headers' figures, what was answered, and when it came (`time.monotonic`)."""

    event_id: str
    attempt: int
    answered: int
    at: float
    body: bytes


class Receiver:
    """Listens on 127.0.0.1 in a thread of its own, for the block.

    `faults[type]` are the statuses that events of that type are answered with, one after the other, before 204;
    `broken[type]` is one that they are answered with until it is taken away.
    """

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}
        self.faults: dict[str, list[int]] = {}
        self.broken: dict[str, int] = {}
        self.arrivals: list[Arrival] = []
        self.delivered: dict[str, Arrival] = {}  # by event id: verified, and answered with 204
        self.refused = 0
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="receiver", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def url(self, tenant: str) -> str:
        """Where that tenant's webhooks go; `secrets[tenant]` is what they must be signed with."""
        return f"http://127.0.0.1:{self._port}/{tenant}"

    def of(self, event_id: str) -> list[Arrival]:
        """All that came of one event, in order."""
        return [arrival for arrival in self.arrivals if arrival.event_id == event_id]

    async def _receive(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not signature_fits(self.secrets[request.match_info["tenant"]], body, request.headers):
            self.refused += 1
            return web.Response(status=401)
        answer = self._answer_for(request.headers["X-Event-Type"])
        arrival = Arrival(
            event_id=request.headers["webhook-id"],
            attempt=int(request.headers["webhook-attempt"]),
            answered=answer,
            at=time.monotonic(),
            body=body,
        )
        self.arrivals.append(arrival)
        if answer == 204:
            self.delivered[arrival.event_id] = arrival
            return web.Response(status=204)
        return web.Response(status=answer, text=COMPLAINT)

    def _answer_for(self, event_type: str) -> int:
        if event_type in self.broken:
            return self.broken[event_type]
        faults = self.faults.get(event_type)
        return faults.pop(0) if faults else 204

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application(client_max_size=LARGEST_BODY)
        app.router.add_post("/{tenant}", self._receive)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0, backlog=1024)
        self._loop.run_until_complete(site.start())
        self._port = runner.addresses[0][1]
        self._ready.set()
        self._loop.run_forever()
        self._loop.run_until_complete(runner.cleanup())
        self._loop.close()


def signature_fits(secret: str, body: bytes, headers: Mapping[str, str]) -> bool:
    """By the official library, which every receiver can use."""
    try:
        Webhook(secret).verify(body, dict(headers), json_parse=False)
    except WebhookVerificationError:
        return False
    return True
