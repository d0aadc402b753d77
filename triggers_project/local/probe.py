"""Whether somebody answers."""

from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit


def answers_ok(url: str, timeout: float = 5) -> bool:
    """Whether a GET is answered with 200. Not by urllib, which would ask the environment's proxy for 127.0.0.1."""
    parts = urlsplit(url)
    connection = HTTPConnection(parts.hostname or "", parts.port, timeout=timeout)
    try:
        connection.request("GET", parts.path)
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
