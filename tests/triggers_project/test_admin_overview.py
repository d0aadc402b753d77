"""The desk's front page: all is well, or what is wrong and what to do."""

from types import SimpleNamespace

import pytest
from django.utils import timezone

from deliveries.heartbeat import WORKERS, beat, beat_of_worker
from deliveries.traffic import BOUNDS_MS, Traffic
from events.spans import EVERYBODY, Grain
from organizations import redis_client
from tests.factories import ago, ahead, make_delivery, make_endpoint
from tests.staff import administrator, log_in, words

NONE = [0] * (len(BOUNDS_MS) + 1)


def traffic(about: object, organization: object, **counted: int) -> None:
    """So much in each grain of just now."""
    for grain in Grain:
        Traffic.objects.create(
            about=about,
            organization_id=organization,
            grain=grain,
            at=grain.begin(timezone.now()),
            **{"attempts": 0, "delivered": 0, "failed": 0, "dead": 0, "duration_ms": 0, **counted},
            durations=NONE,
            waits=NONE,
        )


@pytest.fixture
def alive(db: None) -> None:
    """A worker and the scheduler were heard of."""
    beat()
    beat_of_worker("deliveries@a")


def front(span: str = "") -> str:
    return words(administrator().get(f"/admin/?span={span}"))


def troubles() -> list[str]:
    return [trouble.words for trouble in administrator().get("/admin/").context["troubles"]]


@pytest.mark.usefixtures("alive")
def test_all_is_well_and_nothing_has_happened_yet() -> None:
    page = front()

    assert (
        "✓ All is well. Nothing was sent in the last hour. Figures appear here as soon as events come in."
        in page
    )
    assert "Nothing in this time." in page
    assert "None failed in the last hour." in page


@pytest.mark.usefixtures("alive")
def test_the_figures_of_the_period_that_is_chosen(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    for about in (endpoint.pk, acme.organization.pk):
        traffic(about, acme.organization.pk, attempts=1204, delivered=1200, failed=4)
    traffic(EVERYBODY, EVERYBODY, attempts=1204, delivered=1200, failed=4)

    for span, words_of_it in (("hour", "hour"), ("day", "24 hours"), ("week", "7 days")):
        page = front(span)
        assert "Delivered 1,200 Failed attempts 4 Given up 0 Success rate 99.7 %" in page
        assert f"None failed in the last {words_of_it}." not in page
    assert troubles() == []


@pytest.mark.usefixtures("alive")
def test_receivers_that_are_not_well_are_named(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization, circuit="open", probe_at=ahead(minutes=1))
    make_endpoint(acme.organization, state="disabled")
    for about in (endpoint.pk, acme.organization.pk):
        traffic(about, acme.organization.pk, attempts=50, delivered=40, failed=10, dead=2)
    traffic(EVERYBODY, EVERYBODY, attempts=50, delivered=40, failed=10, dead=2)

    page = administrator().get("/admin/")

    assert "▲ Triggers is well; some receivers are not." in words(page)
    assert [trouble.words for trouble in page.context["troubles"]] == [
        "2 deliveries were given up in the last hour.",
        "Only 80% of the attempts of the last hour succeeded.",
        "1 endpoint can't be reached just now.",
        "1 endpoint is disabled.",
    ]
    assert [one.endpoint_id for one in page.context["worst"]] == [endpoint.pk]


def test_without_workers_and_scheduler_something_needs_us(db: None) -> None:
    page = administrator().get("/admin/")

    assert "✕ Something here needs you." in words(page)
    assert [trouble.words for trouble in page.context["troubles"]] == [
        "No delivery worker has been heard of lately.",
        "The scheduler has not been heard of for 15 seconds.",
    ]


@pytest.mark.usefixtures("alive")
def test_a_worker_that_fell_silent_is_named() -> None:
    redis = redis_client.client()
    redis.zadd(WORKERS, {"deliveries@b": redis.time()[0] - 60})

    assert troubles() == ["The worker deliveries@b has been silent for 1 min."]


@pytest.mark.usefixtures("alive")
def test_late_deliveries_are_ours(acme: SimpleNamespace) -> None:
    make_delivery(make_endpoint(acme.organization), next_attempt_at=ago(minutes=2))

    page = administrator().get("/admin/")

    assert "✕ Something here needs you. Deliveries are late: the oldest has been due for 2 min." in words(
        page
    )


@pytest.mark.usefixtures("db", "no_redis")
def test_without_redis_it_says_what_still_works() -> None:
    assert (
        "Redis can't be reached. Events are accepted and stored; nothing is sent until it is back." in front()
    )


def test_who_has_no_role_is_told_so(db: None) -> None:
    page = log_in().get("/admin/")

    assert "Ask an owner to give you a role." in words(page)
    assert b'id="overview"' not in page.content


def test_who_may_not_see_deliveries_sees_no_figures_of_them(db: None) -> None:
    page = log_in("events.view_event").get("/admin/")

    assert "Choose a page from the menu." in words(page)
    assert b'id="overview"' not in page.content
