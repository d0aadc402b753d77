"""An endpoint's page: how it is doing in words, its figures, its latest attempts and what waits for it."""

from types import SimpleNamespace

import pytest

from deliveries import admin_latest
from deliveries.models import Attempt, Delivery, Endpoint
from tests.deliveries.figures_written import write_figures
from tests.factories import ago, ahead, make_delivery, make_endpoint
from tests.staff import administrator, log_in, press, words

ENDPOINTS = "/admin/deliveries/endpoint/"


@pytest.fixture
def endpoint(acme: SimpleNamespace) -> Endpoint:
    return make_endpoint(acme.organization)


def page_of(endpoint: Endpoint, query: str = "") -> str:
    return words(administrator().get(f"{ENDPOINTS}{endpoint.pk}/change/{query}"))


def attempted(delivery: Delivery, number: int = 1, **fields: object) -> None:
    usual = {"started_at": ago(minutes=3), "duration_ms": 42, "outcome": "delivered", "status_code": 200}
    Attempt.objects.create(delivery=delivery, number=number, **{**usual, **fields})


@pytest.mark.parametrize(
    ("delivered", "failed", "said"),
    [
        (0, 0, "Nothing was sent there in the last day"),
        (10, 0, "Answering: 100 % of attempts in the last day"),
        (2999, 1, "Answering: 99.9 % of attempts in the last day"),
        (992, 8, "Answering: 99.2 % of attempts in the last day"),
        (6, 4, "Fails often: 60.0 % of attempts in the last day were delivered"),
        (1, 9, "Hardly answers: 10.0 % of attempts in the last day were delivered"),
        (0, 3, "Down: not one attempt in the last day was delivered"),
    ],
)
def test_how_it_answers(endpoint: Endpoint, delivered: int, failed: int, said: str) -> None:
    write_figures(endpoint, delivered=delivered, failed=failed)
    assert said in page_of(endpoint)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"circuit": "open", "probe_at": ahead(minutes=-1)}, "Circuit is open: next try now"),
        (
            {"circuit": "half_open", "probe_at": ahead(minutes=1)},
            "Circuit is half open: one delivery is being",
        ),
        (
            {"state": "disabled", "disabled_reason": "It answered 410."},
            "Disabled It answered 410. What it wants",
        ),
        ({"deleted_at": ago(days=1)}, "Deleted Nothing is sent there any more."),
        ({"state": "paused"}, "Paused By its tenant, through the API."),
    ],
)
def test_what_keeps_it_from_being_sent_to(endpoint: Endpoint, fields: dict[str, object], said: str) -> None:
    Endpoint.objects.update(**fields)
    assert said in page_of(endpoint)


def test_who_of_the_staff_paused_it(endpoint: Endpoint) -> None:
    browser = administrator()
    press(browser, browser.get(f"{ENDPOINTS}{endpoint.pk}/pause/"))
    assert "Paused By staff-0, just now. What it wants is kept" in page_of(endpoint)


def test_figures_of_the_last_day_and_charts(endpoint: Endpoint) -> None:
    write_figures(endpoint, delivered=6, failed=2, dead=1, took_ms=90)
    page = page_of(endpoint)
    assert "Success rate 75.0 % of 8 attempts in the last day" in page
    assert "Attempts Delivered Failed" in page
    assert "Time to answer Half of them within 95 % within" in page


@pytest.mark.parametrize(("span", "rows"), [("hour", 60), ("day", 96), ("week", 168), ("nonsense", 96)])
def test_an_hour_a_day_or_a_week_is_shown(endpoint: Endpoint, span: str, rows: int) -> None:
    write_figures(endpoint, delivered=1)
    page = administrator().get(f"{ENDPOINTS}{endpoint.pk}/change/?span={span}")
    assert len(page.context["charts"][0].moments) == rows
    assert page.context["day"].delivered == 1


def test_the_latest_attempts_newest_first_with_their_causes(endpoint: Endpoint) -> None:
    waiting = make_delivery(endpoint, status="failed", next_attempt_at=ahead(hours=1))
    attempted(waiting, outcome="timeout", status_code=None, error="No answer within 15 s.")
    attempted(make_delivery(endpoint, status="delivered"), started_at=ago(minutes=5))
    attempted(make_delivery(make_endpoint(endpoint.organization)), error="elsewhere")

    page = page_of(endpoint)

    assert (
        "3 minutes ago order.created attempt 1 Timed out No answer within 15 s. 42 ms "
        "5 minutes ago order.created attempt 1 Delivered 200 – 42 ms"
    ) in page
    assert "elsewhere" not in page


def test_attempts_of_old_deliveries_are_found_where_they_wait_or_died(
    endpoint: Endpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_latest, "WALKED", 0)
    for status in ("dead_letter", "failed", "delivered"):
        attempted(make_delivery(endpoint, status=status), error=f"{status}.")
    found = {attempt.error for attempt in admin_latest.latest_attempts(endpoint)}
    assert found == {"dead_letter.", "failed."}


def test_what_waits_and_what_died(endpoint: Endpoint) -> None:
    make_delivery(endpoint, status="failed", next_attempt_at=ahead(hours=2, minutes=1), last_status_code=503)
    make_delivery(endpoint, status="dead_letter")
    page = page_of(endpoint)
    assert "To be sent there 1 delivery waits Dead letters 1 0 of the last day" in page
    assert "order.created Failed, will be retried 503 Service Unavailable in 2 hours" in page


def test_who_may_not_see_deliveries_sees_none(endpoint: Endpoint) -> None:
    attempted(make_delivery(endpoint, status="dead_letter"))
    page = words(log_in("deliveries.view_endpoint").get(f"{ENDPOINTS}{endpoint.pk}/change/"))
    assert "Latest attempts" not in page
    assert "Dead letters" not in page
