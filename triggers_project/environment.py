"""Strict readers of environment variables: a bad value stops the start and says which and why.

Each reader takes the variable's name and the value to use when it is unset or empty, and raises
BadEnvironment with one sentence otherwise.
"""

import ipaddress
import os
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Bounded = TypeVar("Bounded", int, float)

_ORIGIN = re.compile(r"https?://[^/?#@\s]+")


class BadEnvironment(ValueError):
    """An environment variable has a value that can't be used."""


def _read(name: str, path: str) -> str:
    try:
        found = Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadEnvironment(f"{name}={path!r} can't be read: {type(error).__name__}") from None
    if not found:
        raise BadEnvironment(f"{name}={path!r} is empty")
    return found


class Environment:
    """Reads typed values from a mapping of strings (`os.environ` unless told otherwise)."""

    def __init__(self, values: Mapping[str, str] | None = None) -> None:
        self._values = os.environ if values is None else values

    def text(self, name: str, default: str = "") -> str:
        """Its value, or what is in the file that NAME_FILE names: so a secret need not be in the environment."""
        value, path = (self._values.get(variable, "").strip() for variable in (name, f"{name}_FILE"))
        if value and path:
            raise BadEnvironment(f"{name} and {name}_FILE are both set: set one of them")
        return value or (_read(f"{name}_FILE", path) if path else "") or default

    def boolean(self, name: str, default: bool) -> bool:
        words = {
            "true": True,
            "1": True,
            "yes": True,
            "on": True,
            "false": False,
            "0": False,
            "no": False,
            "off": False,
        }
        raw = self.text(name)
        if not raw:
            return default
        if raw.lower() not in words:
            raise BadEnvironment(f"{name}={raw!r} is neither true nor false")
        return words[raw.lower()]

    def whole_number(self, name: str, default: int, *, least: int, most: int) -> int:
        raw = self.text(name)
        if not raw:
            return default
        if not raw.removeprefix("-").isdecimal():
            raise BadEnvironment(f"{name}={raw!r} is not a whole number")
        return _within(name, int(raw), least, most)

    def number(self, name: str, default: float, *, least: float, most: float) -> float:
        raw = self.text(name)
        if not raw:
            return default
        try:
            value = float(raw)
        except ValueError:
            raise BadEnvironment(f"{name}={raw!r} is not a number") from None
        return _within(name, value, least, most)

    def words(self, name: str, default: list[str]) -> list[str]:
        raw = self.text(name)
        return [word.strip() for word in raw.split(",") if word.strip()] if raw else default

    def choice(self, name: str, default: str, choices: list[str]) -> str:
        raw = self.text(name, default)
        if raw not in choices:
            raise BadEnvironment(f"{name}={raw!r} is not one of {', '.join(choices)}")
        return raw

    def networks(self, name: str, default: list[str]) -> list[Network]:
        """Comma-separated CIDRs, such as `10.0.0.0/8,fd00::/8`."""
        return [self._network(name, word) for word in self.words(name, default)]

    def whole_numbers(self, name: str, default: list[int], *, least: int, most: int) -> list[int]:
        """Comma-separated whole numbers, each within the bounds."""
        found = []
        for word in self.words(name, [str(number) for number in default]):
            if not word.isdecimal():
                raise BadEnvironment(f"{name}: {word!r} is not a whole number")
            found.append(_within(name, int(word), least, most))
        return found

    def url(self, name: str, schemes: tuple[str, ...], default: Callable[[], str]) -> str:
        """A URL with one of the schemes. The message never repeats the value: it may hold a password."""
        raw = self.text(name)
        if not raw:
            return default()
        scheme, separator, rest = raw.partition("://")
        if scheme not in schemes or not separator or not rest:
            wanted = " or ".join(f"{scheme}://" for scheme in schemes)
            raise BadEnvironment(f"{name} does not start with {wanted}")
        try:
            _ = urlsplit(raw).port
        except ValueError:
            raise BadEnvironment(f"{name} names no host and port that can be read") from None
        return raw

    def origins(self, name: str) -> list[str]:
        """Comma-separated origins, such as `https://app.example.com`: scheme, host and port, and nothing after."""
        found = self.words(name, [])
        for word in found:
            if not _ORIGIN.fullmatch(word):
                raise BadEnvironment(f"{name}: {word!r} is not an origin such as https://app.example.com")
        return found

    @staticmethod
    def _network(name: str, word: str) -> Network:
        try:
            return ipaddress.ip_network(word)
        except ValueError as error:
            raise BadEnvironment(f"{name}: {error}") from None


def _within(name: str, value: Bounded, least: Bounded, most: Bounded) -> Bounded:
    if not least <= value <= most:
        raise BadEnvironment(f"{name}={value} is not between {least} and {most}")
    return value
