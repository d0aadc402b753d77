"""Every address of the admin: the least role that may look at it, the least that may POST to it, and what to POST so
that something changes. A new address has no line here, and the test that walks them fails."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from functools import cache
from types import SimpleNamespace
from typing import Any

from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import connection, transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)

from deliveries.admin_replay import state_of, state_of_event
from deliveries.picked import StaffReplay
from organizations.encryption import encrypt
from organizations.models import ApiKey, AuditEntry, SecondFactor, new_id
from organizations.roles import OPERATOR, OWNER, SUPPORT
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_key

ANYONE, STAFF, NOBODY = "anyone", "staff", "nobody"
LADDER = (ANYONE, STAFF, SUPPORT, OPERATOR, OWNER, NOBODY)  # who stands higher may do what the lower ones may
Rows = SimpleNamespace
Data = dict[str, Any] | Callable[[Rows], dict[str, Any]]
NO_INLINE = {"periodictask_set-TOTAL_FORMS": "0", "periodictask_set-INITIAL_FORMS": "0"}
PASSWORD = "correct horse battery"


@dataclass(frozen=True)
class Door:
    """`get` and `post` are steps of the ladder. `data` makes a POST that changes rows, unless `post` is NOBODY."""

    get: str
    post: str = NOBODY
    data: Data = ()  # type: ignore[assignment]
    changes: bool = True
    status: int | tuple[int, ...] = 200

    @property
    def statuses(self) -> tuple[int, ...]:
        return self.status if isinstance(self.status, tuple) else (self.status,)

    def form(self, rows: Rows) -> dict[str, Any]:
        return self.data(rows) if callable(self.data) else dict(self.data)


def looked_at(model: str, *, change_status: int | tuple[int, ...] = 200) -> dict[str, Door]:
    """A list and its rows' pages, where nothing is added, changed or deleted."""
    return {
        f"{model}/": Door(SUPPORT),
        f"{model}/add/": Door(NOBODY),
        f"{model}/<path:object_id>/history/": Door(SUPPORT),
        f"{model}/<path:object_id>/delete/": Door(NOBODY),
        f"{model}/<path:object_id>/change/": Door(SUPPORT),
        f"{model}/<path:object_id>/": Door(STAFF, status=302),
    }


def edited(model: str, who: str, add: Data, change: Data) -> dict[str, Door]:
    """Django's own forms."""
    return {
        f"{model}/": Door(who),
        f"{model}/add/": Door(who, who, add),
        f"{model}/<path:object_id>/history/": Door(who),
        f"{model}/<path:object_id>/delete/": Door(who, who, {"post": "yes"}),
        f"{model}/<path:object_id>/change/": Door(who, who, change),
        f"{model}/<path:object_id>/": Door(STAFF, status=302),
    }


def task(name: str) -> Callable[[Rows], dict[str, Any]]:
    return lambda rows: {
        "name": name,
        "task": "deliveries.sweep",
        "interval": rows.interval.pk,
        "args": "[]",
        "kwargs": "{}",
        "headers": "{}",
        "enabled": "on",
    }


USER = {"username": "grace", "email": "grace@example.com", "is_active": "on", "is_staff": "on"}
TWO_PASSWORDS = {"usable_password": "true", "password1": PASSWORD, "password2": PASSWORD}
CRON = {"minute": "5", "hour": "4", "day_of_month": "*", "month_of_year": "*", "day_of_week": "*"}
CLOCK = {"clocked_time_0": "2030-01-01", "clocked_time_1": "12:00:00"}
SUN = {"event": "sunset", "latitude": "52.5", "longitude": "13.4"}

