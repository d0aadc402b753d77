"""Who may do what in the admin: every address, by role."""

from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.http import HttpResponse
from django.test import Client, RequestFactory

from organizations.roles import OPERATOR, OWNER, SUPPORT
from tests.admin_doors import (
    ACTIONS,
    ANYONE,
    DOORS,
    LADDER,
    NOBODY,
    PASSWORD,
    STAFF,
    all_routes,
    make_rows,
    may,
    path_of,
    state,
    ticked,
    undone,
)

PEOPLE = tuple(role for role in LADDER if role != NOBODY)
LOGIN = "/admin/login/"


@pytest.fixture
def rows(acme: SimpleNamespace, settings: pytest.FixtureDef) -> SimpleNamespace:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick, for a made-up name
    return make_rows(acme.organization)


def browser_of(role: str, **options: bool) -> Client:
    browser = Client(**options)
    if role != ANYONE:
        person = User.objects.create_user(f"{role}-person", password=PASSWORD, is_staff=True)
        person.groups.set(Group.objects.filter(name=role))
        browser.force_login(person)
    return browser


def is_refusal(answer: HttpResponse) -> bool:
    return answer.status_code in (403, 404, 405) or (answer.status_code == 302 and LOGIN in answer.url)


def test_every_address_of_the_admin_has_its_line_in_the_table() -> None:
    assert sorted(set(all_routes())) == sorted(DOORS)


def test_every_action_of_a_list_has_its_line_in_the_table(rf: RequestFactory, db: None) -> None:
    request = rf.get("/")
    request.user = User.objects.create(username="root", is_staff=True, is_superuser=True)

    found = {
        f"{model._meta.app_label}/{model._meta.model_name}": set(model_admin.get_actions(request))
        for model, model_admin in admin.site._registry.items()
        if model_admin.get_actions(request)
    }

    assert found == {model: set(actions) for model, actions in ACTIONS.items()}


@pytest.mark.parametrize("role", PEOPLE)
def test_looking(rows: SimpleNamespace, role: str) -> None:
    """Who may look at what, and that looking changes nothing."""
    browser, before, wrong = browser_of(role), state(), []

    for route, door in DOORS.items():
        answer = browser.get(path_of(route, rows))
        right = answer.status_code in door.statuses if may(role, door.get) else is_refusal(answer)
        if not right:
            wrong.append((route, answer.status_code))
    assert wrong == []
    assert state() == before


@pytest.mark.parametrize("role", PEOPLE)
def test_changing(rows: SimpleNamespace, role: str) -> None:
    """Who may not changes nothing; who may does."""
    browser, before, wrong = browser_of(role), state(), []

    for route, door in DOORS.items():
        with undone(browser):
            answer = browser.post(path_of(route, rows), door.form(rows))
            changed = state() != before
        allowed = may(role, door.post)
        refused = allowed or may(role, door.get) or is_refusal(answer)
        if changed != (allowed and door.changes) or not refused:
            wrong.append((route, answer.status_code, changed))
    assert wrong == []


@pytest.mark.parametrize("role", PEOPLE)
def test_using_the_actions_of_lists(rows: SimpleNamespace, role: str) -> None:
    browser, before = browser_of(role), state()

    for model, actions in ACTIONS.items():
        for action, (least, changes) in actions.items():
            data = ticked(rows, model, action)
            with undone(browser):
                browser.post(f"/admin/{model}/", data)
                changed = state() != before
            assert changed == (may(role, least) and changes), (model, action)


def test_without_its_token_no_form_changes_anything(rows: SimpleNamespace) -> None:
    browser, before = browser_of(OWNER, enforce_csrf_checks=True), state()

    for route, door in DOORS.items():
        assert browser.post(path_of(route, rows), door.form(rows)).status_code == 403, route
    for model, actions in ACTIONS.items():
        for action in actions:
            assert browser.post(f"/admin/{model}/", ticked(rows, model, action)).status_code == 403, action
    assert state() == before


@pytest.mark.parametrize("role", [STAFF, SUPPORT, OPERATOR])
def test_nobody_makes_himself_an_owner(rows: SimpleNamespace, role: str) -> None:
    """Not even with the permissions to change users and roles, which an owner may have put into a role by hand."""
    browser = browser_of(role)
    person = User.objects.get(username=f"{role}-person")
    person.user_permissions.set(
        Group.objects.get(name=OWNER).permissions.filter(content_type__app_label="auth")
    )
    before = state()
    owner = Group.objects.get(name=OWNER)

    form = {"username": person.username, "groups": [owner.pk], "is_active": "on", "is_superuser": "on"}
    assert browser.post(f"/admin/auth/user/{person.pk}/change/", form).status_code == 403
    assert browser.post("/admin/auth/user/add/", form).status_code == 403
    assert (
        browser.post(f"/admin/auth/group/{rows.support.pk}/change/", {"permissions": "1"}).status_code == 403
    )
    assert browser.get("/admin/auth/user/").status_code == 403
    assert state() == before


def test_the_form_of_a_user_makes_no_superuser(rows: SimpleNamespace) -> None:
    form = {"username": "ada", "groups": [rows.support.pk], "is_active": "on", "is_staff": "on"}

    browser_of(OWNER).post(
        f"/admin/auth/user/{rows.user.pk}/change/", {**form, "is_superuser": "on", "user_permissions": "1"}
    )

    rows.user.refresh_from_db()
    assert (rows.user.is_superuser, rows.user.user_permissions.count()) == (False, 0)
    assert list(rows.user.groups.all()) == [rows.support]


def test_the_three_roles_keep_their_names_and_stay(rows: SimpleNamespace) -> None:
    browser, page = browser_of(OWNER), f"/admin/auth/group/{rows.support.pk}/"

    browser.post(f"{page}change/", {"name": "Renamed", "permissions": []})
    refused = browser.post(f"{page}delete/", {"post": "yes"})

    assert refused.status_code == 403
    assert Group.objects.filter(name=SUPPORT).exists()
