"""Filters above the admin's lists, which ask instead of listing everything there is."""

import uuid
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from django import forms
from django.contrib.admin import ListFilter
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.db.models import Field, Model, QuerySet
from django.http import HttpRequest

from organizations.admin_lists import ModelAdmin
from organizations.uuid7 import SLACK, id_bounds


class AskingFilter(ListFilter):
    """A field, or two, of the one form that all filters of a list share. `names` are its parameters."""

    names: tuple[str, ...] = ()
    fault = ""

    def __init__(
        self, request: HttpRequest, params: dict[str, list[str]], model: type[Model], model_admin: ModelAdmin
    ) -> None:
        super().__init__(request, params, model, model_admin)
        self.model_admin = model_admin
        self.given = {name: params.pop(name, [""])[-1].replace("\0", "").strip() for name in self.names}

    @property
    def name(self) -> str:
        return self.names[0]

    @property
    def wanted(self) -> str:
        return self.given[self.name]

    def asked(self, name: str) -> str:
        """What was asked for by one of its parameters, for people: `tenant: Acme`."""
        title = self.title if len(self.names) == 1 else f"{self.title} {name}"
        return f"{title}: {self.in_words(name)}"

    def in_words(self, name: str) -> str:
        return self.given[name]

    def has_output(self) -> bool:
        return True

    def expected_parameters(self) -> list[str | None]:
        return list(self.names)

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        """None to click on: there is a form."""
        yield from ()

    def nothing(self, queryset: QuerySet[Any], fault: str) -> QuerySet[Any]:
        """What can't be understood lets nothing through: everything could be replayed by mistake."""
        self.fault = fault
        return queryset.none()


class ChoiceFilter(AskingFilter):
    """One of a few `options`, each a value and its words. `field` holds the value."""

    template = "admin/filters/choice.html"
    field = ""
    options: Sequence[tuple[str, Any]] = ()

    def in_words(self, name: str) -> str:
        return str(dict(self.options).get(self.wanted, self.wanted))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.wanted:
            return queryset
        if self.wanted not in dict(self.options):
            return self.nothing(queryset, "There is no such choice.")
        return self.chosen(queryset)

    def chosen(self, queryset: QuerySet[Any]) -> QuerySet[Any]:
        return queryset.filter(**{self.field: self.wanted})


class TextFilter(AskingFilter):
    """One word, with suggestions."""

    template = "admin/filters/text.html"
    placeholder = ""
    suggestions: tuple[str, ...] = ()


class EventTypeFilter(TextFilter):
    """`order.created`, or `order.*` for all that begin with `order.`. `field` holds the type."""

    title = "event type"
    names = ("type",)
    placeholder = "order.created or order.*"
    field = "event_type"

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if self.wanted.endswith(".*"):
            return queryset.filter(**{f"{self.field}__startswith": self.wanted[:-1]})
        return queryset.filter(**{self.field: self.wanted}) if self.wanted else queryset


class PeriodFilter(AskingFilter):
    """From and until, in UTC, of `field`."""

    template = "admin/filters/period.html"
    names = ("since", "until")
    field = "created_at"
    slack: timedelta | None = (
        SLACK  # between an id and `field`; None: they have nothing to do with each other
    )

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        try:
            since, until = (moment(self.given[name]) for name in self.names)
        except ValueError:
            return self.nothing(queryset, "Write a time like 2026-11-23 14:00.")
        if since:
            queryset = queryset.filter(**{f"{self.field}__gte": since})
        if until:
            queryset = queryset.filter(**{f"{self.field}__lt": until})
        return queryset.filter(**id_bounds(since, until, slack=self.slack)) if self.slack else queryset


class OneOfManyFilter(AskingFilter):
    """One row of another table, found by typing: there may be 10,000 of them. `source` is the foreign key."""

    template = "admin/filters/one_of_many.html"
    source: "Field[Any, Any]"
    any_words = "Any"

    def in_words(self, name: str) -> str:
        identifier = as_uuid(self.wanted)
        row = self._remote._default_manager.filter(pk=identifier).first() if identifier else None
        return str(row or self.wanted)

    @property
    def _remote(self) -> type[Model]:
        return self.source.remote_field.model  # type: ignore[union-attr]

    def has_output(self) -> bool:
        """Django's autocomplete asks for this permission as well."""
        return self.model_admin.admin_site.get_model_admin(self._remote).has_view_permission(self.request)

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        if not self.wanted:
            return queryset
        identifier = as_uuid(self.wanted)
        if identifier is None:
            return self.nothing(queryset, "This is not an id.")
        return queryset.filter(**{self.source.attname: identifier})

    def widget(self) -> str:
        """The field that asks Django's autocomplete view."""
        field = forms.ModelChoiceField(
            queryset=self._remote._default_manager.all(),
            required=False,
            widget=OneOfMany(self.source, self.model_admin.admin_site, self.any_words),
        )
        chosen = self.wanted if as_uuid(self.wanted) else ""
        return field.widget.render(self.name, chosen, {"id": f"filter-{self.name}"})


class OneOfMany(AutocompleteSelect):
    def __init__(self, field: Any, admin_site: Any, any_words: str) -> None:
        super().__init__(field, admin_site)
        self.any_words = any_words

    def build_attrs(self, base_attrs: Any, extra_attrs: Any = None) -> dict[str, Any]:
        return {**super().build_attrs(base_attrs, extra_attrs), "data-placeholder": self.any_words}


def moment(text: str) -> datetime | None:
    """ISO 8601, in UTC unless it says otherwise; None for an empty text. ValueError."""
    if not text:
        return None
    found = datetime.fromisoformat(text)
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def as_uuid(text: str) -> uuid.UUID | None:
    try:
        return uuid.UUID(text.strip())
    except ValueError:
        return None
