"""The search on every page of the desk: whatever somebody has at hand, and the page that it means."""

import uuid
from collections.abc import Iterator
from typing import Any, NamedTuple

from django.contrib.admin import AdminSite
from django.db.models import Model, Q
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse

from deliveries.models import Delivery, Endpoint
from deliveries.picked import StaffReplay
from events.admin_search import events_with_dedup_id
from events.models import Event
from organizations.admin_filters import as_uuid
from organizations.admin_lists import SECONDS
from organizations.admin_words import page_of, without_query
from organizations.key_format import PREFIX, PUBLIC_LENGTH
from organizations.models import ApiKey, AuditEntry, Organization
from organizations.patience import TookTooLong, patience

MOST_OF_A_KIND = 20
BY_ID: tuple[type[Model], ...] = (Event, Delivery, Endpoint, Organization, ApiKey, StaffReplay, AuditEntry)


class Found(NamedTuple):
    """`kind`: what it is, in a word. `exact`: the term is its id, or all of its name."""

    kind: str
    words: str
    under: str
    url: str
    exact: bool = False


def find_page(site: AdminSite, request: HttpRequest) -> HttpResponse:
    """What one thing alone is meant by opens its page; else there is a list to choose from."""
    term = request.GET.get("q", "").strip().replace("\0", "")
    took_too_long = False
    found: list[Found] = []
    try:
        with patience(SECONDS):
            found = list(everything_like(term, may_see(request))) if term else []
    except TookTooLong:
        took_too_long = True
    meant = [one for one in found if one.exact] or found
    if len(meant) == 1:
        return HttpResponseRedirect(meant[0].url)
    context = {
        **site.each_context(request),
        "title": f"Found for “{shown(term)}”" if term else "Find anything",
        "found_for": shown(term),
        "found": found,
        "most": MOST_OF_A_KIND,
        "took_too_long": took_too_long,
    }
    return TemplateResponse(request, "admin/find.html", context)


def may_see(request: HttpRequest) -> set[type[Model]]:
    return {model for model in BY_ID if request.user.has_perm(seeing(model))}


def seeing(model: type[Model]) -> str:
    return f"{model._meta.app_label}.view_{model._meta.model_name}"


def everything_like(term: str, models: set[type[Model]]) -> Iterator[Found]:
    identifier = as_uuid(term)
    if identifier:
        found = list(with_id(identifier, models))
        yield from found or named(term, models)  # a dedup id may look like an id
    elif term.startswith(PREFIX):
        yield from with_key(term, models)
    else:
        yield from named(term, models)


def with_id(identifier: uuid.UUID, models: set[type[Model]]) -> Iterator[Found]:
    for model in BY_ID:
        row = model._default_manager.filter(pk=identifier).first() if model in models else None
        if row is not None:
            yield found_row(row, exact=True)


def with_key(term: str, models: set[type[Model]]) -> Iterator[Found]:
    """By the part of it that may be shown, though all of it may have been pasted."""
    if ApiKey in models:
        public_id = term.removeprefix(PREFIX)[:PUBLIC_LENGTH]
        for key in ApiKey.objects.select_related("organization").filter(public_id=public_id):
            yield found_row(key, exact=True)


def named(term: str, models: set[type[Model]]) -> Iterator[Found]:
    if Event in models:
        events = Event.objects.defer("payload").select_related("organization")
        for event in events.filter(pk__in=events_with_dedup_id(term, tenant=None))[:MOST_OF_A_KIND]:
            yield found_row(event, exact=True)
    if Organization in models:
        tenants = Organization.objects.filter(name__icontains=term).order_by("name")
        for tenant in tenants[:MOST_OF_A_KIND]:
            yield found_row(tenant, exact=tenant.name.casefold() == term.casefold())
    if Endpoint in models:
        bare = without_the_query(term)
        endpoints = (
            Endpoint.objects.with_bare_url()
            .select_related("organization")
            .filter(Q(bare_url__icontains=bare) | Q(description__icontains=term), deleted_at=None)
        )
        for endpoint in endpoints[:MOST_OF_A_KIND]:
            yield found_row(endpoint, exact="://" in term and without_the_query(endpoint.url) == bare)


def without_the_query(url: str) -> str:
    return url.partition("?")[0].partition("#")[0]


def found_row(row: Any, *, exact: bool) -> Found:
    if isinstance(row, Event):
        return Found("Event", row.type, f"{row.organization.name} · {row.pk}", page_of(row), exact)
    if isinstance(row, Endpoint):
        return Found("Endpoint", without_query(row.url), row.organization.name, page_of(row), exact)
    if isinstance(row, Organization):
        return Found("Tenant", row.name, f"{row.get_tier_display()} · {row.pk}", page_of(row), exact)
    if isinstance(row, ApiKey):
        return Found("API key", f"{row.prefix}…", row.organization.name, page_of(row.organization), exact)
    kind = str(row._meta.verbose_name).capitalize()
    return Found(kind, str(row), str(row.pk), page_of(row), exact)


def shown(term: str) -> str:
    """Of a whole key no more than may be shown."""
    return f"{term[: len(PREFIX) + PUBLIC_LENGTH]}…" if term.startswith(PREFIX) else term
