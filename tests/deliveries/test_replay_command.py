"""`manage.py replay`"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from io import StringIO
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from deliveries import staff_replay
from deliveries.bulk_replay import go_on
from deliveries.management.commands import replay as command
from deliveries.models import Delivery, Endpoint
from deliveries.picked import StaffReplay
from deliveries.staff_replay import cancel_staff_replay
from organizations.models import AuditEntry, Organization
from organizations.teaching import COMMAND_LINE
from tests.concurrency import in_another_thread
from tests.factories import ago, due, make_delivery, make_endpoint, make_event, make_organization


def replay(*arguments: str) -> tuple[int, str]:
    """Its exit code, and what it prints."""
    out = StringIO()
    try:
        call_command("replay", *arguments, stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def dead(endpoint: Endpoint, *, event_type: str = "order.created", **fields: object) -> Delivery:
    fields = {"settled_at": ago(seconds=1), **fields}
    event = make_event(endpoint.organization, event_type=event_type)
    return make_delivery(endpoint, event=event, status="dead_letter", **fields)


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization, url="http://93.184.215.14/hooks?token=secret")


def test_without_yes_it_says_how_many_and_where_and_changes_nothing(endpoint: Endpoint) -> None:
    for _ in range(3):
        dead(endpoint)
    make_delivery(endpoint, status="delivered", settled_at=ago(seconds=1))

    code, printed = replay("--all")

    assert (code, printed.splitlines()) == (
        0,
        [
            "           3  http://93.184.215.14/hooks  Acme, enabled",
            "3 deliveries would be sent again: dead letters.",
            "Nothing was changed; say --yes to send them.",
        ],
    )
    assert Delivery.objects.dead().count() == 3
    assert not StaffReplay.objects.exists()


def test_yes_sends_them_and_records_who_did(endpoint: Endpoint) -> None:
    for _ in range(3):
        dead(endpoint)

    code, printed = replay("--all", "--yes")

    assert (code, printed) == (0, "3 deliveries of 3 are on their way.\n")
    assert due().count() == 3
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.action, entry.after) == (
        "command line",
        "deliveries.replayed",
        {"deliveries": 3, "which": "dead letters"},
    )


def test_each_filter_leaves_out_the_rest(endpoint: Endpoint, rival: SimpleNamespace) -> None:
    old = dead(endpoint, created_at=ago(days=2))
    paid = dead(endpoint, event_type="invoice.paid")
    theirs = dead(make_endpoint(rival.organization), created_at=ago(days=2))

    def matched(*arguments: str) -> int:
        return int(json.loads(replay("--json", *arguments)[1])["matched"])

    yesterday = ago(days=1).isoformat()
    assert matched("--all") == 3
    assert matched("--organization", str(rival.organization.pk)) == 1
    assert matched("--endpoint", str(endpoint.pk)) == 2
    assert matched("--type", "invoice.*") == 1
    assert matched("--type", "order.created") == 2
    assert matched("--since", yesterday) == 1
    assert matched("--until", yesterday) == 2
    assert matched("--until", yesterday, "--endpoint", str(endpoint.pk)) == 1

    replay("--until", yesterday, "--endpoint", str(endpoint.pk), "--yes")
    assert list(due()) == [old]
    assert set(Delivery.objects.dead()) == {paid, theirs}


def test_what_goes_to_a_deleted_endpoint_stays(acme: SimpleNamespace) -> None:
    dead(make_endpoint(acme.organization, deleted_at=timezone.now()))
    assert replay("--all", "--yes") == (0, "There are no dead letters; nothing was changed.\n")


def test_dry_run_wins_over_yes(endpoint: Endpoint) -> None:
    dead(endpoint)
    replay("--all", "--yes", "--dry-run")
    assert Delivery.objects.dead().count() == 1


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "Say which"),
        (["--yes"], "Say which"),
        (["--organization", "00000000-0000-0000-0000-000000000001"], "There is no organization 0000"),
        (["--endpoint", "00000000-0000-0000-0000-000000000001"], "There is no endpoint 0000"),
        (["--since", "yesterday"], "--since: invalid moment value"),
    ],
)
def test_what_it_refuses(endpoint: Endpoint, arguments: list[str], words: str) -> None:
    dead(endpoint)
    with pytest.raises(CommandError, match=words):
        replay(*arguments)
    assert Delivery.objects.dead().count() == 1


# --- Many: the rest is done in the background ---------------------------------------------------------------------


@pytest.fixture
def many(committed: None, monkeypatch: pytest.MonkeyPatch) -> Organization:
    """Five dead letters, of which two are replayed at a time."""
    monkeypatch.setattr(staff_replay, "PART", 2)
    monkeypatch.setattr(command, "LOOK_SECONDS", 0.02)
    organization = make_organization()
    endpoint = make_endpoint(organization)
    for _ in range(5):
        dead(endpoint)
    return organization


@contextmanager
def housekeeping() -> Iterator[None]:
    """Goes on with what is being replayed, until the block ends."""
    over = threading.Event()

    def keep_house() -> None:
        while not over.wait(0.02):
            go_on(seconds=1)

    with in_another_thread(keep_house):
        try:
            yield
        finally:
            over.set()


def test_it_waits_until_the_background_has_done_it(many: Organization) -> None:
    with housekeeping():
        code, printed = replay("--organization", str(many.pk), "--yes")
    assert (code, printed.splitlines()[-1]) == (0, "5 deliveries of 5 are on their way.")
    assert due().count() == 5


def test_without_waiting_the_rest_follows(many: Organization) -> None:
    code, printed = replay("--all", "--yes", "--no-wait")
    assert (code, printed) == (0, "2 deliveries of 5 are on their way; the rest follows in the background.\n")
    go_on(seconds=5)
    assert due().count() == 5


def test_ctrl_c_says_how_far_it_came_and_the_replay_goes_on(
    many: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_seconds: float) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(command.time, "sleep", interrupt)
    code, printed = replay("--all", "--yes")
    running = StaffReplay.objects.get()
    assert code == 130
    assert f"2 of 5 were looked at. The replay {running.pk} goes on in the background" in printed
    assert running.state == "running"


def test_one_that_somebody_cancels_ends_with_3(many: Organization, monkeypatch: pytest.MonkeyPatch) -> None:
    def cancel(_seconds: float) -> None:
        cancel_staff_replay(StaffReplay.objects.get().pk, actor=COMMAND_LINE)

    monkeypatch.setattr(command.time, "sleep", cancel)
    code, printed = replay("--all", "--yes")
    assert code == 3
    assert printed.splitlines()[-1] == "2 deliveries of 5 are on their way; then it was canceled."
    assert Delivery.objects.dead().count() == 3
