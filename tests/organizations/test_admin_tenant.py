"""A tenant's page: all there is about it, for those who may see that."""

from types import SimpleNamespace

import pytest
from django.test import Client

from deliveries.models import Endpoint
from organizations.limits import spend
from organizations.models import ApiKey, AuditEntry, Organization
from organizations.verification import allowed_limit
from tests.deliveries.figures_written import write_arrivals, write_figures
from tests.factories import ago, ahead, make_delivery, make_endpoint, make_event, make_key
from tests.staff import administrator, log_in, words


def page_of(organization: Organization, *, browser: Client | None = None, query: str = "") -> str:
    path = f"/admin/organizations/organization/{organization.pk}/change/{query}"
    return words((browser or administrator()).get(path))


def test_what_is_left_of_its_limit_is_read_without_spending(acme: SimpleNamespace) -> None:
    spend(allowed_limit(acme.organization), 37)
    for _ in range(2):
        assert "Used of its limit right now 37 of 100 events in 60 seconds" in page_of(acme.organization)


def test_a_limit_that_was_lowered_is_used_up(acme: SimpleNamespace) -> None:
    Organization.objects.update(tier="pro")
    acme.organization.refresh_from_db()
    spend(allowed_limit(acme.organization), 700)
    Organization.objects.update(tier="free")
    assert "Used of its limit right now 100 of 100 events" in page_of(acme.organization)


def test_figures_of_the_last_day(acme: SimpleNamespace) -> None:
    write_arrivals(acme.organization, 1_204)
    write_figures(acme.organization, delivered=9, failed=1, dead=1)
    page = page_of(acme.organization, query="?span=week")
    assert "Events accepted 1,204 in the last day Success rate 90.0 % of 10 attempts in the last day" in page
    assert "Events Accepted" in page
    assert "Attempts Delivered Failed" in page


def test_its_endpoints_worst_first(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    names = ("fine", "failing", "paused", "open", "disabled")
    fine, failing, paused, is_open, disabled = (
        make_endpoint(acme.organization, url=f"http://93.184.215.14/{name}?token=hunter2") for name in names
    )
    make_endpoint(rival.organization, url="http://93.184.215.14/rival")
    make_endpoint(acme.organization, url="http://93.184.215.14/gone", deleted_at=ago(days=1))
    Endpoint.objects.filter(pk=failing.pk).update(consecutive_failures=3)
    Endpoint.objects.filter(pk=paused.pk).update(state="paused")
    Endpoint.objects.filter(pk=is_open.pk).update(circuit="open", probe_at=ahead(minutes=1))
    Endpoint.objects.filter(pk=disabled.pk).update(state="disabled", disabled_reason="It answered 410.")
    write_figures(fine, delivered=3, failed=1)
    make_delivery(fine)

    page = page_of(acme.organization)

    where = [page.index(f"http://93.184.215.14/{name} ") for name in reversed(names)]
    assert where == sorted(where)
    assert "/fine Enabled 75.0 % 1 0 never" in page
    assert "/disabled It answered 410. Disabled – 0 0 never" in page
    assert "2 endpoints need looking after" in page
    assert not any(hidden in page for hidden in ("rival", "gone", "hunter2"))


def test_only_the_worst_twenty(acme: SimpleNamespace) -> None:
    Endpoint.objects.bulk_create(
        Endpoint(organization=acme.organization, url=f"http://93.184.215.14/{n}") for n in range(22)
    )
    assert "And 2 more endpoints, which do better." in page_of(acme.organization)


def test_a_tenant_without_an_endpoint(acme: SimpleNamespace) -> None:
    assert "Its events are refused until it sets one." in page_of(acme.organization)
    Organization.objects.update(inbox_only=True)
    make_event(acme.organization)
    make_event(acme.organization, acknowledged_at=ago(minutes=1))
    page = page_of(acme.organization)
    assert "Its events are refused" not in page
    assert "In its inbox 1 not acknowledged yet" in page


def test_its_latest_events_and_dead_letters(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    dead = make_event(acme.organization, event_type="order.paid")
    make_delivery(make_endpoint(acme.organization), event=dead, status="dead_letter", last_status_code=503)
    make_event(rival.organization, event_type="rival.event")

    page = page_of(acme.organization)

    assert "Latest events All Event Status Came in order.paid Dead letter just now" in page
    assert "order.paid http://93.184.215.14/hooks 503 Service Unavailable just now" in page
    assert "Dead letters 1 0 of the last day" in page
    assert "rival.event" not in page


def test_what_staff_did(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    for organization in (acme.organization, rival.organization):
        AuditEntry.objects.create(
            action="tier.changed", actor_name=organization.name.lower(), organization=organization
        )
    page = page_of(acme.organization)
    assert "just now acme Tier changed" in page
    assert "just now rival Tier changed" not in page


def test_keys_that_ended_long_ago_are_not_shown(acme: SimpleNamespace) -> None:
    make_key(acme.organization, name="old")
    ApiKey.objects.filter(name="old").update(revoked_at=ago(days=31))
    page = page_of(acme.organization)
    assert "default, made" in page
    assert "old, made" not in page


@pytest.mark.parametrize(
    ("permission", "heading"),
    [
        ("deliveries.view_endpoint", "Endpoints All"),
        ("events.view_event", "Latest events All"),
        ("deliveries.view_delivery", "Latest dead letters All"),
        ("organizations.view_auditentry", "What staff did All"),
    ],
)
def test_each_sees_what_he_may(acme: SimpleNamespace, permission: str, heading: str) -> None:
    without = page_of(acme.organization, browser=log_in("organizations.view_organization"))
    given = page_of(acme.organization, browser=log_in("organizations.view_organization", permission))
    assert (heading in without, heading in given) == (False, True)


def test_staff_read_tenants(acme: SimpleNamespace) -> None:
    browser = administrator()
    pages = [words(browser.get(f"/admin/{path}")) for path in ("", "organizations/organization/")]
    assert not any("rganization" in page.replace("create_organization", "") for page in pages)


def test_staff_read_schedules(db: None) -> None:
    page = words(administrator().get("/admin/django_celery_beat/periodictask/"))
    assert "/ Schedules" in page or "› Schedules" in page
    assert "Periodic tasks" not in page
