import time
import uuid
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest
from django.db import connection
from psycopg import sql

from deliveries import traffic_notes
from deliveries.backoff import Verdict
from deliveries.models import Endpoint, Traffic
from deliveries.outcome import Outcome
from deliveries.settle import Answer
from deliveries.settler import Settler
from deliveries.traffic import BOUNDS_MS
from deliveries.traffic_notes import TrafficNotes
from events.spans import EVERYBODY, Grain
from organizations.models import Organization
from tests.concurrency import in_another_thread, open_transaction, until_somebody_waits_for_a_lock
from tests.deliveries.engine_room import BAD, GOOD, Connection, claimed, on_a_connection, run_engine
from tests.deliveries.receiver import answers, receiving
from tests.factories import make_delivery, make_endpoint

NOON = datetime(2026, 1, 31, 12, tzinfo=UTC)
COUNTS = ("attempts", "delivered", "failed", "dead", "duration_ms")
MINUTE, QUARTER, HOUR = Grain


@pytest.fixture
def endpoint(committed_organization: Organization) -> Endpoint:
    return make_endpoint(committed_organization)


def an_answer(
    endpoint: Endpoint, outcome: Outcome = GOOD, *, at: datetime = NOON, took: int = 17, **fields: Any
) -> Answer:
    fields = {"event_created_at": at, **fields}
    return Answer(claimed(endpoint, **fields), outcome, Verdict("failed"), at, took)


def noted(*told: tuple[Answer, str | None]) -> TrafficNotes:
    notes = TrafficNotes()
    for answer, status in told:
        notes.note(answer, status)
    return notes


def write(*told: tuple[Answer, str | None]) -> None:
    """As an engine would at its end."""
    write_all(noted(*told))


def write_all(notes: TrafficNotes) -> None:
    async def parts(connection: Connection) -> None:
        while notes:
            await notes.write_part(connection)

    on_a_connection(parts)


def counts(about: uuid.UUID, grain: Grain = MINUTE) -> list[tuple[Any, ...]]:
    rows = Traffic.objects.filter(about=about, grain=grain).order_by("at")
    return list(rows.values_list("at", *COUNTS))


def histogram(**numbers: int) -> list[int]:
    """`up_to_25=2`: two that took 25 ms at most."""
    bounds = {f"up_to_{bound}": index for index, bound in enumerate(BOUNDS_MS)} | {"more": len(BOUNDS_MS)}
    found = [0] * (len(BOUNDS_MS) + 1)
    for name, number in numbers.items():
        found[bounds[name]] = number
    return found


def test_attempts_are_added_up(endpoint: Endpoint) -> None:
    write(
        (an_answer(endpoint, GOOD, took=10), "delivered"),
        (an_answer(endpoint, BAD, took=20), "failed"),
        (an_answer(endpoint, BAD, took=40), "dead_letter"),
    )
    assert counts(endpoint.pk) == [(NOON, 3, 1, 2, 1, 70)]


def test_of_the_endpoint_of_its_tenant_and_of_everybody(endpoint: Endpoint) -> None:
    sibling = make_endpoint(endpoint.organization)
    write((an_answer(endpoint), "delivered"), (an_answer(sibling), "delivered"))
    assert dict(Traffic.objects.filter(grain=MINUTE).values_list("about", "attempts")) == {
        endpoint.pk: 1,
        sibling.pk: 1,
        endpoint.organization_id: 2,
        EVERYBODY: 2,
    }
    assert set(Traffic.objects.values_list("about", "organization_id")) == {
        (endpoint.pk, endpoint.organization_id),
        (sibling.pk, endpoint.organization_id),
        (endpoint.organization_id, endpoint.organization_id),
        (EVERYBODY, EVERYBODY),
    }


def test_each_grain_has_its_bucket_by_the_end_of_the_attempt(endpoint: Endpoint) -> None:
    write((an_answer(endpoint, at=NOON.replace(minute=44, second=59), took=1_000), "delivered"))
    assert dict(Traffic.objects.filter(about=endpoint.pk).values_list("grain", "at")) == {
        MINUTE: NOON.replace(minute=45),
        QUARTER: NOON.replace(minute=45),
        HOUR: NOON,
    }


def test_what_is_written_later_is_added(endpoint: Endpoint) -> None:
    first, second = NOON, NOON.replace(minute=1)
    write((an_answer(endpoint, at=first), "delivered"), (an_answer(endpoint, at=second), "delivered"))
    write((an_answer(endpoint, BAD, at=second), "dead_letter"))
    assert counts(endpoint.pk) == [(first, 1, 1, 0, 0, 17), (second, 2, 1, 1, 1, 34)]
    assert counts(EVERYBODY, HOUR) == [(NOON, 3, 2, 1, 1, 51)]


def test_histograms_of_what_attempts_took(endpoint: Endpoint) -> None:
    write((an_answer(endpoint, took=0), "delivered"), (an_answer(endpoint, BAD, took=25), "failed"))
    write((an_answer(endpoint, took=26), "delivered"), (an_answer(endpoint, took=3_600_001), "delivered"))
    row = Traffic.objects.get(about=endpoint.pk, grain=MINUTE, at=NOON)
    assert row.durations == histogram(up_to_2=1, up_to_25=1, up_to_40=1)
    late = Traffic.objects.get(about=endpoint.pk, grain=MINUTE, at=NOON.replace(hour=13))
    assert late.durations == histogram(more=1)


