"""What went wrong with a send, in words."""

import os
from dataclasses import replace

import aiohttp

from deliveries.connector import CONNECT_SECONDS, MOST_INTERIM, ForbiddenAddress, TooManyInterim
from deliveries.outcome import BROKEN, FORBIDDEN, TIMEOUT, UNREACHABLE, Outcome
from deliveries.progress import NOTHING_TIMED, Timings


def failure(
    error: Exception,
    *,
    status_code: int | None,
    timeout: float,
    reached: bool,
    timings: Timings = NOTHING_TIMED,
) -> Outcome:
    """`reached`: a connection was there, though perhaps its TLS handshake did not end."""
    return replace(_named(error, status_code, timeout, reached), timings=timings)


def _named(error: Exception, status_code: int | None, timeout: float, reached: bool) -> Outcome:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        what = "TLS handshake" if reached else "connection"
        return Outcome(TIMEOUT, error=f"No {what} within {min(CONNECT_SECONDS, timeout):g} s.")
    if isinstance(error, TimeoutError):
        begun = "" if status_code is None else f" It had begun to answer, with {status_code}."
        return Outcome(TIMEOUT, status_code, f"No whole answer within {timeout:g} s.{begun}")
    for error_class, kind, words in _WORDS:
        if isinstance(error, error_class):
            return Outcome(kind, status_code, words)
    if isinstance(error, aiohttp.ClientConnectorError):
        reason = os.strerror(error.os_error.errno) if error.os_error.errno else "nobody answers"
        return Outcome(UNREACHABLE, error=f"No connection: {reason}.")
    return Outcome(BROKEN, status_code, "The connection ended before the answer did.")


_WORDS: list[tuple[type[Exception], str, str]] = [
    (ForbiddenAddress, FORBIDDEN, "The host leads to an address that is not public; it was not called."),
    (aiohttp.ClientConnectorDNSError, UNREACHABLE, "The host name does not resolve."),
    (aiohttp.ClientSSLError, UNREACHABLE, "The TLS handshake failed."),
    (
        TooManyInterim,
        BROKEN,
        f"It sent more than {MOST_INTERIM} interim answers (1xx), and none that counts.",
    ),
    (aiohttp.ClientResponseError, BROKEN, "What came back is not HTTP."),
    (ValueError, UNREACHABLE, "The URL can't be used."),  # aiohttp.InvalidURL, and a host that IDNA refuses
]
