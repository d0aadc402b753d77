"""`manage.py rotate_encryption`"""

from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.contrib.auth.models import User
from django.core.management import CommandError, call_command

from deliveries.custom_headers import opened
from deliveries.endpoints import change_endpoint, current_secret
from deliveries.models import Endpoint, EndpointSecret
from deliveries.secrets import new_secret
from organizations.second_factor import begin_enrolment, unconfirmed_secret
from tests.factories import make_endpoint, make_organization

pytestmark = pytest.mark.django_db
OLD, NEW = Fernet.generate_key().decode(), Fernet.generate_key().decode()


@pytest.fixture
def endpoints(settings: pytest.FixtureDef) -> dict[Endpoint, str]:
    """Endpoints with their secrets, encrypted with the old key, which is still known."""
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    organization, secrets = make_organization(), [new_secret() for _ in range(3)]
    found = {make_endpoint(organization, secret=secret): secret for secret in secrets}
    change_endpoint(next(iter(found)), {"headers": {"X-Token": "1"}})
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    return found


def run() -> str:
    output = StringIO()
    call_command("rotate_encryption", stdout=output, stderr=StringIO())
    return output.getvalue()


def test_afterwards_the_old_key_can_be_dropped(
    endpoints: dict[Endpoint, str], settings: pytest.FixtureDef
) -> None:
    assert run() == "3 secrets and the headers of 1 endpoints are under the current key.\n"
    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert {endpoint: current_secret(endpoint) for endpoint in endpoints} == endpoints
    with_headers = Endpoint.objects.exclude(encrypted_headers="").get()
    assert opened(with_headers.encrypted_headers) == {"X-Token": "1"}


def test_second_factors_are_renewed_as_well(db: None, settings: pytest.FixtureDef) -> None:
    settings.FIELD_ENCRYPTION_KEYS = [OLD]
    ada = User.objects.create(username="ada")
    begin_enrolment(ada)
    secret = unconfirmed_secret(ada)
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]

    assert run() == "1 secrets and the headers of 0 endpoints are under the current key.\n"

    settings.FIELD_ENCRYPTION_KEYS = [NEW]
    assert unconfirmed_secret(ada) == secret


def test_a_secret_whose_key_is_missing_is_named_and_the_others_are_changed(
    endpoints: dict[Endpoint, str], settings: pytest.FixtureDef
) -> None:
    lost = EndpointSecret.objects.order_by("pk").last()
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]
    EndpointSecret.objects.filter(pk=lost.pk).update(
        encrypted=Fernet(Fernet.generate_key()).encrypt(b"x").decode()
    )
    settings.FIELD_ENCRYPTION_KEYS = [NEW, OLD]
    with pytest.raises(CommandError) as caught:
        run()
    assert f"The secret {lost.pk} was encrypted with a key that is not in FIELD_ENCRYPTION_KEYS." in str(
        caught.value
    )
    assert "2 were changed" in str(caught.value)


def test_secrets_are_encrypted_at_rest() -> None:
    secret = new_secret()
    make_endpoint(make_organization(), secret=secret)
    stored = EndpointSecret.objects.get().encrypted
    assert secret not in stored
    assert secret.removeprefix("whsec_") not in stored
