"""`manage.py seed_desk`"""

import json
import stat
from io import StringIO
from pathlib import Path

import pytest
from django.contrib.auth import authenticate, get_user_model
from django.core.management import call_command

from deliveries.models import Endpoint
from organizations.models import Organization
from tests.calls import Caller
from tests.factories import make_organization

pytestmark = pytest.mark.django_db
URL, NEW_URL = "http://127.0.0.1:9999/", "http://127.0.0.1:8888/"


@pytest.fixture(autouse=True)
def desk(settings: pytest.FixtureDef, tmp_path: Path) -> Path:
    settings.DATA_DIR = tmp_path
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]  # quick
    return tmp_path / "desk.json"


def seed(url: str = URL) -> dict[str, str]:
    output = StringIO()
    call_command("seed_desk", "--receiver-url", url, stdout=output)
    found: dict[str, str] = json.loads(output.getvalue())
    return found


def test_a_new_desk_has_an_admin_and_a_demo_tenant() -> None:
    seeded = seed()
    assert sorted(seeded) == [
        "admin_password",
        "admin_user",
        "api_key",
        "organization_id",
        "receiver_url",
        "webhook_secret",
    ]
    admin = authenticate(username=seeded["admin_user"], password=seeded["admin_password"])
    assert admin is not None
    assert admin.is_superuser
    assert Caller(seeded["api_key"]).get("/api/keys").json()["organization"]["name"] == "Demo"
    assert Endpoint.objects.get().url == URL


def test_what_it_says_is_kept_for_its_owner_alone(desk: Path) -> None:
    seeded = seed()
    assert json.loads(desk.read_text()) == seeded
    assert stat.S_IMODE(desk.stat().st_mode) == 0o600


def test_the_second_time_nothing_is_made_and_it_says_the_same() -> None:
    assert seed() == seed()
    assert (get_user_model().objects.count(), Organization.objects.count(), Endpoint.objects.count()) == (
        1,
        1,
        1,
    )


def test_the_endpoint_follows_the_receiver() -> None:
    first = seed()
    assert seed(NEW_URL) == {**first, "receiver_url": NEW_URL}
    assert Endpoint.objects.get().url == NEW_URL


def test_somebody_elses_tenants_and_admins_are_left_alone() -> None:
    make_organization(name="Acme")
    get_user_model().objects.create_superuser("root", password="known to root alone")
    assert seed() == {}
    assert Organization.objects.get().name == "Acme"
    assert get_user_model().objects.get().username == "root"
