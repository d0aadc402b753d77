"""The admin as a whole: its name, its menu, its Content-Security-Policy, and who gets in."""

import re
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from organizations.roles import OWNER
from tests.factories import make_delivery, make_endpoint
from tests.staff import administrator, log_in, words

LOGIN, WRONG = "/admin/login/", "wrong"


@pytest.fixture
def ada(db: None, settings: pytest.FixtureDef) -> User:
    settings.PASSWORD_HASHERS = [
        "django.contrib.auth.hashers.MD5PasswordHasher"
    ]  # quick, for a name that is made up
    return User.objects.create_user("ada", password="correct horse", is_staff=True)


def try_to_log_in(name: str = "ada", password: str = WRONG, address: str = "192.0.2.1") -> HttpResponse:
    return Client(REMOTE_ADDR=address).post(
        LOGIN, {"username": name, "password": password, "next": "/admin/"}
    )


def test_a_page_looks_up_its_readers_role_once(ada: User) -> None:
    ada.groups.add(Group.objects.get(name=OWNER))
    browser = Client()
    browser.force_login(ada)

    with CaptureQueriesContext(connection) as queries:
        assert browser.get("/admin/").status_code == 200

    assert (
        sum("auth_user_groups" in one["sql"] and OWNER in one["sql"] for one in queries.captured_queries) == 1
    )


def test_the_menu_begins_with_dead_letters(db: None) -> None:
    page = administrator().get("/admin/")

    labels = [
        (app["app_label"], [model["name"] for model in app["models"]]) for app in page.context["app_list"]
    ]
    assert labels[:3] == [
        ("deliveries", ["Dead letters", "Deliveries", "Endpoints", "Replays and discards"]),
        ("events", ["Events"]),
        ("organizations", ["Audit entries", "Tenants"]),
    ]
    assert [label for label, _ in labels[3:]] == ["auth", "django_celery_beat"]
    assert "<title>Overview | Triggers</title>" in page.content.decode()


def test_no_page_needs_more_than_the_policy_allows(acme: SimpleNamespace) -> None:
    delivery = make_delivery(make_endpoint(acme.organization), status="dead_letter")
    task = "/admin/django_celery_beat/periodictask/"
    browser = administrator()
    task_id = browser.get(task).context["cl"].result_list[0].pk
    paths = [
        "/admin/",
        "/admin/deliveries/deadletter/",
        "/admin/deliveries/deadletter/replay/",
        "/admin/deliveries/delivery/",
        f"/admin/deliveries/delivery/{delivery.pk}/change/",
        f"/admin/deliveries/endpoint/{delivery.endpoint_id}/change/",
        f"/admin/events/event/{delivery.event_id}/change/",
        f"/admin/organizations/organization/{delivery.organization_id}/change/",
        "/admin/auth/user/",
        "/admin/auth/user/add/",
        "/admin/password_change/",
        "/admin/second-factor/",
        "/admin/organizations/auditentry/",
        "/admin/deliveries/staffreplay/",
        f"/admin/deliveries/endpoint/{delivery.endpoint_id}/history/",
        f"{task}{task_id}/change/",
        "/admin/nothing/here/",
    ]

    for path in paths:
        assert_within_policy(browser.get(path), path)
    assert_within_policy(Client().get(LOGIN), LOGIN)
    assert_within_policy(Client(enforce_csrf_checks=True).post(LOGIN), "a refused form")


def assert_within_policy(page: HttpResponse, path: str) -> None:
    policy, content = page.headers["Content-Security-Policy"], page.content.decode()
    assert "unsafe" not in policy, path
    assert "<style" not in content, path
    assert not re.search(r"<[^>]+\s(style|on\w+)=", content), path
    scripts = re.findall(r"<script\b[^>]*>", content)
    assert [tag for tag in scripts if "src=" not in tag and 'type="application/json"' not in tag] == [], path


def test_who_is_no_staff_stays_outside(db: None) -> None:
    browser = Client()
    browser.force_login(User.objects.create(username="guest"))

    answer = browser.get("/admin/deliveries/deadletter/")

    assert answer.status_code == 302
    assert answer.url.startswith(LOGIN)


def test_a_refusal_is_a_page_in_words(db: None) -> None:
    refused = log_in().get("/admin/deliveries/deadletter/")
    missing = log_in().get("/admin/nothing/here/")

    assert refused.status_code == 403
    assert "Your account may not see or do this." in words(refused)
    assert missing.status_code == 404
    assert "There is nothing at this address." in words(missing)


# --- Logging in ---------------------------------------------------------------------------------------------------


def test_logging_in(ada: User) -> None:
    answer = try_to_log_in(password="correct horse")

    assert answer.status_code == 302
    assert answer.url == "/admin/"


def test_after_ten_attempts_an_address_waits(ada: User) -> None:
    answers = [try_to_log_in(name=f"guess-{number}").status_code for number in range(10)]
    refused = try_to_log_in(password="correct horse")

    assert answers == [200] * 10
    assert refused.status_code == 429
    assert 1 <= int(refused.headers["Retry-After"]) <= 300
    assert "There were too many attempts to log in from here, or with this name. Try again in" in words(
        refused
    )
    assert "_auth_user_id" not in refused.client.session
    assert try_to_log_in(password="correct horse", address="192.0.2.2").status_code == 302


def test_after_ten_attempts_a_name_waits_wherever_it_is_tried(ada: User) -> None:
    names = ["ada", "ADA", " ada "]
    answers = [
        try_to_log_in(name=names[number % 3], address=f"192.0.2.{number}").status_code for number in range(10)
    ]

    assert answers == [200] * 10
    assert try_to_log_in(password="correct horse", address="192.0.2.99").status_code == 429
    assert try_to_log_in(name="grace", address="192.0.2.99").status_code == 200


def test_looking_at_the_form_is_no_attempt(ada: User) -> None:
    for _ in range(11):
        assert Client(REMOTE_ADDR="192.0.2.1").get(LOGIN).status_code == 200

    assert try_to_log_in(password="correct horse").status_code == 302


def test_without_redis_everybody_may_try(ada: User, settings: pytest.FixtureDef, closed_port: int) -> None:
    settings.CACHES = {
        "default": {**settings.CACHES["default"], "LOCATION": f"redis://127.0.0.1:{closed_port}/0"}
    }

    answers = [try_to_log_in().status_code for _ in range(11)]

    assert answers == [200] * 11
    assert try_to_log_in(password="correct horse").status_code == 302
