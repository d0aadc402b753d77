"""What support staff and operators come to the desk for, from the first click to the last."""

import re

from playwright.sync_api import expect

from tests.browser.desk import Desk
from tests.flows.journey import Journey, until

MANY = 10_000
_DEAD = """
WITH made AS (
    INSERT INTO events_event (id, organization_id, type, payload, created_at)
    SELECT triggers_uuid7(), %(organization)s, 'flow.event', jsonb_build_object('n', n), now()
    FROM generate_series(1, %(count)s) AS n
    RETURNING id, type
)
INSERT INTO deliveries_delivery (
    id, organization_id, event_id, event_type, endpoint_id, status, attempts, claim, manual, test, last_status_code,
    last_error, created_at, settled_at
)
SELECT triggers_uuid7(), %(organization)s, id, type, %(endpoint)s, 'dead_letter', 5, 5, false, false, 503,
    'The receiver answered 503.', now(), now()
FROM made
"""


def dead_letter(tenant: Journey) -> str:
    """An event whose receiver failed it to the end; its id."""
    tenant.receiver.behave(tenant.name, status=503)
    event_id = tenant.post(order=4711)
    until(lambda: status_of(tenant, event_id) == "dead_letter", timeout=60, what="a dead letter")
    return event_id


def many_dead_letters(tenant: Journey, count: int) -> None:
    tenant.sql(
        _DEAD.replace("%(organization)s", f"'{tenant.organization_id}'::uuid")
        .replace("%(endpoint)s", f"'{tenant.endpoint_id}'::uuid")
        .replace("%(count)s", str(count))
    )


def status_of(tenant: Journey, event_id: str) -> str:
    return tenant.call("GET", f"/api/events/{event_id}").json()["status"]


def test_why_did_this_event_fail(desk: Desk, tenant: Journey) -> None:
    event_id = dead_letter(tenant)

    desk.find(event_id)

    expect(desk.page.get_by_role("heading", level=1)).to_have_text("flow.event")
    assert "Dead letter" in desk.words
    assert "503" in desk.words


def test_one_dead_letter_is_replayed(desk: Desk, tenant: Journey) -> None:
    event_id = dead_letter(tenant)
    tenant.receiver.behave(tenant.name)

    desk.go("deliveries/deadletter/")
    row = desk.page.locator("#result_list tbody tr").filter(has_text=event_id)
    row.get_by_role("link", name="Replay…").click()
    desk.press("Replay")

    expect(desk.page.get_by_text("1 delivery is being sent again.")).to_be_visible()
    tenant.wait_for([event_id], timeout=30)


def test_ten_thousand_are_replayed_by_a_filter(desk: Desk, tenant: Journey) -> None:
    tenant.receiver.behave(tenant.name)
    many_dead_letters(tenant, MANY)

    desk.go(f"deliveries/deadletter/?endpoint={tenant.endpoint_id}")
    desk.press("Replay all")
    desk.press("Replay 10,000 dead letters")

    expect(desk.page.locator("progress")).to_have_attribute("max", str(MANY))
    expect(desk.page.get_by_text("Done", exact=True).first).to_be_visible(timeout=60_000)
    assert "10,000 deliveries" in desk.words
    until(
        lambda: len(tenant.receiver.delivered(tenant.name)) >= MANY, timeout=120, what="all of them arrived"
    )


def test_a_tenants_tier_is_raised(desk: Desk, tenant: Journey) -> None:
    desk.find(tenant.name)
    desk.page.get_by_label("Tier").select_option("pro")
    desk.press("Save")

    assert re.search("changed successfully", desk.words)
    assert tenant.sql(
        "SELECT tier FROM organizations_organization WHERE id = %s", tenant.organization_id
    ) == [("pro",)]


def test_an_endpoint_is_paused_and_resumed(desk: Desk, tenant: Journey) -> None:
    desk.find(tenant.endpoint_id)
    desk.press("Pause…")
    desk.press("Pause")
    assert "Paused" in desk.words
    event_id = tenant.post(order=4712)

    desk.press("Resume…")
    desk.press("Resume")

    assert "Enabled" in desk.words
    tenant.wait_for([event_id], timeout=30)


def test_times_are_typed_and_shown_in_the_viewers_zone(desk: Desk, tenant: Journey) -> None:
    """Berlin's, in winter one hour before UTC."""
    tenant.post(order=4713)
    desk.go(f"events/event/?tenant={tenant.organization_id}")
    field = desk.page.get_by_label("Came in from (your time)")

    field.fill("2026-01-15T00:30")
    desk.press("Apply")

    assert "since=2026-01-14T23%3A30" in desk.page.url
    expect(desk.page.get_by_label("Came in from (your time)")).to_have_value("2026-01-15T00:30")
    expect(desk.page.locator("#result_list time").first).to_have_attribute("title", re.compile("GMT\\+1$"))
