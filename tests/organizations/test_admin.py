"""The admin's tenants: raising a tier, revoking a key; never a key or its hash."""

from types import SimpleNamespace

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import RequestFactory

from organizations.models import ApiKey, Organization
from organizations.tiers import Tier
from tests.deliveries.figures_written import write_arrivals
from tests.factories import ago, make_key, make_organization
from tests.staff import administrator, log_in, logged, press, viewer, words

ORGANIZATIONS = "/admin/organizations/organization/"


def page_of(acme: SimpleNamespace) -> str:
    return f"{ORGANIZATIONS}{acme.organization.pk}/change/"


def revocation_of(key: ApiKey) -> str:
    return f"{ORGANIZATIONS}{key.organization_id}/keys/{key.pk}/revoke/"


@pytest.fixture
def key(acme: SimpleNamespace) -> ApiKey:
    """One of the two keys that the tenant has."""
    make_key(acme.organization, name="CI", scopes=["events:write"])
    return ApiKey.objects.get(name="CI")


def shown(path: str) -> set[str]:
    return {organization.name for organization in administrator().get(path).context["cl"].result_list}


def test_tenants_in_the_list(acme: SimpleNamespace) -> None:
    make_organization(name="Rival", tier=Tier.PRO)

    write_arrivals(acme.organization, 1_204)

    assert "Rival Pro 1,000 0 just now Acme Free 100 1,204 just now" in words(
        administrator().get(ORGANIZATIONS)
    )


