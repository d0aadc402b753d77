"""Lists in the admin that stay quick over millions of rows: they count up to a bound, and give up after a while."""

from typing import TYPE_CHECKING, Any

from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import IncorrectLookupParameters
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.paginator import Paginator
from django.forms import Media
from django.http import HttpRequest
from django.utils.functional import cached_property
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst

from organizations.patience import TookTooLong, patience

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
    AnyPaginator = Paginator[Any]
else:
    ModelAdmin, AnyPaginator = admin.ModelAdmin, Paginator

MOST_COUNTED = 10_000
SECONDS = 5
TOO_LONG_ADVICE = "Choose a tenant or a period, or search for an id."


class OrMore(int):
    """A number that counting stopped at: `10,000+` to a person."""

    def __str__(self) -> str:
        return f"{int(self):,}+"

    def __format__(self, specification: str) -> str:
        return str(self)


class BoundedPaginator(AnyPaginator):
    """Counts no further than MOST_COUNTED; what comes after has no page."""

    @cached_property
    def count(self) -> int:
        ids = self.object_list.order_by().values("pk")  # type: ignore[attr-defined]
        counted: int = ids[: MOST_COUNTED + 1].count()
        return counted if counted <= MOST_COUNTED else OrMore(MOST_COUNTED)

    def page(self, number: Any) -> Any:
        """Its rows by their ids: what a column asks for would be worked out for each row that is passed over."""
        page = super().page(number)
        if page.number > 1:
            page.object_list = self.object_list.filter(pk__in=page.object_list.values("pk"))  # type: ignore[attr-defined]
        return page


class PatientChangeList(ChangeList):
    """Waits SECONDS for its rows; then it shows none, and says what to do."""

    def __init__(self, request: HttpRequest, *args: Any) -> None:
        super().__init__(request, *args)
        self.title = capfirst(str(self.opts.verbose_name_plural))

    def get_results(self, request: HttpRequest) -> None:
        try:
            with patience(SECONDS):
                super().get_results(request)
                self.result_list = list(self.result_list)
                if isinstance(self.model_admin, ListAdmin):
                    self.model_admin.add_figures(self.result_list)
        except TookTooLong:
            self.queryset = self.queryset.none()
            super().get_results(request)
            messages.warning(request, f"This took longer than {SECONDS} seconds. {TOO_LONG_ADVICE}")

    def get_filters(self, request: HttpRequest) -> Any:
        """A filter of ours is active when something was asked for, not when its field came empty."""
        specs, has_filters, remaining, duplicates, _ = super().get_filters(request)
        active = any(value for spec in specs for value in getattr(spec, "given", {}).values())
        return specs, has_filters, remaining, duplicates, active


class FiltersOnly(PatientChangeList):
    """Search and filters without the rows: for what is asked about all that they let through. A list that gave up has
    none, and nothing would seem to be there."""

    def get_results(self, request: HttpRequest) -> None:
        self.result_list: list[Any] = []
        self.result_count = 0


class ListAdmin(ModelAdmin):
    """What all our lists have in common. `empty_words` says what will be seen where there is nothing yet,
    `hint` how rows come to be that can't be added here."""

    change_list_template = "admin/list.html"
    paginator = BoundedPaginator
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    list_per_page = 50
    sortable_by = ()
    empty_words = hint = ""

    @property
    def media(self) -> Media:
        """With what the filters need that are found by typing."""
        return super().media + AutocompleteSelect(None, self.admin_site).media

    def action_checkbox(self, obj: Any) -> SafeString:
        """Django's, of which each is a template with a form's field to fill in: an eighth of a page's time."""
        return format_html(
            '<input type="checkbox" name="{}" value="{}" class="action-select"'
            ' aria-label="Select this object for an action - {}">',
            ACTION_CHECKBOX_NAME,
            obj.pk,
            obj,
        )

    def add_figures(self, rows: list[Any]) -> None:
        """Puts onto the rows of a page what its columns need and no join gives."""

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return PatientChangeList

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        """Those of our filters: by `url__startswith` one could guess a token letter by letter."""
        if any(lookup in getattr(spec, "names", ()) for spec in self.list_filter):
            return True
        raise IncorrectLookupParameters  # leads to the list as it is

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False
