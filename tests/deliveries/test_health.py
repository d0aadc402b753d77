from datetime import UTC, datetime

import pytest
from django.utils import timezone

from deliveries.endpoints import change_endpoint
from deliveries.health import FAILURES_TO_OPEN, HealthNotes
from deliveries.models import Endpoint
from deliveries.outcome import REJECTED, Outcome
from organizations.models import Organization
from tests.deliveries.engine_room import BAD, GOOD, claimed, on_a_connection
from tests.factories import make_endpoint

GONE = Outcome(REJECTED, 410)
EARLY, LATE = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 1, 31, 13, tzinfo=UTC)


def write(endpoint: Endpoint, *outcomes: Outcome, at: datetime = EARLY, **fields: object) -> Endpoint:
    """What an engine writes after these answers of deliveries with such fields."""
    notes = HealthNotes()
    for outcome in outcomes:
        notes.note(claimed(endpoint, **fields), outcome, at)
    on_a_connection(notes.write)
    endpoint.refresh_from_db()
    return endpoint


@pytest.fixture
def endpoint(committed_organization: Organization) -> Endpoint:
    return make_endpoint(committed_organization)


def test_failures_are_counted_until_a_success(endpoint: Endpoint) -> None:
    assert write(endpoint, BAD, BAD).consecutive_failures == 2
    assert write(endpoint, BAD).consecutive_failures == 3
    assert write(endpoint, BAD, GOOD, BAD, BAD).consecutive_failures == 2
    assert write(endpoint, BAD, GOOD).consecutive_failures == 0


def test_the_last_success_and_the_last_failure_are_kept(endpoint: Endpoint) -> None:
    write(endpoint, GOOD, at=LATE)
    write(endpoint, BAD, at=EARLY)
    assert (endpoint.last_success_at, endpoint.last_failure_at) == (LATE, EARLY)


def test_a_note_that_comes_late_does_not_turn_the_clock_back(endpoint: Endpoint) -> None:
    write(endpoint, GOOD, at=LATE)
    assert write(endpoint, GOOD, at=EARLY).last_success_at == LATE


def test_gone_disables_with_the_reason(endpoint: Endpoint) -> None:
    write(endpoint, GONE, BAD)
    assert (endpoint.state, endpoint.disabled_reason) == ("disabled", "The receiver answered 410 Gone.")


@pytest.mark.parametrize("state", ["enabled", "paused", "disabled"])
def test_nothing_else_changes_the_state(endpoint: Endpoint, state: str) -> None:
    Endpoint.objects.update(state=state, disabled_reason="As it was.")
    write(endpoint, BAD, GOOD)
    assert (endpoint.state, endpoint.disabled_reason) == (state, "As it was.")


def test_another_endpoint_is_left_alone(endpoint: Endpoint) -> None:
    other = make_endpoint(endpoint.organization)
    write(endpoint, GONE)
    other.refresh_from_db()
    assert (other.state, other.consecutive_failures, other.last_failure_at) == ("enabled", 0, None)


def test_what_must_stop_sending_is_urgent(endpoint: Endpoint) -> None:
    notes = HealthNotes()
    assert (bool(notes), notes.urgent) == (False, False)
    notes.note(claimed(endpoint), BAD, EARLY)
    assert (bool(notes), notes.urgent) == (True, False)
    notes.note(claimed(endpoint), GONE, EARLY)
    assert notes.urgent is True


def test_a_run_of_failures_is_urgent(endpoint: Endpoint) -> None:
    notes = HealthNotes()
    for _ in range(FAILURES_TO_OPEN):
        assert notes.urgent is False
        notes.note(claimed(endpoint), BAD, EARLY)
    assert notes.urgent is True


def test_the_answer_to_a_probe_is_urgent(endpoint: Endpoint) -> None:
    notes = HealthNotes()
    notes.note(claimed(endpoint, probed=True), GOOD, EARLY)
    assert notes.urgent is True


