"""Finding secrets in what was produced: one pass over its words, whatever the number of secrets.

Most secrets are long and random. They can only stand in long words, of which there are few: each window of such a word
is looked up. The odd ones (a password, a header's value) are looked for among all different words first, and in the
texts themselves only when they may be there.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

LONG = 32  # characters, from which a secret without spaces counts as long and random
SHORTEST = 8  # what is shorter stands in many a text by chance

_LONG_SECRET = re.compile(rf"[0-9A-Za-z+/_=-]{{{LONG},}}")
_WORD = re.compile(rf"[0-9A-Za-z+/_=-]{{{SHORTEST},}}")
_PLAIN = re.compile(r"[0-9A-Za-z+/_=-]+")

# Whoever made them, tests or processes of the product: nothing else looks like that.
SHAPES = {
    "API key": re.compile(r"trg_[0-9A-Za-z]{12}_[0-9A-Za-z]{39}(?![0-9A-Za-z])"),
    "signing secret": re.compile(r"whsec_[0-9A-Za-z+/]{32,}"),
    "encrypted text": re.compile(r"\bgAAAAA[\w-]{60,}"),
    "hash of a key": re.compile(r"\$2[aby]\$\d\d\$[./0-9A-Za-z]{53}"),
    "hash of a password": re.compile(r"pbkdf2_sha256\$\d+\$\w+\$[0-9A-Za-z+/=]{20,}"),
}


@dataclass(frozen=True)
class Output:
    """One text that somebody may read. `route` is such as `GET /api/keys 200` when it is an answer."""

    channel: str
    text: str
    where: str = ""
    route: str = ""


@dataclass(frozen=True)
class Leak:
    kind: str
    output: Output
    secret: str

    def __str__(self) -> str:
        """Without the secret itself, wherever it stands."""
        place = f"{self.output.channel} {self.output.route} {self.output.where}".replace(self.secret, "***")
        return f"{self.kind} in {' '.join(place.split())}"


def find_leaks(
    secrets: Mapping[str, str],
    outputs: Iterable[Output],
    *,
    may_show: Callable[[str, Output], bool] = lambda kind, output: False,
    published: str = "",
) -> list[Leak]:
    """Where a secret (text → its kind) stands and may not. What `published` holds is no secret."""
    outputs = list(outputs)
    known = {text: kind for text, kind in with_spellings(secrets) if text not in published}
    found = [
        Leak(known[text], output, text)
        for text, output in (*in_long_words(known, outputs), *among_all_words(known, outputs))
    ]
    found += [
        Leak(kind, output, match[0])
        for output in outputs
        for kind, shape in SHAPES.items()
        for match in shape.finditer(output.text)
        if match[0] not in published
    ]
    return [leak for leak in dict.fromkeys(found) if not may_show(leak.kind, leak.output)]


def with_spellings(secrets: Mapping[str, str]) -> Iterable[tuple[str, str]]:
    """As it is, and as it would stand in a URL."""
    for text, kind in secrets.items():
        if len(text) >= SHORTEST:
            yield text, kind
            yield quote(text, safe=""), kind


def in_long_words(known: Mapping[str, str], outputs: list[Output]) -> Iterator[tuple[str, Output]]:
    lengths = {len(text) for text in known if _LONG_SECRET.fullmatch(text)}

    @cache
    def secrets_in(word: str) -> list[str]:
        windows = {
            word[start : start + length] for length in lengths for start in range(len(word) - length + 1)
        }
        return [window for window in windows if window in known]

    for output in outputs:
        for word in set(_LONG_SECRET.findall(output.text)):
            for text in secrets_in(word):
                yield text, output


def among_all_words(known: Mapping[str, str], outputs: list[Output]) -> Iterator[tuple[str, Output]]:
    odd = [text for text in known if not _LONG_SECRET.fullmatch(text)]
    words = "\n".join({word for output in outputs for word in _WORD.findall(output.text)})
    for text in odd:
        if longest_word(text) in words:
            yield from ((text, output) for output in outputs if text in output.text)


def longest_word(text: str) -> str:
    """What must stand in a word of a text that holds all of this; nothing when that can't be said."""
    longest = max(_PLAIN.findall(text), key=len, default="")
    return longest if len(longest) >= SHORTEST else ""
