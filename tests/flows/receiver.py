"""A receiver with a ledger, in a process of its own: `python -m tests.flows.receiver`.

`POST /<name>` verifies with the official library and notes what came under that name. On stdout it says its port;
then it answers each line of JSON on stdin with one on stdout: `["behave", name, {"status", "delay"}]` and
`["ledger", name]`.
"""

import asyncio
import json
import subprocess
import sys
import threading
import time
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any, Self

from aiohttp import web
from standardwebhooks import Webhook, WebhookVerificationError

from triggers_project.local.stack import ROOT

SECRET = "whsec_dGhlIHNlY3JldCBvZiBldmVyeSBlbmRwb2ludCBoZXJl"


@dataclass(frozen=True)
class Arrival:
    """One webhook that came, and what it was answered. `at`: `time.monotonic`, a clock that all processes share."""

    event_id: str
    delivery_id: str
    attempt: int
    verified: bool
    answered: int
    at: float
    traceparent: str | None = None


class Receiver:
    """The process, for the block."""

    def __enter__(self) -> Self:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.flows.receiver"],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._port = int(self._process.stdout.readline())
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def url(self, name: str) -> str:
        return f"http://127.0.0.1:{self._port}/{name}"

    def behave(self, name: str, *, status: int = 204, delay: float = 0) -> None:
        """From now on what comes under the name is answered so, after so many seconds."""
        self._ask("behave", name, {"status": status, "delay": delay})

    def arrivals(self, name: str) -> list[Arrival]:
        """All that came under the name, in order."""
        return [Arrival(**row) for row in self._ask("ledger", name)]

    def delivered(self, name: str) -> set[str]:
        """The distinct events that came, with a signature that fits, and were answered with 204."""
        rows = self._ask("ledger", name)
        return {row["event_id"] for row in rows if row["verified"] and row["answered"] == 204}

    def _ask(self, *question: Any) -> Any:
        with self._lock:
            print(json.dumps(question), file=self._process.stdin, flush=True)
            return json.loads(self._process.stdout.readline())


class Ledger:
    def __init__(self) -> None:
        self.rows: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.behaviours: dict[str, dict[str, Any]] = {}
        self.webhook = Webhook(SECRET)

    async def receive(self, request: web.Request) -> web.Response:
        name, body = request.match_info["name"], await request.read()
        behaviour = self.behaviours.get(name, {"status": 204, "delay": 0})
        verified = self.fits(body, dict(request.headers))
        arrival = Arrival(
            event_id=request.headers["webhook-id"],
            delivery_id=request.headers["X-Delivery-ID"],
            attempt=int(request.headers["webhook-attempt"]),
            verified=verified,
            answered=behaviour["status"] if verified else 401,
            at=time.monotonic(),
            traceparent=request.headers.get("traceparent"),
        )
        self.rows[name].append(asdict(arrival))
        await asyncio.sleep(behaviour["delay"])
        return web.Response(status=arrival.answered)

    def fits(self, body: bytes, headers: dict[str, str]) -> bool:
        try:
            self.webhook.verify(body, headers)
        except WebhookVerificationError:
            return False
        return True

    def answer_question(self) -> None:
        line = sys.stdin.readline()
        if not line:
            sys.exit()
        asked, name, *more = json.loads(line)
        if asked == "behave":
            self.behaviours[name] = more[0]
        sys.stdout.write(json.dumps(self.rows[name] if asked == "ledger" else None) + "\n")
        sys.stdout.flush()


async def main() -> None:
    ledger = Ledger()
    app = web.Application()
    app.router.add_post("/{name}", ledger.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, backlog=2048).start()
    sys.stdout.write(f"{runner.addresses[0][1]}\n")
    sys.stdout.flush()
    asyncio.get_running_loop().add_reader(sys.stdin, ledger.answer_question)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(main())
