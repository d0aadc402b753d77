"""What can be refused here. How each looks over HTTP is one table: `triggers_project/problems.py`."""

from urllib.parse import quote

from organizations.errors import InvalidBody, Refused


class DeliveryNotFound(Refused):
    """No such delivery of this tenant."""


class ReplayNotFound(Refused):
    """No such replay of this tenant."""


class EndpointNotFound(Refused):
    """No such endpoint of this tenant."""


class TooManyEndpoints(Refused):
    """The tenant has as many as it may have."""


class EndpointNotConfigured(Refused):
    """The tenant has no default endpoint."""


class ForbiddenTarget(Refused):
    """Webhooks may not go to that URL; `str()` says why."""


class InvalidHeaders(InvalidBody):
    """Headers of a tenant's own that can't be set; each with why."""

    def __init__(self, faults: list[tuple[str, str]]) -> None:
        super().__init__([(pointed(name), detail) for name, detail in faults])


def pointed(name: str) -> str:
    """A JSON pointer (RFC 6901, as a URI fragment) at that header."""
    steps = quote(name.replace("~", "~0").replace("/", "~1"), safe="~")
    return f"#/headers/{steps}" if name else "#/headers"


class SecretUnreadable(Refused):
    """The endpoint's signing secret was encrypted with a key that FIELD_ENCRYPTION_KEYS no longer has."""


class InvalidSecret(InvalidBody):
    """The given signing secret is none of Standard Webhooks."""

    def __init__(self, detail: str) -> None:
        super().__init__([("#/secret", detail)])