def test_tenants_are_found(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    Organization.objects.filter(pk=rival.organization.pk).update(tier="pro")
    prefix = ApiKey.objects.get(organization=acme.organization).prefix

    for query in ("q=acm", f"q={acme.organization.pk}", f"q={prefix}", "tier=free"):
        assert shown(f"{ORGANIZATIONS}?{query}") == {"Acme"}, query


def test_the_tenant_filters_find_them_as_well(acme: SimpleNamespace, rival: SimpleNamespace) -> None:
    path = "/admin/autocomplete/?app_label=deliveries&model_name=delivery&field_name=organization&term=acm"

    assert administrator().get(path).json()["results"] == [{"id": str(acme.organization.pk), "text": "Acme"}]


def test_a_tenant_and_its_keys(acme: SimpleNamespace, key: ApiKey) -> None:
    ApiKey.objects.filter(pk=key.pk).update(last_used_at=ago(hours=2))

    page = administrator().get(page_of(acme))

    first = ApiKey.objects.get(name="default")
    read = words(page)
    assert f"{key.prefix}… CI, made just now events:write 2 hours ago no end Revoke…" in read
    assert (
        f"{first.prefix}… default, made just now events:write, events:read, endpoints:write, keys:write"
        in read
    )
    assert not any(
        hidden in page.content.decode() for hidden in (acme.key, key.secret_hash, first.secret_hash)
    )


def test_staff_raise_a_tier(acme: SimpleNamespace) -> None:
    saved = administrator().post(page_of(acme), {"tier": "pro", "name": "Evil", "inbox_only": "on"})

    assert saved.status_code == 302
    assert Organization.objects.values("name", "tier", "inbox_only").get() == {
        "name": "Acme",
        "tier": "pro",
        "inbox_only": False,
    }
    assert logged() == [("Acme", "tier.changed")]


def test_what_the_api_changes_while_a_tier_is_raised_stays(acme: SimpleNamespace, rf: RequestFactory) -> None:
    request = rf.post(page_of(acme))
    request.user = User.objects.create(username="staff")
    read = Organization.objects.get()
    read.tier = "pro"
    Organization.objects.update(inbox_only=True)

    form = SimpleNamespace(has_changed=lambda: True)
    admin.site.get_model_admin(Organization).save_model(request, read, form, change=True)

    assert Organization.objects.values("tier", "inbox_only").get() == {"tier": "pro", "inbox_only": True}


def test_saving_what_is_so_already_changes_nothing(acme: SimpleNamespace) -> None:
    administrator().post(page_of(acme), {"tier": "free"})

    assert Organization.objects.get().tier == "free"


def test_a_tier_that_is_none_is_refused(acme: SimpleNamespace) -> None:
    page = administrator().post(page_of(acme), {"tier": "golden"})

    assert "Select a valid choice." in words(page)
    assert Organization.objects.get().tier == "free"


def test_a_key_is_revoked_once_it_was_asked(acme: SimpleNamespace, key: ApiKey) -> None:
    browser = administrator()

    asked = browser.get(revocation_of(key))
    assert "Revoke this key?" in words(asked)
    assert f"Key {key.prefix}… CI Tenant Acme Last used never" in words(asked)
    key.refresh_from_db()
    assert key.revoked_at is None
    page = press(browser, asked)

    assert f"The key {key.prefix}… is refused from now on." in words(page)
    key.refresh_from_db()
    assert key.revoked_at is not None
    assert logged() == [(str(key), "key.revoked")]
    assert "Revoked just now" in words(page)


def test_a_revoked_key_stays_as_it_is(key: ApiKey) -> None:
    long_ago = ago(days=3)
    ApiKey.objects.filter(pk=key.pk).update(revoked_at=long_ago)
    browser = administrator()

    asked = browser.get(revocation_of(key))
    assert "It was revoked 3 days ago." in words(asked)
    page = press(browser, asked)

    assert "It was revoked already." in words(page)
    key.refresh_from_db()
    assert key.revoked_at == long_ago
    assert logged() == []


def test_the_last_valid_key_is_not_revoked(acme: SimpleNamespace) -> None:
    key = ApiKey.objects.get()
    browser = administrator()

    asked = browser.get(revocation_of(key))
    assert "it is the last valid key of this tenant" in words(asked)
    page = browser.post(revocation_of(key), follow=True)

    assert "Not revoked: it is the last valid key" in words(page)
    key.refresh_from_db()
    assert key.revoked_at is None
    assert logged() == []


def test_a_key_is_revoked_under_its_own_tenant_only(key: ApiKey, rival: SimpleNamespace) -> None:
    path = f"{ORGANIZATIONS}{rival.organization.pk}/keys/{key.pk}/revoke/"

    assert administrator().post(path).status_code == 404
    key.refresh_from_db()
    assert key.revoked_at is None


def test_who_may_only_look_changes_nothing(acme: SimpleNamespace, key: ApiKey) -> None:
    browser = viewer()

    read = words(browser.get(page_of(acme)))
    assert key.prefix in read
    assert "Revoke…" not in read
    assert browser.post(page_of(acme), {"tier": "enterprise"}).status_code == 403
    assert browser.get(revocation_of(key)).status_code == 403
    assert browser.post(revocation_of(key)).status_code == 403
    key.refresh_from_db()
    assert (key.revoked_at, Organization.objects.get().tier) == (None, "free")
    assert logged() == []


def test_who_may_raise_tiers_need_not_be_allowed_to_revoke_keys(acme: SimpleNamespace, key: ApiKey) -> None:
    browser = log_in("organizations.change_organization")

    assert browser.post(revocation_of(key)).status_code == 403
    assert browser.post(page_of(acme), {"tier": "pro"}).status_code == 302
    assert Organization.objects.get().tier == "pro"


def test_a_form_of_another_site_changes_nothing(acme: SimpleNamespace, key: ApiKey) -> None:
    browser = administrator(enforce_csrf_checks=True)

    assert browser.post(page_of(acme), {"tier": "enterprise"}).status_code == 403
    assert browser.post(revocation_of(key)).status_code == 403
    key.refresh_from_db()
    assert (key.revoked_at, Organization.objects.get().tier) == (None, "free")


def test_tenants_are_neither_added_nor_deleted_here(acme: SimpleNamespace) -> None:
    browser = administrator()

    assert browser.post(f"{ORGANIZATIONS}add/", {"name": "New", "tier": "free"}).status_code == 403
    assert browser.post(f"{ORGANIZATIONS}{acme.organization.pk}/delete/", {"post": "yes"}).status_code == 403
    assert list(Organization.objects.values_list("name", flat=True)) == ["Acme"]


def test_an_unknown_tenant(db: None) -> None:
    page = administrator().get(f"{ORGANIZATIONS}01a20445-7d9d-7348-90e9-e079c79d4440/change/", follow=True)

    assert "doesn’t exist" in words(page)


def test_the_list_says_how_a_tenant_is_made(db: None) -> None:
    assert "manage.py create_organization" in words(administrator().get(ORGANIZATIONS))