DOORS = {
    "": Door(STAFF),
    "login/": Door(ANYONE, status=(200, 302)),
    "logout/": Door(ANYONE, STAFF, changes=False, status=(302, 405)),
    "password_change/": Door(
        STAFF,
        STAFF,
        {"old_password": PASSWORD, "new_password1": "battery staple", "new_password2": "battery staple"},
    ),
    "password_change/done/": Door(STAFF),
    "find/": Door(STAFF),
    "second-factor/": Door(STAFF, STAFF, {"do": "begin"}),
    "autocomplete/": Door(SUPPORT),
    "jsi18n/": Door(STAFF),
    "r/<path:content_type_id>/<path:object_id>/": Door(STAFF, status=404),
    "<app_label>/": Door(STAFF, status=302),
    "(?P<url>.*)$": Door(STAFF, status=404),
    **edited(
        "auth/user",
        OWNER,
        lambda rows: {**USER, **TWO_PASSWORDS, "username": "new", "groups": [rows.support.pk]},
        lambda rows: {**USER, "groups": [rows.support.pk]},
    ),
    "auth/user/<int:user_id>/second-factor/": Door(OWNER, OWNER),
    "auth/user/<id>/password/": Door(OWNER, OWNER, TWO_PASSWORDS),
    **edited("auth/group", OWNER, {"name": "Day shift"}, {"name": "Night watch"}),
    **edited("django_celery_beat/periodictask", OPERATOR, task("Another"), task("Renamed")),
    **edited(
        "django_celery_beat/intervalschedule",
        OPERATOR,
        {"every": "8", "period": "hours", **NO_INLINE},
        {"every": "9", "period": "hours", **NO_INLINE},
    ),
    **edited(
        "django_celery_beat/crontabschedule",
        OPERATOR,
        {**CRON, "timezone": "UTC", **NO_INLINE},
        {**CRON, "timezone": "Europe/Berlin", **NO_INLINE},
    ),
    **edited("django_celery_beat/clockedschedule", OPERATOR, {**CLOCK, **NO_INLINE}, {**CLOCK, **NO_INLINE}),
    **edited("django_celery_beat/solarschedule", OPERATOR, {**SUN, **NO_INLINE}, {**SUN, **NO_INLINE}),
    **looked_at("organizations/auditentry"),
    **looked_at("organizations/organization"),
    "organizations/organization/<path:object_id>/change/": Door(SUPPORT, OPERATOR, {"tier": "pro"}),
    "organizations/organization/<uuid:organization_id>/keys/<uuid:key_id>/revoke/": Door(OPERATOR, OPERATOR),
    **looked_at("events/event"),
    "events/event/<uuid:event_id>/replay/": Door(
        SUPPORT, SUPPORT, lambda rows: {"seen": state_of_event(rows.event.pk)}
    ),
    "events/event/<uuid:event_id>/acknowledge/": Door(SUPPORT, SUPPORT),
    **looked_at("deliveries/endpoint"),
    "deliveries/endpoint/<uuid:endpoint_id>/pause/": Door(OPERATOR, OPERATOR),
    "deliveries/endpoint/<uuid:endpoint_id>/resume/": Door(OPERATOR, OPERATOR),
    "deliveries/endpoint/<uuid:endpoint_id>/rotate/": Door(
        OPERATOR, OPERATOR, lambda rows: {"hours": "24", "seen": str(rows.endpoint.revision)}
    ),
    "deliveries/endpoint/<uuid:endpoint_id>/traceparent/": Door(
        OPERATOR, OPERATOR, lambda rows: {"seen": str(rows.endpoint.revision)}
    ),
    "deliveries/endpoint/<uuid:endpoint_id>/url/": Door(
        OPERATOR,
        OPERATOR,
        lambda rows: {"url": "http://93.184.215.14/moved", "seen": str(rows.endpoint.revision)},
    ),
    "deliveries/endpoint/<uuid:endpoint_id>/replay/": Door(
        SUPPORT,
        SUPPORT,
        lambda _: {
            "since": ago(days=1).isoformat(),
            "until": "",
            "status": "dead_letter",
            "all": str(new_id()),
            "as_of": ahead(seconds=5).isoformat(),
        },
    ),
    "deliveries/endpoint/<uuid:endpoint_id>/test/": Door(OPERATOR, OPERATOR),
    "deliveries/endpoint/<uuid:endpoint_id>/test/<uuid:delivery_id>/": Door(OPERATOR),
    **looked_at("deliveries/deadletter"),
    "deliveries/deadletter/<path:object_id>/change/": Door(STAFF, status=302),  # leads to the delivery's page
    "deliveries/deadletter/replay/": Door(
        SUPPORT, SUPPORT, lambda _: {"all": str(new_id()), "as_of": ahead(seconds=5).isoformat()}
    ),
    "deliveries/deadletter/causes/": Door(SUPPORT),
    "deliveries/deadletter/discard/": Door(
        SUPPORT,
        SUPPORT,
        lambda _: {"all": str(new_id()), "as_of": ahead(seconds=5).isoformat(), "reason": "Too old."},
    ),
    "deliveries/deadletter/<uuid:delivery_id>/discard/": Door(SUPPORT),  # asks; the one above does it
    **looked_at("deliveries/staffreplay"),
    "deliveries/staffreplay/<uuid:replay_id>/cancel/": Door(SUPPORT, SUPPORT),
    **looked_at("deliveries/delivery"),
    "deliveries/delivery/replay/": Door(
        SUPPORT, SUPPORT, lambda rows: {"id": str(rows.delivery.pk), "as_of": ahead(seconds=5).isoformat()}
    ),
    "deliveries/delivery/<uuid:delivery_id>/replay/": Door(
        SUPPORT, SUPPORT, lambda rows: {"seen": state_of(rows.delivery)}
    ),
}

