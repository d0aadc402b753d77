"""What is wrong with a receiver's TLS certificate, in words.

Python does not say which certificate it refused. So where the words need it, the receiver is asked for it once more, on
a connection that is closed as soon as it was shown: nothing is sent over it.
"""

import asyncio
import contextlib
import ssl
from datetime import datetime

import aiohttp
from cryptography import x509
from django.utils.timesince import timesince

from deliveries.connector import CheckedConnector
from deliveries.progress import Address

ASKING_SECONDS = 2.0

# X509_V_ERR_... of OpenSSL's x509_vfy.h.
_NOT_YET, _EXPIRED, _OTHER_NAMES = 9, 10, (62, 64)
_FAULTS = {
    _NOT_YET: "it is not valid yet",
    _EXPIRED: "it has expired",
    18: "nobody we trust has signed it (self-signed)",
    19: "its chain leads to nobody we trust",
    20: "its chain leads to nobody we trust",
    21: "its chain leads to nobody we trust",
}


async def fault(
    error: aiohttp.ClientConnectorCertificateError,
    *,
    connector: CheckedConnector,
    address: Address,
    now: datetime,
) -> str:
    """`it expired 3 days ago`. `address` is where it was shown; `now` is what ages are measured from."""
    cause = error.certificate_error
    if not isinstance(cause, ssl.SSLCertVerificationError):
        return f"it is for another name than {error.host}"
    code = cause.verify_code
    if code not in (_NOT_YET, _EXPIRED, *_OTHER_NAMES):
        return _FAULTS.get(code) or str(cause.verify_message)
    shown = None
    with contextlib.suppress(OSError, ValueError):  # TimeoutError and ssl.SSLError are OSErrors
        async with asyncio.timeout(ASKING_SECONDS):
            shown = await _shown(error.host, connector, address)
    if code in _OTHER_NAMES:
        return _names(shown, error.host)
    return (shown and _dates(shown, now)) or _FAULTS[code]


def _dates(shown: x509.Certificate, now: datetime) -> str | None:
    """None when its own dates are good: then it is another of its chain."""
    first, last = shown.not_valid_before_utc, shown.not_valid_after_utc
    if last < now:
        return f"it expired {_span(last, now)} ago, on {last:%Y-%m-%d}"
    if now < first:
        return f"it is not valid before {first:%Y-%m-%d}, in {_span(now, first)}"
    return None


def _span(start: datetime, end: datetime) -> str:
    return timesince(start, end, depth=1).replace("\xa0", " ")


def _names(shown: x509.Certificate | None, host: str) -> str:
    names = _held_names(shown) if shown else []
    if not names:
        return f"it is for another name than {host}"
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"it is for {', '.join(names[:3])}{more}, not for {host}"


def _held_names(shown: x509.Certificate) -> list[str]:
    try:
        held = shown.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in held]


async def _shown(host: str, connector: CheckedConnector, address: Address) -> x509.Certificate | None:
    anything = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    anything.check_hostname, anything.verify_mode = False, ssl.CERT_NONE
    with connector.checked_socket(address) as plain:
        plain.setblocking(False)
        await asyncio.get_running_loop().sock_connect(plain, address[4])
        _, writer = await asyncio.open_connection(sock=plain, ssl=anything, server_hostname=host)
        raw = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
        writer.transport.abort()
    return x509.load_der_x509_certificate(raw) if raw else None
