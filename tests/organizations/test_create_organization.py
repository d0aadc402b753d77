"""`manage.py create_organization`"""

import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from deliveries.models import Endpoint
from organizations.models import Organization
from tests.calls import Caller
from tests.factories import SOMEWHERE

pytestmark = pytest.mark.django_db


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("create_organization", *arguments, stdout=output)
    return output.getvalue()


def test_it_prints_one_line_like_the_answer_of_sign_up() -> None:
    output = run("Acme")
    signed_up = Caller().post("/api/keys/generate", {"organization_name": "Acme"}).json()
    answer = json.loads(output)
    assert output.count("\n") == 1
    assert {name: sorted(answer[name]) for name in ("key", "organization")} == {
        name: sorted(signed_up[name]) for name in ("key", "organization")
    }
    assert answer["organization"]["name"] == "Acme"


def test_the_key_it_prints_works() -> None:
    assert Caller(json.loads(run("Acme"))["api_key"]).get("/api/keys").status_code == 200


def test_the_operator_chooses_tier_and_url() -> None:
    answer = json.loads(run("Acme", "--tier", "enterprise", "--webhook-url", SOMEWHERE))
    assert answer["organization"]["rate_limit_per_minute"] == 100_000
    assert Endpoint.objects.get().url == SOMEWHERE


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["  "], "The name takes 1-200 characters."),
        (["n" * 201], "The name takes 1-200 characters."),
        (["A\x1b[2Jcme"], "A name is one line, without control characters."),
        (
            ["Acme", "--webhook-url", "ftp://a.example"],
            "--webhook-url: A URL must begin with http:// or https://",
        ),
        (["Acme", "--tier", "gold"], "argument --tier: invalid choice: 'gold'"),
    ],
)
def test_what_does_not_fit_is_refused_in_words(arguments: list[str], words: str) -> None:
    with pytest.raises(CommandError) as caught:
        run(*arguments)
    assert words in str(caught.value)
    assert not Organization.objects.exists()
