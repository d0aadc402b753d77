"""`manage.py erase_organization`"""

import json
import uuid
from collections.abc import Iterator
from io import StringIO
from types import SimpleNamespace
from typing import Any

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.models.functions import Now

from deliveries import erasure
from deliveries.erasure import left_of
from deliveries.management.commands import erase_organization as command
from deliveries.models import Attempt, Delivery, Endpoint
from deliveries.picked import Pick, StaffReplay
from deliveries.traffic import Traffic
from events.arrivals import Arrivals
from events.models import Event, OnceKey
from events.spans import Grain
from organizations.audit import Actor, record
from organizations.models import ApiKey, AuditEntry, Organization
from tests.conftest import tenant
from tests.factories import ahead, make_delivery, make_endpoint, make_event, make_replay

OURS = ("organizations", "events", "deliveries")
NAME, URL = "Acme & Söhne", "http://93.184.215.14/acme"


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "QUIET_SECONDS", 0.0)
    monkeypatch.setattr(erasure, "PART", 2)


def furnish(organization: Organization, url: str = URL) -> None:
    """Something in every table."""
    endpoint = make_endpoint(organization, url=url)
    for status in ("delivered", "dead_letter", "pending"):
        delivery = make_delivery(endpoint, status=status)
        Attempt.objects.create(
            delivery=delivery, number=1, started_at=Now(), duration_ms=1, outcome="delivered"
        )
    make_event(organization)
    make_event(organization)
    keys = {"organization": organization, "kind": "dedup", "expires_at": ahead(hours=1)}
    for key in "abc":
        OnceKey.objects.create(key=key, event_id=uuid.uuid4(), **keys)
    make_replay(organization, endpoint=endpoint)
    counts = dict.fromkeys(("attempts", "delivered", "failed", "dead", "duration_ms"), 1)
    counts |= {"durations": [], "waits": []}
    for about in (organization.pk, endpoint.pk):
        Traffic.objects.create(
            about=about,
            organization_id=organization.pk,
            grain=Grain.HOUR,
            at=Now(),
            **counts,
        )
    Arrivals.objects.create(organization_id=organization.pk, grain=Grain.HOUR, at=Now(), accepted=1)
    staff = Actor(None, "ada")
    replay = StaffReplay.objects.create(asked_by="ada", which=f"dead letters, for {endpoint}", as_of=Now())
    Pick.objects.create(replay=replay, delivery_id=delivery.pk)
    record(staff, "deliveries.replayed", row=replay, after={"which": replay.which})
    record(staff, "endpoint.paused", row=endpoint, after={"url": endpoint.url})
    record(staff, "tier.changed", row=organization, before={"tier": "free"}, after={"tier": "pro"})


@pytest.fixture
def acme(db: None) -> SimpleNamespace:
    made = tenant(NAME)
    furnish(made.organization)
    return made


@pytest.fixture
def rival(db: None) -> SimpleNamespace:
    made = tenant("Rival")
    furnish(made.organization, url="http://93.184.215.14/rival")
    return made


def erase(organization: Organization, *arguments: str) -> tuple[int, str]:
    """Its exit code, and what it prints."""
    out = StringIO()
    try:
        call_command("erase_organization", str(organization.pk), *arguments, stdout=out, stderr=out)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def everything() -> dict[str, list[str]]:
    """All rows of all our tables, as text."""
    found = {}
    with connection.cursor() as cursor:
        for name in OURS:
            for model in apps.get_app_config(name).get_models():
                cursor.execute(f"SELECT t::text FROM {model._meta.db_table} AS t")
                found[model._meta.db_table] = sorted(row[0] for row in cursor.fetchall())
    return found


WOULD_GO = {
    "events": 5,
    "deliveries": 3,
    "attempts": 3,
    "once keys": 3,
    "figures": 2,
    "arrivals": 1,
    "replays": 1,
    "secrets": 1,
    "endpoints": 1,
    "keys": 1,
    "audit entries": 2,
}


def test_without_yes_it_says_what_would_go_and_changes_nothing(acme: SimpleNamespace) -> None:
    before = everything()
    code, printed = erase(acme.organization)
    assert code == 0
    assert printed.splitlines()[:2] == [f"{NAME}, {acme.organization.pk}:", "           5  events"]
    assert printed.endswith(f"Nothing was changed. To erase it for good: --yes {NAME!r}\n")
    assert json.loads(erase(acme.organization, "--json")[1])["would_go"] == WOULD_GO
    assert erase(acme.organization, "--yes", NAME, "--dry-run")[0] == 0
    assert everything() == before


@pytest.mark.parametrize("name", ["acme & söhne", "", "Acme & Söhne "])
def test_another_name_is_refused(acme: SimpleNamespace, name: str) -> None:
    before = everything()
    with pytest.raises(CommandError, match="Its name is 'Acme & Söhne', not"):
        erase(acme.organization, "--yes", name)
    assert everything() == before


