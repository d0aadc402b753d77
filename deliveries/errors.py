"""What can be refused here. How each looks over HTTP is one table: `triggers_project/problems.py`."""

from organizations.errors import InvalidBody, Refused


class DeliveryNotFound(Refused):
    """No such delivery of this tenant."""


class EndpointNotFound(Refused):
    """No such endpoint of this tenant."""


class TooManyEndpoints(Refused):
    """The tenant has as many as it may have."""


class EndpointNotConfigured(Refused):
    """The tenant has no default endpoint."""


class ForbiddenTarget(Refused):
    """Webhooks may not go to that URL; `str()` says why."""


class InvalidSecret(InvalidBody):
    """The given signing secret is none of Standard Webhooks."""

    def __init__(self, detail: str) -> None:
        super().__init__([("#/secret", detail)])
