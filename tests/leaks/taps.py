"""Where the tests listen: the places that every secret, and every text of the product, passes. The product knows
nothing of it."""

import os
from collections.abc import Callable
from functools import wraps
from typing import Any
from urllib.error import URLError
from urllib.request import urlopen

import bcrypt
import requests
import structlog
from _pytest._code import ExceptionInfo
from cryptography.fernet import Fernet, MultiFernet
from django.conf import settings
from django.contrib.auth.backends import ModelBackend
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.sessions.backends.base import SessionBase
from django.core.mail import EmailMessage
from django.db.models.signals import post_save
from django.http import HttpResponse
from django.test import Client

from organizations import lines
from tests.leaks import produced, used
from tests.leaks.data_folder import keep_data_folder
from triggers_project.local.stack import Stack

Heard = Callable[..., None]


def open_taps() -> None:
    tap_secrets()
    tap_texts()


def tap(owner: Any, name: str, *, before: Heard | None = None, after: Heard | None = None) -> None:
    """`before` hears the arguments of each call, `after` its result and then the arguments."""
    original = getattr(owner, name)

    @wraps(original)
    def tapped(*args: Any, **kwargs: Any) -> Any:
        if before is not None:
            before(*args, **kwargs)
        result = original(*args, **kwargs)
        if after is not None:
            after(result, *args, **kwargs)
        return result

    setattr(owner, name, tapped)


# --- Secrets ------------------------------------------------------------------------------------------------------


def tap_secrets() -> None:
    used.note("SECRET_KEY", settings.SECRET_KEY)
    for url in (settings.REDIS_URL, os.environ.get("DATABASE_URL", "")):
        used.note_password_of(url)
    tap(Fernet, "__init__", before=lambda _, key, **__: used.note("encryption key", key))
    tap(MultiFernet, "encrypt", before=lambda _, text, **__: used.note_sealed(text))
    tap(bcrypt, "hashpw", before=lambda secret, _: used.note("API key", secret))
    tap(bcrypt, "checkpw", before=lambda secret, _: used.note("API key", secret))
    for name in ("set_password", "check_password"):
        tap(AbstractBaseUser, name, before=lambda _, password: used.note("password", password or ""))
    tap(
        ModelBackend,
        "authenticate",
        before=lambda *_, password=None, **__: used.note("password", password or ""),
    )
    tap(SessionBase, "_get_new_session_key", after=lambda key, _: used.note("session", key))
    post_save.connect(saved, weak=False)


def saved(sender: type, instance: Any, **_: Any) -> None:
    if sender.__name__ == "Event":
        used.note_payload(instance.payload)


# --- Texts --------------------------------------------------------------------------------------------------------


def tap_texts() -> None:
    tap(lines.Stderr, "write", before=lambda _, line: produced.keep("a log line", line))
    tap(
        structlog.stdlib.ProcessorFormatter,
        "format",
        after=lambda line, *_: produced.keep("a log line", line),
    )
    tap(Client, "request", after=answered_by_django)
    tap(requests.Session, "send", after=answered_over_http)
    tap(EmailMessage, "send", before=mailed)
    tap(ExceptionInfo, "fill_unfilled", before=raised)
    tap(Stack, "stop", before=about_to_stop, after=stopped)


def answered_by_django(answer: HttpResponse, _: Client, **request: Any) -> None:
    body = request.get("wsgi.input")
    sent = body._FakePayload__content.getvalue() if body is not None else b""
    used.note_request(request_headers(answer), sent)
    used.note_query(request.get("QUERY_STRING", ""))
    content = b"" if answer.streaming else answer.content
    used.note_answer(content.decode(errors="replace"))
    path, method = request.get("PATH_INFO", "/"), request.get("REQUEST_METHOD", "GET")
    produced.keep_answer(method, path, answer.status_code, dict(answer.headers), content)


def request_headers(answer: HttpResponse) -> dict[str, str]:
    environ = answer.wsgi_request.environ
    return {name: value for name, value in environ.items() if name.startswith("HTTP_")}


def answered_over_http(answer: requests.Response, _: requests.Session, request: Any, **options: Any) -> None:
    body = request.body or b""
    used.note_request(dict(request.headers), body.encode() if isinstance(body, str) else bytes(body))
    if options.get("stream"):
        return
    used.note_answer(answer.text)
    path, _, query = request.path_url.partition("?")
    used.note_query(query)
    produced.keep_answer(request.method, path, answer.status_code, dict(answer.headers), answer.content)


def mailed(mail: EmailMessage, *_: Any, **__: Any) -> None:
    said = [mail.subject, mail.body, mail.from_email, *mail.recipients(), *mail.extra_headers.values()]
    produced.keep("a mail", "\n".join(map(str, said)))


def raised(_: Any, caught: tuple[Any, BaseException, Any]) -> None:
    """What `pytest.raises` caught, and what that came from."""
    error: BaseException | None = caught[1]
    while error is not None:
        produced.keep("the words of an error", f"{type(error).__name__}: {error}")
        error = error.__cause__


# --- Running systems ----------------------------------------------------------------------------------------------


def about_to_stop(stack: Stack) -> None:
    try:
        with urlopen(stack.metrics_url, timeout=5) as answer:  # noqa: S310  (a system of the test's own)
            produced.keep("the metrics", answer.read().decode(), where=f"of a running system, {stack.url}")
    except (URLError, OSError):
        pass  # a system that was broken on purpose, or of which only a part was started


def stopped(_: None, stack: Stack) -> None:
    """Its secrets, and what its processes wrote: both are thrown away soon."""
    for name in ("SECRET_KEY", "FIELD_ENCRYPTION_KEYS"):
        used.note(name, stack.environ.get(name, ""))
    keep_data_folder(stack.data_dir)
