"""`manage.py export_events`"""

import json
import stat
import uuid
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

import pytest
from django.core.management import CommandError, call_command

from deliveries.management.commands import export_events as command
from deliveries.management.commands.export_events import last_of
from events.models import Event
from organizations.models import AuditEntry
from tests.factories import ago, make_delivery, make_endpoint, make_event


def export(organization: object, *arguments: str) -> list[str]:
    """The lines it prints."""
    out = StringIO()
    call_command(
        "export_events", "--organization", str(organization), *arguments, stdout=out, stderr=StringIO()
    )
    return out.getvalue().splitlines()


def ids(lines: list[str]) -> list[str]:
    return [json.loads(line)["id"] for line in lines]


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "PAGE", 2)


@pytest.mark.usefixtures("small_pages")
def test_each_event_is_a_line_as_the_api_has_it_the_oldest_first(
    acme: SimpleNamespace, rival: SimpleNamespace
) -> None:
    endpoint = make_endpoint(acme.organization)
    make_event(acme.organization, payload={"name": "Zoë", "n": 1.5}, dedup_id="a")
    make_delivery(endpoint, status="dead_letter")
    make_delivery(endpoint, status="delivered")
    make_event(acme.organization, payload="text", acknowledged_at=ago(seconds=5).replace(microsecond=0))
    make_event(acme.organization, created_at=ago(days=3).replace(microsecond=100_000))
    make_event(rival.organization)

    lines = export(acme.organization.pk)

    listed = acme.api.get("/api/events").json()["items"]
    assert len(listed) == 5
    assert [json.loads(line) for line in lines] == listed[::-1]


def test_type_and_time_leave_out_the_rest(acme: SimpleNamespace) -> None:
    old = make_event(acme.organization, created_at=ago(days=3))
    paid = make_event(acme.organization, event_type="invoice.paid")
    new = make_event(acme.organization)
    tenant, yesterday = acme.organization.pk, ago(days=1).isoformat()
    assert ids(export(tenant, "--since", yesterday)) == [str(paid.pk), str(new.pk)]
    assert ids(export(tenant, "--until", yesterday)) == [str(old.pk)]
    assert ids(export(tenant, "--type", "invoice.paid")) == [str(paid.pk)]
    assert ids(export(tenant, "--after", str(paid.pk))) == [str(new.pk)]
    assert export(tenant, "--type", "none") == []


@pytest.mark.usefixtures("small_pages")
def test_what_comes_after_it_began_is_left_out(
    acme: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(3):
        make_event(acme.organization)
    as_it_is = command.in_lines

    def while_others_send(page: list[object]) -> str:
        make_event(acme.organization)
        return as_it_is(page)

    monkeypatch.setattr(command, "in_lines", while_others_send)
    assert len(export(acme.organization.pk)) == 3


# --- Files, and going on ------------------------------------------------------------------------------------------


@pytest.fixture
def events(acme: SimpleNamespace) -> list[str]:
    """The ids of five."""
    return [str(make_event(acme.organization).pk) for _ in range(5)]


@pytest.mark.usefixtures("small_pages")
def test_interrupted_it_says_how_to_go_on_and_a_file_is_whole_in_the_end(
    acme: SimpleNamespace, events: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, said = tmp_path / "acme.jsonl", StringIO()
    arguments = ["export_events", "--organization", str(acme.organization.pk), "--output", str(path)]
    as_it_is, calls = command.in_lines, iter([None, None, KeyboardInterrupt])

    def until_ctrl_c(page: list[object]) -> str:
        if (end := next(calls)) is not None:
            raise end
        return as_it_is(page)

    with monkeypatch.context() as patched:
        patched.setattr(command, "in_lines", until_ctrl_c)
        with pytest.raises(SystemExit, match="130"):
            call_command(*arguments, stdout=StringIO(), stderr=said)
    assert (
        f"4 events were written. To go on: --resume with --output, else --after {events[3]}."
        in said.getvalue()
    )
    # As a line is left that was not wholly written.
    with path.open("a") as file:
        file.write('{"id": "0199')

    call_command(*arguments, "--resume", stdout=StringIO(), stderr=StringIO())

    assert ids(path.read_text().splitlines()) == events
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_file_that_is_there_is_left_alone(acme: SimpleNamespace, events: list[str], tmp_path: Path) -> None:
    path = tmp_path / "precious"
    path.write_text("precious")
    with pytest.raises(CommandError, match="is there already"):
        export(acme.organization.pk, "--output", str(path))
    path.write_text("precious\n")
    with pytest.raises(CommandError, match="does not end as an export does"):
        export(acme.organization.pk, "--output", str(path), "--resume")
    assert path.read_text() == "precious\n"


def test_the_last_line_is_found_however_long(tmp_path: Path) -> None:
    path, last = tmp_path / "long", uuid.uuid4()
    path.write_text(f'{{"id":"{uuid.uuid4()}"}}\n{{"id":"{last}","x":"{"y" * 3_000_000}"}}\n{{"id')
    assert last_of(path) == last
    assert path.read_bytes().endswith(b'y"}\n')
    (tmp_path / "empty").write_text('{"id":')
    assert last_of(tmp_path / "empty") is None
    assert last_of(tmp_path / "none") is None


def test_resume_without_a_file_is_refused(acme: SimpleNamespace) -> None:
    with pytest.raises(CommandError, match="--resume goes with --output"):
        export(acme.organization.pk, "--resume")


def test_a_tenant_that_is_not_there_is_named(db: None) -> None:
    nobody = uuid.UUID(int=1)
    with pytest.raises(CommandError, match=f"There is no organization {nobody}"):
        export(nobody)


def test_who_took_how_many_is_recorded(acme: SimpleNamespace, events: list[str]) -> None:
    export(acme.organization.pk)
    entry = AuditEntry.objects.get()
    assert (entry.actor_name, entry.action, entry.organization_id, entry.after) == (
        "command line",
        "events.exported",
        acme.organization.pk,
        {"events": 5},
    )


def test_its_memory_and_its_questions_are_bounded(
    acme: SimpleNamespace, django_assert_num_queries: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "PAGE", 100)
    Event.objects.bulk_create(
        Event(organization=acme.organization, type="order.created", payload={"n": n}) for n in range(250)
    )
    sizes: list[int] = []
    as_it_is = command.in_lines
    monkeypatch.setattr(command, "in_lines", lambda page: sizes.append(len(page)) or as_it_is(page))
    with django_assert_num_queries(7):  # type: ignore[operator]  # the tenant, the newest, four pages, the audit entry
        assert len(set(ids(export(acme.organization.pk)))) == 250
    assert sizes == [100, 100, 50]


def test_what_is_no_export_or_somebody_elses_is_left_as_it_is(
    acme: SimpleNamespace, rival: SimpleNamespace, events: list[str], tmp_path: Path
) -> None:
    minified, theirs = tmp_path / "minified", tmp_path / "theirs"
    minified.write_text('{"a":1}')
    export(acme.organization.pk, "--output", str(theirs))
    whole = theirs.read_text()

    with pytest.raises(CommandError, match="does not end as an export does"):
        export(acme.organization.pk, "--output", str(minified), "--resume")
    with pytest.raises(CommandError, match="has the events of another tenant"):
        export(rival.organization.pk, "--output", str(theirs), "--resume")

    assert minified.read_text() == '{"a":1}'
    assert theirs.read_text() == whole
