"""The audit log: every change in the admin is in it, once, and no secret is."""

import json
from types import SimpleNamespace

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.test import Client
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from organizations.models import AuditEntry
from tests.admin_doors import ACTIONS, DOORS, PASSWORD, make_rows, path_of, state, ticked, undone
from tests.staff import administrator, words

LOG = "/admin/organizations/auditentry/"


@pytest.fixture
def rows(acme: SimpleNamespace, settings: pytest.FixtureDef) -> SimpleNamespace:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    rows = make_rows(acme.organization)
    AuditEntry.objects.all().delete()
    return rows


@pytest.fixture
def root(rows: SimpleNamespace) -> Client:
    person = User.objects.create_superuser("root", password=PASSWORD)
    browser = Client(REMOTE_ADDR="192.0.2.7")
    browser.force_login(person)
    return browser


def only_entry() -> AuditEntry:
    return AuditEntry.objects.get()


WANTED = {  # of each kind one, in full: action, whose object, before, after
    "organizations/organization/<path:object_id>/change/": (
        "tier.changed", "organizations.organization", {"tier": "free"}, {"tier": "pro"},
    ),
    "deliveries/endpoint/<uuid:endpoint_id>/pause/": (
        "endpoint.paused", "deliveries.endpoint", {"state": "enabled"}, {"state": "paused"},
    ),
    "deliveries/endpoint/<uuid:endpoint_id>/resume/": (
        "endpoint.resumed", "deliveries.endpoint", {"state": "paused"}, {"state": "enabled"},
    ),
    "deliveries/delivery/<uuid:delivery_id>/replay/": (
        "delivery.replayed", "deliveries.delivery", {"status": "dead_letter"}, {"status": "pending"},
    ),
    "events/event/<uuid:event_id>/replay/": ("event.replayed", "events.event", {}, {"deliveries": 2}),
    "events/event/<uuid:event_id>/acknowledge/": (
        "event.acknowledged", "events.event", {"acknowledged": False}, {"acknowledged": True, "canceled": 0},
    ),
    "auth/group/<path:object_id>/change/": (
        "role.changed", "auth.group", {"name": "Night shift"}, {"name": "Night watch"},
    ),
    "auth/user/<id>/password/": (
        "user.changed", "auth.user", {"password": "(not shown)"}, {"password": "(not shown)"},
    ),
    "auth/user/<path:object_id>/change/": (
        "user.changed", "auth.user",
        {"username": "ada", "email": "", "groups": []},
        {"username": "grace", "email": "grace@example.com", "groups": ["Support"]},
    ),
    "password_change/": ("user.changed", "auth.user", {"password": "(not shown)"}, {"password": "(not shown)"}),
    "django_celery_beat/intervalschedule/<path:object_id>/change/": (
        "intervalschedule.changed", "django_celery_beat.intervalschedule", {"every": 7}, {"every": 9},
    ),
}  # fmt: skip


def test_every_change_leaves_one_entry(rows: SimpleNamespace, root: Client) -> None:
    wrong, before = [], state()

    for route, door in DOORS.items():
        if route == "login/":
            continue  # an attempt is an entry, too: below
        with undone(root):
            answer = root.post(path_of(route, rows), door.form(rows), headers={"X-Request-ID": "req-1"})
            changed = state() != before
            found = list(AuditEntry.objects.values_list("actor_name", "address", "request_id"))
            if found != [("root", "192.0.2.7", "req-1")] * changed:
                wrong.append((route, answer.status_code, changed, found))
            if entry := AuditEntry.objects.first():
                said = (entry.action, entry.object_type, entry.before, entry.after)
                if (route in WANTED and said != WANTED[route]) or not (entry.before or entry.after):
                    wrong.append((route, said))
    assert wrong == []


def test_every_action_that_changes_something_at_once_leaves_one_entry(
    rows: SimpleNamespace, root: Client
) -> None:
    before = state()

    for model, actions in ACTIONS.items():
        for action, (_, changes) in actions.items():
            with undone(root):
                root.post(f"/admin/{model}/", ticked(rows, model, action))
                number = AuditEntry.objects.exclude(action="periodictask.run").count()
                assert number == (state() != before), (model, action)
                assert changes or not number


