"""What `make docs` finds wrong in a built site."""

from pathlib import Path

import pytest

from triggers_project.local.docs.faults import faults_of


@pytest.fixture
def faults(tmp_path: Path):
    """Builds a site of an index and an `other` page, and says what is wrong with it."""

    def look(index: str, *, shown: str = PROGRAM, **files: str) -> list[str]:
        site, sources = tmp_path / "site", tmp_path / "docs"
        for folder in (site, sources):
            folder.mkdir()
        written = {"index.html": index + shown, "other.html": '<h2 id="here">…</h2>', **files}
        for name, text in written.items():
            (site / name.replace("_", ".")).write_text(text)
        for name in ("index.md", "other.md"):
            (sources / name).write_text("…")
        (sources / "program.py").write_text("print(1 < 2)\n")
        return faults_of(site, sources=sources)

    return look


WELL = '<a href="other.html#here">…</a><a href="https://example.com/">…</a><img src="data:image/png;base64,AA==">'
PROGRAM = '<pre><span id="a">print</span>(1 &lt; 2)</pre>'


def test_a_good_site_has_none(faults) -> None:
    assert faults(WELL) == []


@pytest.mark.parametrize(
    ("added", "fault"),
    [
        ('<a href="gone.html">…</a>', "gone.html leads nowhere"),
        ('<a href="other.html#gone">…</a>', "other.html#gone names a place that is not there"),
        ('<a href="#gone">…</a>', "#gone names a place that is not there"),
        ('<img src="gone.png">', "gone.png leads nowhere"),
        ('<script src="https://e.example/a.js"></script>', "https://e.example/a.js would be fetched from elsewhere"),
        ('<script src="//e.example/a.js"></script>', "//e.example/a.js would be fetched from elsewhere"),
        ('<link rel="preconnect" href="https://e.example">', "https://e.example would be fetched from elsewhere"),
        ('<img srcset="https://e.example/a.png 2x">', "https://e.example/a.png would be fetched from elsewhere"),
        ('<p style="background: url(//e.example/a)">', "//e.example/a would be fetched from elsewhere"),
        ('<pre class="mermaid">', "what draws «mermaid» would be fetched from elsewhere"),
    ],
)  # fmt: skip
def test_a_fault_of_a_page_is_named(faults, added: str, fault: str) -> None:
    assert faults(WELL + added) == [f"index.html: {fault}"]


def test_a_style_that_fetches_is_named(faults) -> None:
    assert faults(WELL, site_css="@import 'https://e.example/f.css';") == [
        "site.css: https://e.example/f.css would be fetched from elsewhere"
    ]


def test_a_page_to_which_nothing_leads_is_named(faults) -> None:
    assert faults("…") == ["other.md: nothing leads to it; name it in mkdocs.yml or on a page"]


def test_a_program_that_is_not_shown_as_it_is_is_named(faults) -> None:
    assert faults(WELL, shown=PROGRAM.replace("2", "3")) == ["program.py: no page shows it"]