# Actions of lists: who may use them, and whether pressing Go changes something already (else it asks first).
ACTIONS = {
    "auth/user": {"delete_selected": (OWNER, False)},
    "django_celery_beat/periodictask": {
        "delete_selected": (OPERATOR, False),
        "enable_tasks": (OPERATOR, True),
        "disable_tasks": (OPERATOR, False),  # it is off already
        "toggle_tasks": (OPERATOR, True),
        "run_tasks": (OPERATOR, False),
    },
    **{
        f"django_celery_beat/{kind}schedule": {"delete_selected": (OPERATOR, False)}
        for kind in ("interval", "crontab", "clocked", "solar")
    },
    "deliveries/deadletter": {"replay_ticked": (SUPPORT, False), "discard_ticked": (SUPPORT, False)},
    "deliveries/delivery": {"replay_ticked": (SUPPORT, False)},
}


def make_rows(organization: Any) -> Rows:
    """One of everything that has a page, none of it in use by another."""
    make_key(organization, name="CI")
    endpoint = make_endpoint(organization)
    delivery = make_delivery(endpoint, status="dead_letter")
    interval = IntervalSchedule.objects.create(every=7, period="hours")
    ada = User.objects.create(username="ada", is_staff=True)
    SecondFactor.objects.create(user=ada, encrypted_secret=encrypt("A" * 32), confirmed_at=ahead(days=-1))
    return Rows(
        organization=organization,
        key=ApiKey.objects.get(name="CI"),
        entry=AuditEntry.objects.create(action="tier.changed", organization=organization),
        endpoint=endpoint,
        paused=make_endpoint(organization, url="http://93.184.215.14/paused", state="paused"),
        delivery=delivery,
        tested=make_delivery(endpoint, test=True),
        event=delivery.event,
        replay=StaffReplay.objects.create(picked=5, which="all", asked_by="ada", as_of=ahead(days=-1)),
        user=ada,
        group=Group.objects.create(name="Night shift"),
        support=Group.objects.get(name=SUPPORT),
        interval=interval,
        task=PeriodicTask.objects.create(
            name="Idle",
            task="deliveries.sweep",
            interval=IntervalSchedule.objects.create(every=6, period="hours"),
            enabled=False,
        ),
        crontab=CrontabSchedule.objects.create(minute="1", hour="2"),
        clocked=ClockedSchedule.objects.create(clocked_time=ahead(days=9)),
        solar=SolarSchedule.objects.create(event="sunrise", latitude=1, longitude=2),
    )


