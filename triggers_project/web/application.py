"""The RSGI application: each request goes to the fast lane if it is one for it, else to Django."""

import asyncio
import gc
import sys
from collections.abc import Callable, Iterable
from typing import Any

from organizations import traces
from organizations.errors import BodyTooSlow
from organizations.lines import gather_lines
from triggers_project.problems import problem_of
from triggers_project.requests import request_id_of
from triggers_project.web.bodies import IncomingBody
from triggers_project.web.django_door import DjangoDoor
from triggers_project.web.lane import Lane, headers_of_every_answer
from triggers_project.web.metrics import web_workers

# How long a thread may compute while the event loop wants to: Python's 5 ms would be half of what a caller waits for.
SWITCH_SECONDS = 0.0005


class Application:
    """https://github.com/emmett-framework/granian/blob/master/docs/spec/RSGI.md"""

    def __init__(self, django: Callable[..., Iterable[bytes]]) -> None:
        self._lane, self._django = Lane(), DjangoDoor(django)

    def __rsgi_init__(self, loop: asyncio.AbstractEventLoop) -> None:
        gather_lines(loop)
        web_workers.set(1)
        sys.setswitchinterval(SWITCH_SECONDS)
        gc.freeze()  # what is loaded by now stays: looking through it again and again would be in vain

    async def __rsgi__(self, scope: Any, proto: Any) -> None:
        declared = scope.headers.get("content-length")
        body = IncomingBody(
            proto,
            declared=int(declared) if declared else None,
            chunked="transfer-encoding" in scope.headers,
        )
        try:
            if not await self._lane.answer(scope, proto, body):
                await self._django.answer(scope, proto, body)
        except BodyTooSlow as error:
            problem, request_id = problem_of(error), request_id_of(scope.headers.get("x-request-id", ""))
            fields = [("content-type", "application/problem+json"), ("x-request-id", request_id)]
            fields += headers_of_every_answer(secure=False)
            proto.response_bytes(problem.status, fields, problem.content(request_id))

    def __rsgi_del__(self, loop: asyncio.AbstractEventLoop) -> None:
        gather_lines(None)
        web_workers.set(0)
        self.close()
        traces.stop()

    def close(self) -> None:
        self._lane.close()
        self._django.close()
