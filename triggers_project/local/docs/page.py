"""What a page of HTML links to, fetches, and can be linked to at."""

from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path

# What a browser asks for by itself, as soon as it sees it.
FETCHED = {
    "audio": "src", "embed": "src", "iframe": "src", "image": "href", "img": "src", "input": "src", "link": "href",
    "object": "data", "script": "src", "source": "src", "track": "src", "use": "href", "video": "src",
}  # fmt: skip
# Links in the head that are only told, to who asks.
ONLY_TOLD = {"alternate", "author", "canonical", "license", "next", "prev"}


@dataclass
class Page:
    """`links` may be followed, `fetched` are fetched unasked; both as they stand in the page."""

    ids: set[str] = field(default_factory=set)
    links: set[str] = field(default_factory=set)
    fetched: set[str] = field(default_factory=set)
    classes: set[str] = field(default_factory=set)
    text: str = ""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.page = Page()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.page.ids |= {has[name] for name in ("id", "name") if name in has}
        self.page.classes |= set(has.get("class", "").split())
        if tag == "a" and "href" in has:
            self.page.links.add(has["href"])
        elif FETCHED.get(tag) in has:
            told = tag == "link" and set(has.get("rel", "").split()) <= ONLY_TOLD
            (self.page.links if told else self.page.fetched).add(has[FETCHED[tag]])
        if "srcset" in has:
            self.page.fetched |= {part.split()[0] for part in has["srcset"].split(",") if part.strip()}


def read_page(path: Path) -> Page:
    reader = _Reader()
    reader.feed(path.read_text())
    reader.page.text = "".join(reader.words)
    return reader.page
