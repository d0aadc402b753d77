import ipaddress

import pytest
from django.core.checks import run_checks


def warnings() -> set[str]:
    return {
        message.id
        for message in run_checks(include_deployment_checks=True)
        if message.id.startswith("triggers.")
    }


@pytest.mark.parametrize(("generated", "expected"), [(True, {"triggers.W001"}), (False, set())])
def test_secrets_that_one_machine_made_for_itself_are_warned_about(
    settings: pytest.FixtureDef, generated: bool, expected: set[str]
) -> None:
    settings.SECRETS_ARE_GENERATED = generated
    assert warnings() == expected


def test_open_private_networks_are_warned_about(settings: pytest.FixtureDef) -> None:
    settings.SECRETS_ARE_GENERATED = False
    settings.ALLOWED_PRIVATE_NETWORKS = [ipaddress.ip_network("10.0.0.0/8")]
    assert warnings() == {"triggers.W002"}
