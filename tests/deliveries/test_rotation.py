"""Exchanging an endpoint's signing secret, by API and as receivers see it"""

import uuid
from datetime import timedelta
from types import SimpleNamespace

import pytest
from django.db.models.functions import Now
from standardwebhooks import Webhook, WebhookVerificationError

from deliveries.endpoints import current_secret
from deliveries.models import Endpoint, EndpointSecret
from deliveries.rotation import rotate_secret
from organizations.models import Organization
from tests.concurrency import at_once
from tests.deliveries.engine_room import run_engine
from tests.deliveries.receiver import Request, answers, receiving
from tests.factories import make_delivery, make_endpoint

GIVEN = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def verifies(secret: str, request: Request) -> bool:
    try:
        Webhook(secret).verify(request.body, request.headers)
    except WebhookVerificationError:
        return False
    return True


def test_both_secrets_sign_until_the_grace_ends(committed_organization: Organization) -> None:
    with receiving(answers(204)) as receiver:
        endpoint = make_endpoint(committed_organization, url=receiver.url)
        old = current_secret(endpoint)
        make_delivery(endpoint)
        run_engine()
        rotate_secret(endpoint, grace=timedelta(hours=1))
        new = current_secret(endpoint)
        make_delivery(endpoint)
        run_engine()
        EndpointSecret.objects.filter(valid_until__isnull=False).update(valid_until=Now())
        make_delivery(endpoint)
        run_engine()
    assert [(verifies(old, request), verifies(new, request)) for request in receiver.requests] == [
        (True, False),
        (True, True),
        (False, True),
    ]


def test_without_grace_only_the_new_one_signs(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    response = acme.api.post(
        f"/api/endpoints/{endpoint.pk}/rotate-secret", {"grace_seconds": 0, "secret": GIVEN}
    )
    assert (response.status_code, response.json()) == (200, {"secret": GIVEN, "previous_secrets_until": None})


def test_a_rotation_answers_with_the_new_secret_and_the_end_of_the_grace(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    old = current_secret(endpoint)
    answer = acme.api.post(f"/api/endpoints/{endpoint.pk}/rotate-secret").json()
    assert answer["secret"] not in (old, "")
    assert answer["previous_secrets_until"] is not None
    assert acme.api.get(f"/api/endpoints/{endpoint.pk}/secret").json() == answer


def test_senders_learn_of_a_rotation(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    before = endpoint.revision
    rotate_secret(endpoint, grace=timedelta(0))
    endpoint.refresh_from_db()
    assert endpoint.revision == before + 1


@pytest.mark.parametrize("body", [{"secret": "whsec_x"}, {"grace_seconds": -1}, {"grace_seconds": 604_801}])
def test_a_rotation_that_does_not_fit_changes_nothing(acme: SimpleNamespace, body: object) -> None:
    endpoint = make_endpoint(acme.organization)
    before = current_secret(endpoint)
    response = acme.api.post(f"/api/endpoints/{endpoint.pk}/rotate-secret", body)
    assert (response.status_code, current_secret(endpoint)) == (422, before)


def test_many_rotations_at_once_leave_one_current_secret(committed_organization: Organization) -> None:
    endpoint = make_endpoint(committed_organization)
    results = at_once([lambda: rotate_secret(endpoint, grace=timedelta(hours=1))] * 5)
    assert results == [None] * 5
    assert EndpointSecret.objects.filter(endpoint=endpoint, valid_until__isnull=True).count() == 1
    assert EndpointSecret.objects.filter(endpoint=endpoint).count() == 6


def test_the_secret_of_a_deleted_endpoint_is_not_there(acme: SimpleNamespace) -> None:
    endpoint = make_endpoint(acme.organization)
    Endpoint.objects.update(deleted_at=Now())
    assert acme.api.get(f"/api/endpoints/{endpoint.pk}/secret").status_code == 404
    assert acme.api.get(f"/api/endpoints/{uuid.uuid4()}/secret").status_code == 404
