"""Headers of a tenant's own that go with every delivery to an endpoint: what may be set, and how they are kept.

They can neither take the place of ours nor smuggle in another line, another body or another connection.
"""

import json
import re
from collections.abc import Mapping

from deliveries.errors import InvalidHeaders
from organizations.encryption import decrypt, encrypt

MOST, LONGEST_NAME, LONGEST_VALUE = 20, 100, 1_000

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110, section 5.6.2
_VALUE = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")  # RFC 9110, section 5.5, without obs-text

# What says who we are, what the body is, and how the connection is used.
OURS = frozenset(
    "accept accept-encoding connection content-encoding content-length content-type cookie date expect host"
    " keep-alive te traceparent tracestate trailer transfer-encoding upgrade user-agent x-delivery-id x-event-id"
    " x-event-type".split()
)
OUR_PREFIXES = ("webhook-", "proxy-")


def check_headers(headers: Mapping[str, str]) -> None:
    """InvalidHeaders, which points at each that can't be set."""
    faults = [(name, fault) for name, value in headers.items() if (fault := fault_of(name, value))]
    if len(headers) > MOST:
        faults.append(("", f"These are more than {MOST} headers."))
    if len({name.lower() for name in headers}) < len(headers):
        faults.append(("", "A name is in here twice; upper and lower case make no difference."))
    if faults:
        raise InvalidHeaders(faults)


def fault_of(name: str, value: str) -> str | None:
    if len(name) > LONGEST_NAME or not _TOKEN.fullmatch(name):
        return f"This is not the name of a header: 1 to {LONGEST_NAME} of A-Z, a-z, 0-9 and !#$%&'*+-.^_`|~."
    if name.lower() in OURS or name.lower().startswith(OUR_PREFIXES):
        return "This header is set by us."
    if len(value) > LONGEST_VALUE or not _VALUE.fullmatch(value):
        return f"The value may be 1 to {LONGEST_VALUE} printable ASCII characters, without a space at either end."
    return None


def sealed(headers: Mapping[str, str]) -> str:
    """As they are kept: encrypted, since people put tokens there. Nothing for none."""
    return encrypt(json.dumps(dict(headers))) if headers else ""


def opened(encrypted: str) -> dict[str, str]:
    """What `sealed` made. cryptography's InvalidToken when FIELD_ENCRYPTION_KEYS can't read it."""
    found: dict[str, str] = json.loads(decrypt(encrypted)) if encrypted else {}
    return found
