"""Where mail goes out: one URL, taken apart."""

from typing import NamedTuple
from urllib.parse import unquote, urlsplit

PORTS = {"smtp": 25, "smtp+tls": 587, "smtps": 465}


class MailServer(NamedTuple):
    """`host` is empty when there is none; then nothing is sent."""

    host: str = ""
    port: int = 25
    user: str = ""
    password: str = ""
    starttls: bool = False
    tls: bool = False


def mail_server(url: str) -> MailServer:
    """`smtp://host`, `smtp+tls://user:password@host:587` (STARTTLS), or `smtps://…` (TLS from the start)."""
    if not url:
        return MailServer()
    parts = urlsplit(url)
    return MailServer(
        host=parts.hostname or "",
        port=parts.port or PORTS[parts.scheme],
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        starttls=parts.scheme == "smtp+tls",
        tls=parts.scheme == "smtps",
    )