def test_histograms_of_the_time_since_acceptance(endpoint: Endpoint) -> None:
    """Of first attempts that delivered, as the metric has it."""
    accepted = NOON.replace(minute=0, second=0)
    at = NOON.replace(second=1)
    write(
        (an_answer(endpoint, at=at, took=200, event_created_at=accepted), "delivered"),
        (an_answer(endpoint, at=at, took=200, event_created_at=accepted, claim=2), "delivered"),
        (an_answer(endpoint, BAD, at=at, took=200, event_created_at=accepted), "failed"),
    )
    assert Traffic.objects.get(about=EVERYBODY, grain=MINUTE).waits == histogram(up_to_1500=1)


def test_what_moved_nothing_is_not_counted(endpoint: Endpoint) -> None:
    assert not noted((an_answer(endpoint), None))


def test_it_is_due_at_once_and_then_every_few_seconds(endpoint: Endpoint) -> None:
    notes = noted((an_answer(endpoint), "delivered"))
    began = time.monotonic()
    assert notes.due(began) is True
    write_all(notes)
    notes.note(an_answer(endpoint), "delivered")
    assert notes.due(began + traffic_notes.WRITE_EVERY - 0.1) is False
    assert notes.due(time.monotonic() + 3600) is True


def test_many_endpoints_are_written_in_parts(endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(traffic_notes, "MOST_IN_A_PART", 2)
    others = [make_endpoint(endpoint.organization) for _ in range(4)]
    notes = noted(*((an_answer(one), "delivered") for one in (endpoint, *others)))
    on_a_connection(notes.write_part)
    assert (Traffic.objects.filter(grain=MINUTE).count(), bool(notes)) == (2, True)
    write_all(notes)
    assert Traffic.objects.filter(grain=MINUTE).count() == 7


def test_what_others_hold_is_written_later(endpoint: Endpoint) -> None:
    write((an_answer(endpoint), "delivered"))
    notes = noted((an_answer(endpoint), "delivered"))
    with open_transaction():
        Traffic.objects.filter(about=EVERYBODY).update(dead=7)
        with pytest.raises(psycopg.errors.LockNotAvailable):
            on_a_connection(notes.write_part)
        connection.rollback()
    assert bool(notes) is True
    write_all(notes)
    assert counts(EVERYBODY) == [(NOON, 2, 2, 0, 0, 34)]


def test_a_lock_is_waited_for_as_long_as_ever_by_the_next_statement(endpoint: Endpoint) -> None:
    notes = noted((an_answer(endpoint), "delivered"))

    async def patience(connection: Connection) -> Any:
        before = await (await connection.execute("SHOW lock_timeout")).fetchone()
        await notes.write_part(connection)
        return before, await (await connection.execute("SHOW lock_timeout")).fetchone()

    before, after = on_a_connection(patience)
    assert before == after


def test_what_the_database_refuses_holds_up_nothing_else(endpoint: Endpoint) -> None:
    notes = noted((an_answer(endpoint), "delivered"))
    (sums,) = notes._news.values()
    sums.attempts = -1
    write_all(notes)
    assert not Traffic.objects.exists()


def test_while_nothing_can_be_written_only_so_much_is_kept(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic_notes, "MOST_NEWS", 1)
    other = make_endpoint(endpoint.organization)
    write(
        (an_answer(endpoint), "delivered"),
        (an_answer(other), "delivered"),
        (an_answer(endpoint), "delivered"),
    )
    assert (counts(endpoint.pk)[0][1], counts(other.pk)) == (2, [])


def test_rows_are_locked_in_one_order_whatever_was_sent_first(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So two that write the same rows never wait in a circle: who waits for the first holds none of the others."""
    monkeypatch.setattr(traffic_notes, "WRITE", traffic_notes.WRITE.replace(traffic_notes.PATIENCE, "20s"))
    second = make_endpoint(endpoint.organization)
    one, other = ((an_answer(each), "delivered") for each in (endpoint, second))
    write(one, other)
    notes = noted(other, one)
    with open_transaction():
        list(Traffic.objects.filter(about=endpoint.pk).select_for_update())
        with in_another_thread(lambda: write_all(notes)):
            until_somebody_waits_for_a_lock()
            assert len(Traffic.objects.filter(about=second.pk).select_for_update(nowait=True)) == 3
            connection.rollback()
    assert counts(EVERYBODY)[0][1] == 4


def test_an_engine_writes_what_its_attempts_came_to(committed_organization: Organization) -> None:
    with receiving(answers(500)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        make_delivery(endpoint)
        run_engine(schedule=[0])
    totals = [sum(row[n] for row in counts(endpoint.pk, HOUR)) for n in range(1, 5)]
    assert totals == [2, 0, 2, 1]


def test_sending_goes_on_when_figures_can_not_be_written(
    committed_organization: Organization,
) -> None:
    renamed = "ALTER TABLE {} RENAME TO {}"
    there, away = sql.Identifier("deliveries_traffic"), sql.Identifier("deliveries_traffic_away")
    with receiving(answers(204)) as receiver:
        delivery = make_delivery(make_endpoint(committed_organization, url=receiver.url))
        with connection.cursor() as cursor:
            cursor.execute(sql.SQL(renamed).format(there, away))
            try:
                assert run_engine() == 1
            finally:
                cursor.execute(sql.SQL(renamed).format(away, there))
    delivery.refresh_from_db()
    assert delivery.status == "delivered"


def test_what_could_not_be_written_when_the_engine_ended_is_written_by_its_next_run(
    endpoint: Endpoint, closed_port: int
) -> None:
    settler = Settler(traffic=noted((an_answer(endpoint), "delivered")))

    async def run(_: Connection) -> None:
        host, connection.settings_dict["PORT"] = connection.settings_dict["PORT"], str(closed_port)
        settler.ending = True
        await settler.run()
        connection.settings_dict["PORT"] = host
        assert bool(settler.traffic) is True
        await settler.run()
        await settler.close()

    on_a_connection(run)
    assert counts(endpoint.pk) == [(NOON, 1, 1, 0, 0, 17)]