def test_switching_a_task_off_is_recorded(rows: SimpleNamespace, root: Client) -> None:
    PeriodicTask.objects.filter(pk=rows.task.pk).update(enabled=True)

    root.post(
        "/admin/django_celery_beat/periodictask/",
        ticked(rows, "django_celery_beat/periodictask", "disable_tasks"),
    )

    entry = only_entry()
    assert (entry.action, entry.before, entry.after) == (
        "periodictask.changed",
        {"enabled": True},
        {"enabled": False},
    )


def test_running_a_task_by_hand_is_recorded(rows: SimpleNamespace, root: Client) -> None:
    root.post(
        "/admin/django_celery_beat/periodictask/",
        ticked(rows, "django_celery_beat/periodictask", "run_tasks"),
    )

    assert (only_entry().action, only_entry().object_words) == ("periodictask.run", str(rows.task))


def test_deleting_ticked_rows_leaves_an_entry_for_each(rows: SimpleNamespace, root: Client) -> None:
    PeriodicTask.objects.create(name="Hourly", task="deliveries.sweep", interval=rows.interval)
    other = IntervalSchedule.objects.create(every=11, period="hours")
    data = {
        "action": "delete_selected",
        "_selected_action": [rows.interval.pk, other.pk],
        "post": "yes",
    }

    root.post("/admin/django_celery_beat/intervalschedule/", data)

    found = AuditEntry.objects.values_list("object_id", "action", "before__deleted_with_it", "after")
    assert sorted(found, key=lambda one: int(one[0])) == [
        (str(rows.interval.pk), "intervalschedule.deleted", ["Hourly: every 7 hours"], {}),
        (str(other.pk), "intervalschedule.deleted", None, {}),
    ]


def test_no_secret_is_recorded(rows: SimpleNamespace, root: Client) -> None:
    hashed = User.objects.get(username="root").password

    for route in ("auth/user/<id>/password/", "auth/user/add/", "auth/user/<path:object_id>/delete/"):
        root.post(path_of(route, rows), DOORS[route].form(rows))
    task = {**DOORS["django_celery_beat/periodictask/add/"].form(rows), "kwargs": '{"card": "4111"}'}
    root.post("/admin/django_celery_beat/periodictask/add/", task)
    root.post(f"/admin/organizations/organization/{rows.organization.pk}/keys/{rows.key.pk}/revoke/")
    page = DOORS["password_change/"]
    root.post("/admin/password_change/", page.form(rows))

    assert AuditEntry.objects.count() == 6
    recorded = json.dumps([*AuditEntry.objects.values("before", "after", "object_words")])
    for secret in (PASSWORD, "battery staple", hashed, "md5$", "4111", rows.key.secret_hash):
        assert secret not in recorded, secret
    assert AuditEntry.objects.get(action="periodictask.added").after["kwargs"] == "(not shown)"


