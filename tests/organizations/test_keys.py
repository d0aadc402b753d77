from types import SimpleNamespace

from organizations.errors import LastKey
from organizations.keys import revoke_key
from organizations.models import ApiKey
from tests.concurrency import at_once
from tests.factories import make_key


def test_of_two_keys_deleted_at_once_one_stays(committed_acme: SimpleNamespace) -> None:
    organization = committed_acme.organization
    make_key(organization)
    one, other = ApiKey.objects.of(organization)
    outcomes = at_once([lambda: revoke_key(organization, one.pk), lambda: revoke_key(organization, other.pk)])
    assert sorted(type(outcome) for outcome in outcomes if outcome is not None) == [LastKey]
    assert ApiKey.objects.of(organization).valid().count() == 1
