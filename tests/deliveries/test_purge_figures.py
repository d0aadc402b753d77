import json
from datetime import timedelta

import pytest
from django.db import connection
from django.db.models import Model

from deliveries import tasks
from deliveries.models import Traffic
from deliveries.purge import purge_figures
from events import spans
from events.models import Arrivals
from events.spans import EVERYBODY, KEPT, Grain, database_now

NOTHING = dict.fromkeys(("attempts", "delivered", "failed", "dead", "duration_ms"), 0)


def keep(grain: Grain, age: timedelta) -> None:
    """A row of each kind, so old."""
    where = {"grain": grain, "at": database_now() - age, "organization_id": EVERYBODY}
    Arrivals.objects.create(**where, accepted=1)
    Traffic.objects.create(**where, **NOTHING, about=EVERYBODY, durations=[], waits=[])


@pytest.mark.parametrize("grain", Grain)
@pytest.mark.parametrize("model", [Traffic, Arrivals])
def test_rows_go_when_no_span_shows_them_any_more(db: None, model: type[Model], grain: Grain) -> None:
    keep(grain, KEPT[grain] + timedelta(seconds=1))
    keep(grain, KEPT[grain] - timedelta(seconds=1))
    assert purge_figures() == 2
    (row,) = model._default_manager.all()
    assert row.at == database_now() - KEPT[grain] + timedelta(seconds=1)


def test_so_many_go_at_once(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spans, "MOST_REMOVED", 2)
    for second in range(3):
        keep(Grain.MINUTE, timedelta(days=1, seconds=second))
    assert [purge_figures() for _ in range(3)] == [4, 2, 0]


def test_the_purge_takes_them_too(db: None) -> None:
    keep(Grain.HOUR, timedelta(days=91))
    tasks.purge()
    assert (Traffic.objects.count(), Arrivals.objects.count()) == (0, 0)


@pytest.mark.parametrize(("model", "index"), [(Traffic, "traffic_by_time"), (Arrivals, "arrivals_by_time")])
def test_where_nothing_is_old_no_row_is_looked_at(db: None, model: type[Model], index: str) -> None:
    for minutes in range(100):
        keep(Grain.MINUTE, timedelta(minutes=minutes))
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(
            f"EXPLAIN (ANALYZE, FORMAT JSON) {spans.old_rows(model._meta.db_table)}", spans.ages_kept()
        )
        plan = json.dumps(cursor.fetchone()[0])
    assert f'"Index Name": "{index}"' in plan
    assert '"Rows Removed by Filter"' not in plan
