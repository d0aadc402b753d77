"""Retention by tier, and `manage.py retention`."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.db import connection
from django_celery_beat.models import PeriodicTask

from deliveries import purge, purge_tiers
from deliveries.management.commands import retention as command
from deliveries.models import Delivery
from deliveries.purge import purge_expired
from deliveries.retention import kept_shorter, longest_kept
from deliveries.tasks import purge as purge_task
from events.models import Event
from organizations.models import AuditEntry, Organization
from organizations.tiers import Tier
from organizations.uuid7 import SLACK_OF_CLOCKS, first_id_at
from tests.deliveries.test_purge import looked_at
from tests.factories import ago, make_delivery, make_endpoint, make_event, make_organization


@pytest.fixture(autouse=True)
def from_the_beginning() -> Iterator[None]:
    purge_tiers._places.clear()
    yield
    purge_tiers._places.clear()


@pytest.fixture
def tiers(db: None, settings: pytest.FixtureDef) -> dict[str, Organization]:
    """A tenant of each; what is free is kept for 7 days, the rest for 30, 90 and 90."""
    settings.RETENTION_DAYS_BY_TIER = {"free": 7, "pro": 30, "business": 90, "enterprise": 90}
    return {tier: make_organization(name=tier, tier=Tier(tier)) for tier in settings.RETENTION_DAYS_BY_TIER}


def retention(*arguments: str) -> tuple[int, str]:
    """Its exit code, and what it prints."""
    out = StringIO()
    try:
        call_command("retention", *arguments, stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def ages() -> dict[str, list[int]]:
    """In days, of what is there."""
    found: dict[str, list[int]] = {tier: [] for tier in Tier.values}
    for event in Event.objects.select_related("organization").order_by("-created_at"):
        found[event.organization.tier].append((ago() - event.created_at).days)
    return found


def make_old(tiers: dict[str, Organization], *days: int) -> None:
    for organization in tiers.values():
        for age in days:
            make_event(organization, created_at=ago(days=age, hours=1))


def many_old_events(organization: Organization, count: int = 2_000) -> None:
    first = first_id_at(ago(days=40), timedelta(0))
    Event.objects.bulk_create(
        Event(
            id=uuid.UUID(int=first.int + number),
            organization=organization,
            type="order.created",
            payload={},
            created_at=ago(days=40),
        )
        for number in range(count)
    )


# --- Removing -----------------------------------------------------------------------------------------------------


def test_each_tier_keeps_its_events_for_its_own_time(tiers: dict[str, Organization]) -> None:
    make_old(tiers, 1, 8, 31, 91)
    assert (longest_kept(), kept_shorter()) == (90, {"free": 7, "pro": 30})
    assert purge_task() == 7
    assert ages() == {"free": [1], "pro": [1, 8], "business": [1, 8, 31], "enterprise": [1, 8, 31]}


def test_without_tiers_of_their_own_all_keep_theirs_alike(
    tiers: dict[str, Organization], settings: pytest.FixtureDef
) -> None:
    settings.RETENTION_DAYS_BY_TIER = dict.fromkeys(Tier.values, 30)
    make_old(tiers, 29, 31)
    assert kept_shorter() == {}
    assert purge_task() == 4
    assert ages() == {tier: [29] for tier in tiers}


@pytest.mark.parametrize("status", ["pending", "failed"])
def test_what_is_still_to_be_sent_stays(tiers: dict[str, Organization], status: str) -> None:
    event = make_event(tiers["free"], created_at=ago(days=8))
    make_delivery(make_endpoint(tiers["free"]), event=event, status=status)
    assert purge_expired(days=90, seconds=60, shorter={"free": 7}) == 0
    assert (Event.objects.count(), Delivery.objects.count()) == (1, 1)


def test_many_tenants_are_walked_a_part_at_a_time_and_the_next_tick_goes_on(
    tiers: dict[str, Organization], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(purge_tiers, "TENANTS", 2)
    monkeypatch.setattr(purge_tiers, "EMPTY_LOOKS", 2)
    monkeypatch.setattr(purge, "BATCH", 2)
    for _ in range(9):
        last = make_organization(tier=Tier.FREE)
    for _ in range(3):
        make_event(last, created_at=ago(days=8))

    removed = [purge_expired(days=90, seconds=60, shorter={"free": 7}) for _ in range(4)]

    assert removed == [0, 0, 3, 0]  # ten tenants, of whom a tick that finds nothing looks at four


def test_when_its_time_is_over_it_removes_nothing_more(tiers: dict[str, Organization]) -> None:
    make_old(tiers, 8)
    assert purge_expired(days=90, seconds=0.0, shorter={"free": 7}) == 0
    assert Event.objects.count() == 4


def test_a_look_at_tenants_goes_by_index_and_leaves_alone_what_is_young(
    tiers: dict[str, Organization],
) -> None:
    for _ in range(50):
        make_event(tiers["free"])
    many_old_events(tiers["enterprise"])  # which are not to be looked at on the way
    # Of two tenants each has half, as PostgreSQL sees it: then one index is as good as the other.
    for _ in range(30):
        make_event(make_organization())
    bound = first_id_at(ago(days=7), SLACK_OF_CLOCKS)
    asked = {"tenants": [tiers["free"].pk], "bound": bound, "kept": "7 days", "most": 10}
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE events_event")
        cursor.execute("SET LOCAL enable_seqscan = off")
        cursor.execute(f"EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) {purge_tiers._EXPIRED}", asked)
        (plan,) = cursor.fetchone()[0]
    assert looked_at(plan["Plan"]) == 0, json.dumps(plan)


# --- The command --------------------------------------------------------------------------------------------------


def test_it_says_what_would_go_by_tier_and_in_all_and_changes_nothing(
    tiers: dict[str, Organization],
) -> None:
    make_old(tiers, 1, 8, 31, 91)
    make_delivery(make_endpoint(tiers["pro"]), event=make_event(tiers["pro"], created_at=ago(days=40)))
    code, printed = retention("--dry-run")
    assert (code, printed.splitlines()) == (
        0,
        [
            "free             7 days             3 events",
            "pro             30 days             2 events; 1 as old wait to be sent, and stay",
            "business        90 days             1 events",
            "enterprise      90 days             1 events",
            "7 events would go, with their deliveries and attempts.",
            "The schedule takes some 1 s for it. Nothing was changed.",
        ],
    )
    assert retention("--yes", "--dry-run")[1] == printed
    assert Event.objects.count() == 17


def test_what_it_says_is_what_the_schedule_removes(tiers: dict[str, Organization]) -> None:
    make_old(tiers, 6, 7, 29, 30, 89, 90)
    said = json.loads(retention("--json")[1])["events"]
    assert purge_task() == said == 5 + 3 + 1 + 1


def test_the_time_it_takes_is_by_the_pace_of_the_schedule() -> None:
    assert (
        command.in_time(5 * 5_900_000 / 5_900) == "The schedule takes some 1 h for it. Nothing was changed."
    )


def test_without_its_schedule_it_says_so_and_ends_with_1(tiers: dict[str, Organization]) -> None:
    make_old(tiers, 91)
    PeriodicTask.objects.filter(task="deliveries.purge").update(enabled=False)
    code, printed = retention()
    assert code == 1
    assert printed.endswith("the schedule of deliveries.purge is missing or disabled.\n")


def test_yes_removes_it_now_and_records_how_much(tiers: dict[str, Organization]) -> None:
    make_old(tiers, 1, 91)
    assert retention("--yes") == (0, "4 events removed.\n")
    assert ages() == {tier: [1] for tier in tiers}
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.action, entry.after) == (
        "command line",
        "retention.purged",
        {"events": 4},
    )


def test_ctrl_c_says_how_far_it_came(tiers: dict[str, Organization], monkeypatch: pytest.MonkeyPatch) -> None:
    calls = iter([3, KeyboardInterrupt])

    def until_ctrl_c(**_: object) -> int:
        if isinstance(one := next(calls), int):
            return one
        raise one

    monkeypatch.setattr(command, "purge_expired", until_ctrl_c)
    code, printed = retention("--yes")
    assert code == 130
    assert "3 events were removed; the schedule, or this command, goes on from there." in printed
