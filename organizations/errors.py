"""What can be refused here. How each looks over HTTP is one table: `triggers_project/problems.py`."""

from collections.abc import Sequence


class Refused(Exception):
    """A rule of the trade says no. `str()` is a sentence for the caller; `extra` goes into the answer."""

    def __init__(self, detail: str = "", **extra: object) -> None:
        super().__init__(detail)
        self.extra = extra


class MalformedBody(Refused):
    """The body is not a JSON document."""


class InvalidBody(Refused):
    """The body is JSON, but does not fit; `fields` are (JSON pointer, what is wrong there)."""

    def __init__(self, fields: Sequence[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{pointer}: {detail}" for pointer, detail in fields))
        self.fields = list(fields)


class InvalidQuery(InvalidBody):
    """A query parameter does not fit; `fields` are (parameter name, what is wrong)."""


class InvalidHeader(InvalidBody):
    """A request header does not fit; `fields` are (header name, what is wrong)."""


class BodyTooLarge(Refused):
    def __init__(self, limit: int) -> None:
        super().__init__(f"The body is larger than {limit:,} bytes.")


class BodyTooSlow(Refused):
    def __init__(self, seconds: int) -> None:
        super().__init__(f"The body was not there after {seconds} seconds.")


class SignupClosed(Refused):
    """Nobody may make a tenant without staff."""


class KeyNotFound(Refused):
    """No such key of this tenant."""


class KeyEnded(Refused):
    """The key that asks was revoked or has expired since it was let in."""


class ScopeNotHeld(Refused):
    """A key can't hand out what it may not do itself."""


class TooManyKeys(Refused):
    """The tenant has as many valid keys as this server allows."""


class LastKey(Refused):
    """A tenant without a valid key could never make another."""


class OverLimit(Refused):
    """More than the tier, or the door, lets pass; `retry_after` is in whole seconds."""

    def __init__(self, detail: str, *, retry_after: int) -> None:
        super().__init__(detail)
        self.retry_after = retry_after
