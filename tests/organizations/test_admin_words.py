"""How the desk says things."""

import uuid

import pytest
from django.urls import reverse, set_script_prefix

from organizations.admin_words import address, breakable, in_brief, page_at, percent
from organizations.models import Organization
from organizations.templatetags.desk import figure


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (-1, "0 s"),
        (45, "45 s"),
        (59.9, "1 min"),
        (150, "2 min"),
        (3600, "1 h"),
        (90_000, "25 h"),
        (172_800, "2 days"),
        (1_000_000, "12 days"),
    ],
)
def test_a_length_of_time_in_brief(seconds: float, words: str) -> None:
    assert in_brief(seconds) == words


@pytest.mark.parametrize(
    ("share", "words"),
    [(None, "–"), (0.0, "0 %"), (0.0001, "0.1 %"), (0.9919, "99.2 %"), (0.99999, "99.9 %"), (1.0, "100 %")],
)
def test_a_share_in_per_cent(share: float | None, words: str) -> None:
    assert percent(share) == words


@pytest.mark.parametrize(
    ("number", "unit", "words"),
    [
        (None, "", "–"),
        (1204, "", "1,204"),
        (12.5, " ms", "12.5 ms"),
        (1204.4, " ms", "1,204 ms"),
        (12_000, " ms", "12 s"),
    ],
)
def test_a_figure(number: float | None, unit: str, words: str) -> None:
    assert figure(number, unit) == words


def test_a_text_may_be_broken_after_its_signs_and_is_escaped() -> None:
    assert breakable("https://a-b.example/<b>&c_") == (
        "https://<wbr>a-<wbr>b.<wbr>example/<wbr>&lt;b&gt;&amp;c_<wbr>"
    )


def test_the_address_of_a_row_is_what_django_says_it_is() -> None:
    identifier = uuid.uuid4()
    name = "admin:organizations_organization_change"
    assert page_at(Organization, identifier) == reverse(name, args=[identifier])
    assert address(name, "a/b c?") == reverse(name, args=["a/b c?"])


def test_an_address_begins_with_where_the_site_is_served() -> None:
    name = "admin:organizations_organization_change"
    assert address(name, 1) == "/admin/organizations/organization/1/change/"
    try:
        set_script_prefix("/desk/")
        assert address(name, 1) == "/desk/admin/organizations/organization/1/change/"
    finally:
        set_script_prefix("/")