def test_all_of_it_goes_and_nothing_of_anybody_else(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    before = everything()
    code, printed = erase(acme.organization, "--yes", NAME, "--json")

    report = json.loads(printed)
    assert (code, report["left"]) == (0, {})
    removed = {name: number for name, number in WOULD_GO.items() if name != "audit entries"}
    assert report["removed"] == {**removed, "picks": 1}
    after = everything()
    theirs = {
        table: [row for row in rows if row in before[table]]
        for table, rows in after.items()
        if table != "django_migrations"
    }
    new = {table: len(rows) - len(theirs[table]) for table, rows in after.items()}
    assert {table: number for table, number in new.items() if number} == {
        "organizations_auditentry": 5,  # three without words, and two that say that it was erased
        "deliveries_staffreplay": 1,
    }
    assert Event.objects.count() == 5
    assert ApiKey.objects.get().organization == rival.organization


def test_no_name_url_or_value_is_left_anywhere(acme: SimpleNamespace) -> None:
    erase(acme.organization, "--yes", NAME)
    rows = "\n".join(row for table in everything().values() for row in table)
    assert "Acme" not in rows
    assert "93.184.215.14" not in rows
    entries = AuditEntry.objects.order_by("pk").values_list("actor_name", "action", "object_words")
    assert list(entries) == [
        ("ada", "deliveries.replayed", "(erased)"),
        ("ada", "endpoint.paused", "(erased)"),
        ("ada", "tier.changed", "(erased)"),
        ("command line", "organization.closed", "(erased)"),
        ("command line", "organization.erased", "(erased)"),
    ]
    last = AuditEntry.objects.order_by("pk").last()
    assert last is not None
    assert (last.object_id, last.after["events"]) == (str(acme.organization.pk), 5)


def test_keys_end_and_endpoints_are_disabled_before_anything_goes(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: Any, **__: Any) -> Iterator[Any]:
        assert not ApiKey.objects.valid().exists()
        assert list(Endpoint.objects.values_list("state", flat=True)) == ["disabled"]
        assert not Endpoint.objects.all().to_announce().exists()
        assert Event.objects.count() == 5
        raise KeyboardInterrupt

    monkeypatch.setattr(command, "erase_parts", interrupt)
    code, printed = erase(acme.organization, "--yes", NAME)
    assert code == 130
    assert "no rows are gone; its keys are revoked. Run it again: it goes on from there." in printed


def test_interrupted_in_the_middle_it_goes_on(acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> None:
    as_it_is = erasure._remove_events
    calls = iter([None, KeyboardInterrupt])

    def until_ctrl_c(organization: Organization) -> list[tuple[str, int]]:
        if (end := next(calls)) is not None:
            raise end
        return as_it_is(organization)

    with monkeypatch.context() as patched:
        patched.setattr(erasure, "_remove_events", until_ctrl_c)
        code, printed = erase(acme.organization, "--yes", NAME)
    assert code == 130
    assert "2 events, " in printed
    assert Event.objects.count() == 3

    assert erase(acme.organization, "--yes", NAME)[0] == 0
    assert left_of(acme.organization.pk) == {}
    assert AuditEntry.objects.filter(action="organization.closed").count() == 1


def test_a_delivery_whose_event_is_gone_goes_as_well(acme: SimpleNamespace) -> None:
    Event.objects.all()._raw_delete("default")
    assert erase(acme.organization, "--yes", NAME)[0] == 0
    assert (Delivery.objects.count(), Attempt.objects.count()) == (0, 0)


def test_what_comes_late_is_named_and_goes_when_it_is_run_again(acme: SimpleNamespace) -> None:
    erase(acme.organization, "--yes", NAME)
    Event.objects.create(organization_id=acme.organization.pk, type="late", payload={})
    assert left_of(acme.organization.pk) == {"events_event": 1}

    code, printed = erase(acme.organization, "--yes", str(acme.organization.pk))

    assert (code, printed.splitlines()[-1]) == (
        0,
        f"The organization {acme.organization.pk} is erased. Nothing of it is left.",
    )
    assert not Event.objects.exists()
    with pytest.raises(CommandError, match=r"There is no organization .*, and nothing names it"):
        erase(acme.organization)


def test_every_column_that_names_a_tenant_is_asked() -> None:
    """A foreign key under another name would be forgotten."""
    pointing = {
        (model._meta.db_table, field.column)
        for name in OURS
        for model in apps.get_app_config(name).get_models()
        for field in model._meta.concrete_fields
        if field.related_model is Organization or "organization" in field.name
    }
    assert {column for _, column in pointing} == {"organization_id"}


def test_a_replay_that_has_the_name_in_another_word_is_left_alone(rival: SimpleNamespace) -> None:
    """A tenant chooses its name: `e` is a part of nearly everything."""
    Organization.objects.filter(pk=rival.organization.pk).update(name="e")
    others = "dead letters; tenant: Another; endpoint: https://b.example/e"
    for which in ("dead letters; tenant: e; last status code: 503", others):
        StaffReplay.objects.create(asked_by="bob", which=which, as_of=Now())

    assert erase(rival.organization, "--yes", "e")[0] == 0

    told = StaffReplay.objects.filter(asked_by="bob").values_list("which", flat=True)
    assert sorted(told) == ["(erased)", others]
