"""What an examination finds, one thing at a time."""

from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """The worst is the highest."""

    WELL = 0
    SKIPPED = 1
    WARNING = 2
    FAULT = 3


class Finding(NamedTuple):
    """`about`: what was looked at; `advice`: what to do, empty where nothing is to be done."""

    level: Level
    about: str
    words: str
    advice: str = ""


def well(about: str, words: str) -> Finding:
    return Finding(Level.WELL, about, words)


def skipped(about: str, words: str) -> Finding:
    return Finding(Level.SKIPPED, about, words)


def warning(about: str, words: str, advice: str) -> Finding:
    return Finding(Level.WARNING, about, words, advice)


def fault(about: str, words: str, advice: str) -> Finding:
    return Finding(Level.FAULT, about, words, advice)