def test_what_fails_after_its_entry_was_made_leaves_neither(
    rows: SimpleNamespace, root: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = state()
    monkeypatch.setattr("organizations.admin.done", lambda *_, **__: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        root.post(f"/admin/organizations/organization/{rows.organization.pk}/keys/{rows.key.pk}/revoke/")

    assert state() == before
    assert not AuditEntry.objects.exists()


def test_a_form_that_is_saved_as_it_was_is_no_entry(rows: SimpleNamespace, root: Client) -> None:
    root.post(path_of("organizations/organization/<path:object_id>/change/", rows), {"tier": "free"})

    assert not AuditEntry.objects.exists()


def test_djangos_own_log_stays_empty(rows: SimpleNamespace, root: Client) -> None:
    root.post(path_of("auth/group/<path:object_id>/change/", rows), {"name": "Night watch"})

    assert (AuditEntry.objects.count(), LogEntry.objects.count()) == (1, 0)


# --- Logging in ---------------------------------------------------------------------------------------------------


def try_to_log_in(name: str, password: str) -> HttpResponse:
    return Client(REMOTE_ADDR="192.0.2.9").post("/admin/login/", {"username": name, "password": password})


def test_logging_in_is_recorded(root: Client) -> None:
    try_to_log_in("root", PASSWORD)

    entry = only_entry()
    assert (entry.action, entry.actor_name, entry.address) == ("admin.login", "root", "192.0.2.9")


def test_a_failed_login_is_recorded_under_a_name_that_there_is(root: Client) -> None:
    try_to_log_in("root", "my secret")

    entry = only_entry()
    assert (entry.action, entry.actor_name, entry.address) == ("admin.login_failed", "root", "192.0.2.9")
    assert (entry.before, entry.after) == ({}, {})


def test_what_was_typed_as_an_unknown_name_is_not(root: Client) -> None:
    """It may be a password in the wrong field."""
    try_to_log_in("a password, typed too high up", "x")

    assert (only_entry().actor_name, only_entry().object_words) == ("(unknown)", "")


def test_a_name_that_the_database_has_no_text_for_is_an_unknown_one(root: Client) -> None:
    assert try_to_log_in("ro\0ot?", "x").status_code == 200

    assert only_entry().actor_name == "(unknown)"


# --- The page -----------------------------------------------------------------------------------------------------


def shown(query: str) -> list[str]:
    return [entry.action for entry in administrator().get(f"{LOG}?{query}").context["cl"].result_list]


def test_the_log_is_searched(rows: SimpleNamespace, root: Client) -> None:
    root.post(path_of("auth/group/<path:object_id>/change/", rows), {"name": "Night watch"})
    root.post(path_of("deliveries/endpoint/<uuid:endpoint_id>/pause/", rows))

    assert shown("") == ["endpoint.paused", "role.changed"]
    assert shown("action=role.*") == shown("action=role.changed") == shown("q=night") == ["role.changed"]
    assert shown(f"tenant={rows.organization.pk}") == shown(f"q={rows.endpoint.pk}") == ["endpoint.paused"]
    assert shown("who=root") == ["endpoint.paused", "role.changed"]
    assert shown("who=ada") == shown("since=2100-01-01") == shown("until=2020-01-01") == []
    assert shown("since=2020-01-01") == ["endpoint.paused", "role.changed"]


def test_an_entry_says_before_and_after(rows: SimpleNamespace, root: Client) -> None:
    root.post(path_of("organizations/organization/<path:object_id>/change/", rows), {"tier": "pro"})

    page = root.get(f"{LOG}{only_entry().pk}/change/")

    assert "Who root" in words(page)
    assert "From 192.0.2.7" in words(page)
    assert "Field Before After tier free pro" in words(page)


def test_nobody_changes_the_log(rows: SimpleNamespace, root: Client) -> None:
    entry = AuditEntry.objects.create(action="tier.changed")

    assert root.post(f"{LOG}{entry.pk}/change/", {"action": "x"}).status_code == 405
    assert root.post(f"{LOG}{entry.pk}/delete/", {"post": "yes"}).status_code == 403
    assert root.post(f"{LOG}add/", {"action": "x"}).status_code == 403
    root.post(LOG, {"action": "delete_selected", "_selected_action": [entry.pk], "post": "yes"})
    assert list(AuditEntry.objects.values_list("action", flat=True)) == ["tier.changed"]


def test_history_shows_what_was_done_to_a_row(rows: SimpleNamespace, root: Client) -> None:
    root.post(path_of("deliveries/endpoint/<uuid:endpoint_id>/pause/", rows))

    history = root.get(path_of("deliveries/endpoint/<path:object_id>/history/", rows))
    of_tenant = root.get(path_of("organizations/organization/<path:object_id>/history/", rows))
    of_other = root.get(path_of("auth/user/<path:object_id>/history/", rows))

    assert "Endpoint paused http://93.184.215.14/hooks root state: enabled state: paused just now" in words(
        history
    )
    assert "Endpoint paused" in words(of_tenant)
    assert "Staff have not changed it here." in words(of_other)


def test_the_overview_shows_ones_own_last_actions(rows: SimpleNamespace, root: Client) -> None:
    root.post(path_of("deliveries/endpoint/<uuid:endpoint_id>/pause/", rows))

    assert "My recent actions Endpoint paused http://93.184.215.14/hooks just now" in words(
        root.get("/admin/")
    )
    assert "My recent actions None yet." in words(administrator().get("/admin/"))


def test_an_account_that_is_deleted_stays_named(rows: SimpleNamespace, root: Client) -> None:
    AuditEntry.objects.create(action="tier.changed", actor=rows.user, actor_name="ada")

    rows.user.delete()

    assert list(AuditEntry.objects.values_list("actor", "actor_name")) == [(None, "ada")]
