from datetime import UTC, datetime

import pytest

from deliveries.health import HealthNotes
from deliveries.models import Endpoint
from deliveries.outcome import REJECTED, Outcome
from organizations.models import Organization
from tests.deliveries.engine_room import BAD, GOOD, on_a_connection
from tests.factories import make_endpoint

GONE = Outcome(REJECTED, 410)
EARLY, LATE = datetime(2026, 1, 31, 12, tzinfo=UTC), datetime(2026, 1, 31, 13, tzinfo=UTC)


def write(endpoint: Endpoint, *outcomes: Outcome, at: datetime = EARLY) -> Endpoint:
    notes = HealthNotes()
    for outcome in outcomes:
        notes.note(str(endpoint.pk), outcome, at)
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


def test_only_gone_is_urgent() -> None:
    notes = HealthNotes()
    assert (bool(notes), notes.urgent) == (False, False)
    notes.note("a", BAD, EARLY)
    assert (bool(notes), notes.urgent) == (True, False)
    notes.note("b", GONE, EARLY)
    assert notes.urgent is True


def test_what_was_written_is_forgotten(endpoint: Endpoint) -> None:
    notes = HealthNotes()
    notes.note(str(endpoint.pk), BAD, EARLY)
    on_a_connection(notes.write)
    assert not notes
