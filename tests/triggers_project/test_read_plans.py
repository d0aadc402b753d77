"""Which indexes each list and each page goes by, and how few rows it looks at: so it is as quick with 5,000,000 events
as with these."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.contrib.sessions.models import Session
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deliveries.standing import _DEAD, _WAITING
from events.admin_search import _HELD_NOW
from organizations import admin_lists
from tests.conftest import empty_our_tables
from tests.triggers_project.admin_reads import READS
from tests.triggers_project.reads_fill import (
    BIG,
    Rows,
    fill,
    make_rows,
    name_rows,
    settle_down,
    small_ones,
    start_afresh,
)

EVENTS = 30_000
PAGE = 201  # the largest, and whether there is more
COUNTED = 500

pytestmark = pytest.mark.xdist_group("read plans")  # so that one process makes the rows


@pytest.fixture(scope="module")
def rows(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[Rows]:
    """Committed, and in the state in which autovacuum leaves tables."""
    with django_db_blocker.unblock():
        start_afresh()
        try:
            yield _filled()
        finally:
            empty_our_tables()
            Session.objects.all().delete()
            User.objects.all().delete()
            settle_down()
            connection.close()


def _filled() -> Rows:
    rows = make_rows(tenants=20, every=101)
    fill(rows, range(1, EVENTS + 1), of=EVENTS)
    small_ones(rows, range(30))
    name_rows(rows)
    settle_down()
    return rows


@pytest.fixture
def plans(rows: Rows, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The nodes of the plans of what a read asks of the big tables.

    Of rows as few as these PostgreSQL might read all, where of millions it would not: so it may not, as far as there
    is another way.
    """
    monkeypatch.setattr(admin_lists, "MOST_COUNTED", COUNTED)

    def explained(name: str) -> list[dict[str, Any]]:
        with connection.cursor() as cursor, CaptureQueriesContext(connection) as queries:
            cursor.execute("SET enable_seqscan = off")
            assert READS[name].by(rows).status_code == 200
        asked = [query["sql"] for query in queries if query["sql"].startswith("SELECT")]
        return [node for sql in asked if any(table in sql for table in BIG) for node in nodes_of(sql)]

    return explained


def nodes_of(sql: str, values: Any = None) -> list[dict[str, Any]]:
    """Each with `of_big`: whether it works on rows of a big table."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {sql}", values)
        (plan,) = cursor.fetchone()[0]
    found: list[dict[str, Any]] = []
    _walk(plan["Plan"], found)
    return found


def _walk(node: dict[str, Any], found: list[dict[str, Any]]) -> bool:
    found.append(node)
    below = [_walk(child, found) for child in node.get("Plans", [])]
    node["of_big"] = node.get("Relation Name") in BIG or any(below)
    return bool(node["of_big"])


def indexes(nodes: list[dict[str, Any]]) -> set[str]:
    """Those of the big tables; a bitmap of an index does not name its table."""
    names = {str(node["Index Name"]) for node in nodes if "Index Name" in node}
    return names & _big_indexes()


def _big_indexes() -> set[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexname FROM pg_indexes WHERE tablename = ANY (%s)", [list(BIG)])
        return {name for (name,) in cursor.fetchall()}


def looked_at(nodes: list[dict[str, Any]]) -> int:
    """How many rows of the big tables."""
    columns = ("Actual Rows", "Rows Removed by Filter", "Rows Removed by Index Recheck")
    scans = [
        node for node in nodes if node.get("Relation Name") in BIG or node["Node Type"] == "Bitmap Index Scan"
    ]
    return round(sum(node.get(column, 0) * node["Actual Loops"] for node in scans for column in columns))


def faults(nodes: list[dict[str, Any]]) -> list[str]:
    read_whole = [
        node["Relation Name"]
        for node in nodes
        if node["Node Type"] == "Seq Scan" and node["Relation Name"] in BIG
    ]
    sorts = [node for node in nodes if node["Node Type"] == "Sort" and node["of_big"]]
    sorted_much = [
        str(node["Sort Key"]) for node in sorts if max(node["Plan Rows"], node["Actual Rows"]) > PAGE
    ]
    return read_whole + sorted_much


def missed(used: set[str], wanted: str) -> list[str]:
    """Which of the wanted indexes were not used."""
    return [choice for choice in wanted.split() if not set(choice.split("|")) & used]


@pytest.mark.parametrize("name", READS)
def test_a_read_goes_by_its_indexes(name: str, plans: Any) -> None:
    nodes = plans(name)

    assert missed(indexes(nodes), READS[name].indexes) == []
    if not READS[name].walks:
        assert faults(nodes) == []
        assert looked_at(nodes) <= READS[name].most


def test_how_things_stand_is_counted_by_indexes(rows: Rows) -> None:
    """The front page's questions, which go past Django."""
    waiting, dead = nodes_of(_WAITING), nodes_of(_DEAD)

    assert indexes(waiting) == {"delivery_open"}
    assert missed(indexes(dead), "delivery_dead|delivery_last_died") == []
    assert faults(waiting) == faults(dead) == []


def test_a_dedup_id_is_looked_up_once_for_each_tenant(rows: Rows) -> None:
    nodes = nodes_of(_HELD_NOW, {"key": "order-29998", "most": 200})

    assert indexes(nodes) == {"events_oncekey_pkey"}
    assert looked_at(nodes) == 1
