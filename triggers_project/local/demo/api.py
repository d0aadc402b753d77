"""Calling the API as any client would: `requests` and a key."""

import threading
import time
from typing import Any

import requests

from triggers_project.local.demo.screen import NotAsTold

TIMEOUT = 30  # seconds


class Api:
    """One tenant's client, for any number of threads. An answer with another status than expected is NotAsTold."""

    def __init__(self, url: str, key: str | None = None) -> None:
        self._url = url
        self._key = key
        self._own = threading.local()

    def post(self, path: str, body: Any = None, *, expect: int) -> dict[str, Any]:
        """`body`: bytes of JSON as they are, anything else is made JSON."""
        sent = {"data": body} if isinstance(body, bytes) else {"json": body}
        return self._call("POST", path, expect, **sent)

    def get(self, path: str, **query: Any) -> dict[str, Any]:
        return self._call("GET", path, 200, params=query)

    def _call(self, method: str, path: str, expect: int, **more: Any) -> dict[str, Any]:
        while True:
            try:
                answer = self._session.request(method, self._url + path, timeout=TIMEOUT, **more)
            except requests.RequestException as error:
                raise NotAsTold(f"{method} {path} is answered: no, {type(error).__name__}.") from error
            if answer.status_code != 429 or expect == 429:
                break
            time.sleep(int(answer.headers["Retry-After"]))
        if answer.status_code != expect:
            found = f"{answer.status_code} {answer.text[:300]}"
            raise NotAsTold(f"{method} {path} is answered with {expect}: no, with {found}")
        return dict(answer.json())

    @property
    def _session(self) -> requests.Session:
        """One for each thread; the environment's proxies and passwords have no part in it."""
        if not hasattr(self._own, "session"):
            session = requests.Session()
            session.trust_env = False
            session.headers["Content-Type"] = "application/json"
            if self._key:
                session.headers["X-API-Key"] = self._key
            self._own.session = session
        return self._own.session