def path_of(route: str, rows: Rows) -> str:
    """The address of a door, for the row that is meant."""
    path = route
    kinds = {
        "auth/user": rows.user, "auth/group": rows.group, "periodictask": rows.task, "interval": rows.interval,
        "crontab": rows.crontab, "clocked": rows.clocked, "solar": rows.solar, "deadletter": rows.delivery,
        "deliveries/delivery": rows.delivery, "endpoint": rows.endpoint, "event/": rows.event,
        "organization/": rows.organization, "auditentry": rows.entry, "staffreplay": rows.replay,
    }  # fmt: skip
    row = next((row for kind, row in kinds.items() if kind in route), None)
    if "resume" in route:
        row = rows.paused
    for name, value in {
        "<path:content_type_id>": "1",
        "<uuid:key_id>": rows.key.pk,
        "test/<uuid:delivery_id>": f"test/{rows.tested.pk}",
        "<app_label>": "deliveries",
        "(?P<url>.*)$": "nothing/here/",
    }.items():
        path = path.replace(name, str(value))
    path = re.sub(r"<\w+:\w+>|<id>", str(row.pk if row else 1), path)
    if route == "autocomplete/":
        path += "?app_label=deliveries&model_name=delivery&field_name=organization&term="
    return f"/admin/{path}"


def ticked(rows: Rows, model: str, action: str) -> dict[str, Any]:
    """A list's form: its first row is ticked, and Go was pressed."""
    pk = path_of(f"{model}/<path:object_id>/", rows).split("/")[-2]
    return {"action": action, "_selected_action": [pk], "index": "0", "select_across": "0"}


@contextmanager
def undone(browser: Client) -> Iterator[None]:
    """What happens within is taken back, a new session as well."""
    cookies = deepcopy(browser.cookies)
    with transaction.atomic():
        yield
        transaction.set_rollback(True)
    browser.cookies = cookies


def all_routes(patterns: Any = None, before: str = "") -> list[str]:
    """As the resolver knows them."""
    found: list[str] = []
    for pattern in admin.site.get_urls() if patterns is None else patterns:
        here = before + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            found += all_routes(pattern.url_patterns, here)
        elif isinstance(pattern, URLPattern):
            # The names of apps in it have no order of their own.
            found.append("<app_label>/" if here.startswith("^(?P<app_label>") else here)
    return found


def may(role: str, least: str) -> bool:
    return LADDER.index(role) >= LADDER.index(least)


NOT_STATE = {
    "sessions.Session",
    "admin.LogEntry",
    "contenttypes.ContentType",
    "organizations.AuditEntry",
    "django_celery_beat.PeriodicTasks",
}


def state() -> dict[str, str | None]:
    """All rows there are, a line each, but for when somebody was last here. One question: it is asked 700 times."""
    with connection.cursor() as cursor:
        cursor.execute(_all_rows())
        return dict(cursor.fetchall())


@cache
def _all_rows() -> str:
    return " UNION ALL ".join(map(_rows_of, filter(_is_kept, apps.get_models(include_auto_created=True))))


def _is_kept(model: type[Model]) -> bool:
    return model._meta.managed and not model._meta.proxy and model._meta.label not in NOT_STATE


def _rows_of(model: type[Model]) -> str:
    """A SELECT of the model's name and of its rows."""
    columns = ", ".join(
        f'"{field.column}"' for field in model._meta.concrete_fields if field.attname != "last_login"
    )
    return f"""
        SELECT '{model._meta.label}', string_agg(one::text, E'\\n' ORDER BY one::text)
        FROM (SELECT {columns} FROM "{model._meta.db_table}") AS one
    """
