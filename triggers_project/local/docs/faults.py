"""What is wrong with a built site: dead links, pages that nobody finds, what would be fetched from elsewhere."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from triggers_project.local.docs.page import Page, read_page

# The theme would fetch a program that draws these from another host.
DRAWN_ELSEWHERE = {"mermaid", "glightbox", "pyodide"}
# It is served at any depth below a site, so it names its files from the top.
NOT_LOOKED_AT = {"404.html"}
PROGRAMS = {".go", ".java", ".mjs", ".php", ".py"}

_IN_STYLES = re.compile(r"""(?:url\(|@import)\s*["']?\s*((?:https?:)?//[^"')\s]+)""")


def faults_of(site: Path, *, sources: Path) -> list[str]:
    """A line for each. `sources` is where the Markdown is: each page of it has to be found from the front page."""
    paths = [path for path in sorted(site.rglob("*.html")) if path.name not in NOT_LOOKED_AT]
    pages = {path: read_page(path) for path in paths}
    return [
        *_dead_links(site, pages),
        *(fault for path, page in pages.items() for fault in _from_elsewhere(site, path, page)),
        *_styles_from_elsewhere(site),
        *_lost(site, sources, pages),
        *_not_shown(sources, pages.values()),
    ]


def _dead_links(site: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Each place once, by the first page that leads there: one of the menu is on every page."""
    seen = set()
    for path, page in pages.items():
        for address in sorted({*page.links, *page.fetched}):
            target, anchor = _target(path, address)
            if target is None or (target, anchor) in seen:
                continue
            seen.add((target, anchor))
            if not target.is_file():
                yield f"{path.relative_to(site)}: {address} leads nowhere"
            elif anchor and target in pages and anchor not in pages[target].ids:
                yield f"{path.relative_to(site)}: {address} names a place that is not there"


def _target(path: Path, address: str) -> tuple[Path | None, str]:
    """The file that an address on that page means, and the place in it; None for one outside of the site."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None, ""
    target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
    return target / "index.html" if target.is_dir() else target, unquote(parts.fragment)


def _from_elsewhere(site: Path, path: Path, page: Page) -> Iterator[str]:
    for address in sorted(page.fetched):
        parts = urlsplit(address)
        if parts.netloc or parts.scheme not in ("", "data"):
            yield f"{path.relative_to(site)}: {address} would be fetched from elsewhere"
    for name in sorted(DRAWN_ELSEWHERE & page.classes):
        yield f"{path.relative_to(site)}: what draws «{name}» would be fetched from elsewhere"


def _styles_from_elsewhere(site: Path) -> Iterator[str]:
    for path in sorted(path for kind in ("css", "html", "svg") for path in site.rglob(f"*.{kind}")):
        for address in _IN_STYLES.findall(path.read_text()):
            yield f"{path.relative_to(site)}: {address} would be fetched from elsewhere"


def _lost(site: Path, sources: Path, pages: dict[Path, Page]) -> Iterator[str]:
    """Pages that were not built, and pages to which nothing leads."""
    found = _reached(site / "index.html", pages)
    for source in sorted(sources.rglob("*.md")):
        built = site / source.relative_to(sources).with_suffix(".html")
        if built not in pages:
            yield f"{source.relative_to(sources)}: it was not built"
        elif built not in found:
            yield f"{source.relative_to(sources)}: nothing leads to it; name it in mkdocs.yml or on a page"


def _not_shown(sources: Path, pages: Iterable[Page]) -> Iterator[str]:
    """Programs that a page should have taken in, and has not as they are."""
    for source in sorted(path for path in sources.rglob("*") if path.suffix in PROGRAMS):
        text = source.read_text().strip().expandtabs(4)  # as Markdown does
        if not any(text in page.text for page in pages):
            yield f"{source.relative_to(sources)}: no page shows it"


def _reached(start: Path, pages: dict[Path, Page]) -> set[Path]:
    found: set[Path] = set()
    waiting = [start]
    while waiting:
        path = waiting.pop()
        if path in pages and path not in found:
            found.add(path)
            waiting += _linked(path, pages[path].links)
    return found


def _linked(path: Path, links: Iterable[str]) -> list[Path]:
    targets = (_target(path, address)[0] for address in links)
    return [target for target in targets if target is not None]