def test_what_was_written_is_forgotten(endpoint: Endpoint) -> None:
    notes = HealthNotes()
    notes.note(claimed(endpoint), BAD, EARLY)
    on_a_connection(notes.write)
    assert not notes


def test_a_410_of_a_url_that_is_no_longer_set_disables_nothing(endpoint: Endpoint) -> None:
    before = claimed(endpoint)
    change_endpoint(endpoint, {"url": "http://93.184.215.14/new"})
    notes = HealthNotes()
    notes.note(before, GONE, EARLY)
    on_a_connection(notes.write)
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.disabled_reason) == ("enabled", "")


def test_it_knows_since_when_it_fails(endpoint: Endpoint) -> None:
    assert write(endpoint, BAD, at=EARLY).failing_since == EARLY
    assert write(endpoint, BAD, at=LATE).failing_since == EARLY
    assert write(endpoint, GOOD, at=LATE).failing_since is None
    assert write(endpoint, BAD, at=LATE).failing_since == LATE


def test_gone_is_told_once(endpoint: Endpoint) -> None:
    first = write(endpoint, GONE).disabled_at
    assert first is not None
    assert write(endpoint, GONE).disabled_at == first
    assert Endpoint.objects.to_announce().count() == 1


# --- The circuit --------------------------------------------------------------------------------------------------


def test_it_opens_after_ten_failures_in_a_row_whoever_saw_them(endpoint: Endpoint) -> None:
    write(endpoint, *[BAD] * 4)
    assert write(endpoint, *[BAD] * 5).circuit == "closed"
    began = timezone.now()
    opened = write(endpoint, BAD)
    assert (opened.circuit, opened.probe_wait) == ("open", 5)
    assert 5 <= (opened.probe_at - began).total_seconds() < 60


def test_a_success_among_them_keeps_it_closed(endpoint: Endpoint) -> None:
    assert write(endpoint, *[BAD] * 9, GOOD, *[BAD] * 9).circuit == "closed"


def test_a_probe_that_fails_opens_it_for_longer_and_longer(endpoint: Endpoint) -> None:
    write(endpoint, *[BAD] * 10)
    waits = []
    for _ in range(5):
        Endpoint.objects.update(circuit="half_open")
        opened = write(endpoint, BAD, probed=True)
        waits.append((opened.circuit, opened.probe_wait))
    assert waits == [("open", 10), ("open", 20), ("open", 40), ("open", 60), ("open", 60)]


def test_late_failures_of_before_it_opened_do_not_put_off_the_probe(endpoint: Endpoint) -> None:
    opened = write(endpoint, *[BAD] * 10)
    probe_at = opened.probe_at
    write(endpoint, BAD, BAD)
    assert (endpoint.circuit, endpoint.probe_at, endpoint.probe_wait) == ("open", probe_at, 5)


@pytest.mark.parametrize("probed", [True, False])
def test_any_success_closes_it(endpoint: Endpoint, probed: bool) -> None:
    write(endpoint, *[BAD] * 10)
    write(endpoint, GOOD, probed=probed)
    assert (endpoint.circuit, endpoint.probe_at, endpoint.probe_wait) == ("closed", None, 0)


def test_another_url_closes_it(endpoint: Endpoint) -> None:
    write(endpoint, *[BAD] * 10)
    change_endpoint(endpoint, {"url": "http://93.184.215.14/new"})
    assert (endpoint.circuit, endpoint.probe_at) == ("closed", None)


def test_another_description_does_not(endpoint: Endpoint) -> None:
    write(endpoint, *[BAD] * 10)
    change_endpoint(endpoint, {"description": "new"})
    assert endpoint.circuit == "open"


def test_resuming_closes_it(endpoint: Endpoint) -> None:
    write(endpoint, *[BAD] * 10)
    Endpoint.objects.filter(pk=endpoint.pk).pause()
    Endpoint.objects.filter(pk=endpoint.pk).resume()
    endpoint.refresh_from_db()
    assert (endpoint.state, endpoint.circuit, endpoint.probe_at) == ("enabled", "closed", None)
