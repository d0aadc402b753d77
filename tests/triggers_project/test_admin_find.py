"""The search on every page of the desk."""

from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse

from organizations.admin_words import page_of
from organizations.models import ApiKey, Organization
from organizations.patience import TookTooLong
from tests.factories import SOMEWHERE, make_delivery, make_endpoint, make_organization
from tests.staff import administrator, log_in, words


def find(term: str, browser: Any = None) -> HttpResponse:
    return (browser or administrator()).get("/admin/find/", {"q": term})


@pytest.fixture
def delivery(acme: SimpleNamespace) -> Any:
    return make_delivery(make_endpoint(acme.organization, url=f"{SOMEWHERE}/hooks?token=s3cret"))


def test_an_id_leads_to_what_it_is_the_id_of(delivery: Any) -> None:
    for row in (delivery, delivery.event, delivery.endpoint, delivery.organization):
        assert find(f"  {row.pk} ").headers["Location"] == page_of(row)


def test_the_visible_part_of_a_key_and_a_whole_key_lead_to_the_tenant(acme: SimpleNamespace) -> None:
    key = ApiKey.objects.get(organization=acme.organization)

    assert find(key.prefix).headers["Location"] == page_of(acme.organization)
    assert find(f"{key.prefix}_{'x' * 39}").headers["Location"] == page_of(acme.organization)


def test_of_a_whole_key_no_more_is_shown_than_may_be(db: None) -> None:
    page = find(f"trg_{'a' * 12}_{'b' * 39}")

    assert f"trg_{'a' * 12}…" in words(page)
    assert b"bbbb" not in page.content


def test_a_dedup_id_leads_to_its_event(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization)
    event_id = acme.api.post("/api/events", {"type": "a.b", "payload": {}, "dedup_id": "order-7"}).json()[
        "id"
    ]

    assert find("order-7").headers["Location"] == f"/admin/events/event/{event_id}/change/"


def test_a_url_leads_to_its_endpoint_whatever_its_query(delivery: Any) -> None:
    assert find(f"{SOMEWHERE}/hooks").headers["Location"] == page_of(delivery.endpoint)
    assert find(f"{SOMEWHERE}/hooks?other").headers["Location"] == page_of(delivery.endpoint)


def test_a_name_in_full_is_meant_before_those_that_have_it_in_them(acme: SimpleNamespace) -> None:
    make_organization(name="Acme South")

    assert find("acme").headers["Location"] == page_of(acme.organization)


def test_what_may_be_meant_is_listed(acme: SimpleNamespace) -> None:
    south = make_organization(name="Acme South")

    page = find("acm")

    assert page.status_code == 200
    assert [(one.kind, one.words) for one in page.context["found"]] == [
        ("Tenant", "Acme"),
        ("Tenant", "Acme South"),
    ]
    assert page_of(south).encode() in page.content


def test_nothing_found_and_nothing_asked(db: None) -> None:
    assert "Nothing is called that." in words(find("nobody"))
    assert "Paste the id of an event" in words(find(""))
    assert "Nothing is called that." in words(find("a\0b"))


def test_nobody_finds_what_they_may_not_see(delivery: Any) -> None:
    browser = log_in("events.view_event")

    assert find(str(delivery.event_id), browser).status_code == 302
    assert "Nothing is called that." in words(find(str(delivery.endpoint_id), browser))
    assert "Nothing is called that." in words(find(delivery.organization.name, browser))


def test_a_search_that_takes_too_long_says_so(db: None, monkeypatch: pytest.MonkeyPatch) -> None:

    def slow(*_: Any) -> Any:
        raise TookTooLong

    monkeypatch.setattr("triggers_project.admin_find.everything_like", slow)

    assert "This took too long." in words(find("acme"))
    assert Organization.objects.count() == 0


def test_a_token_in_a_query_cannot_be_guessed(delivery: Any) -> None:
    browser = administrator()

    assert "Nothing is called that." in words(find("token=s3", browser))
    for path in ("?q=token=s3", "?url__startswith=http", "?url__contains=s3"):
        page = browser.get(f"/admin/deliveries/endpoint/{path}")
        assert page.status_code == 302 or not page.context["cl"].result_list, path


def test_what_is_no_url_is_looked_for_all_the_same(db: None) -> None:
    assert "Nothing is called that." in words(find("https://[x"))


def test_a_dedup_id_that_looks_like_an_id_leads_to_its_event(acme: SimpleNamespace) -> None:
    make_endpoint(acme.organization)
    dedup_id = "0192f5a0-0000-7000-8000-000000000000"
    event_id = acme.api.post("/api/events", {"type": "a.b", "payload": {}, "dedup_id": dedup_id}).json()["id"]

    assert find(dedup_id).headers["Location"] == f"/admin/events/event/{event_id}/change/"
