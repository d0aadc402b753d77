import pytest

from tests.factories import ago, ahead, make_delivery, make_endpoint, make_organization
from triggers_project.management.commands.serve_metrics import DatabaseFigures


def figures() -> dict[tuple[str, ...], float]:
    """Each sample: (name, *labels) -> value."""
    samples = [sample for metric in DatabaseFigures().collect() for sample in metric.samples]
    return {(sample.name, *sample.labels.values()): sample.value for sample in samples}


def test_what_only_the_database_knows(db: None) -> None:
    endpoint = make_endpoint(make_organization())
    for fields in (
        {"next_attempt_at": ago(seconds=100)},
        {"status": "failed", "next_attempt_at": ahead(seconds=100)},
        {"status": "failed", "next_attempt_at": ahead(seconds=200)},
        {"status": "dead_letter"},
        {"status": "delivered"},
    ):
        make_delivery(endpoint, **fields)
    found = figures()
    oldest = found.pop(("triggers_oldest_due_seconds",))
    assert 99 <= oldest < 110
    assert found == {
        ("triggers_backlog", "due"): 1.0,
        ("triggers_backlog", "waiting"): 2.0,
        ("triggers_dead_letters",): 1.0,
        ("triggers_database_up",): 1.0,
    }


def test_an_empty_database_has_figures(db: None) -> None:
    assert figures()[("triggers_oldest_due_seconds",)] == 0.0


@pytest.mark.usefixtures("no_database")
def test_without_database_it_says_so_and_nothing_else() -> None:
    assert figures() == {("triggers_database_up",): 0.0}
