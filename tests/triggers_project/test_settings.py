"""The settings as a process reads them: bad values stop the start, in one line of words."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.conf import settings
from django.core.management import call_command

from organizations.tiers import Tier

ROOT = Path(__file__).resolve().parents[2]
BAD = {
    "PORT": ("eighty", "PORT='eighty' is not a whole number"),
    "DATABASE_URL": (
        "mysql://u:hidden@host/db",
        "DATABASE_URL does not start with postgresql:// or postgres://",
    ),
    "REDIS_URL": ("redis://:hidden@host:port/0", "REDIS_URL names no host and port that can be read"),
    "FIELD_ENCRYPTION_KEYS": (
        "hidden",
        "FIELD_ENCRYPTION_KEYS: key 1 is not 32 bytes in URL-safe base64; make one ",
    ),
    "RETENTION_DAYS_FREE": ("none", "RETENTION_DAYS_FREE='none' is not a whole number"),
    "CORS_ALLOWED_ORIGINS": (
        "app.example",
        "CORS_ALLOWED_ORIGINS: 'app.example' is not an origin such as https://app.example.com",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_a_bad_value_stops_the_start_in_one_line_that_says_which_and_why(name: str) -> None:
    value, words = BAD[name]
    ended = subprocess.run(
        [sys.executable, "manage.py", "check"],
        cwd=ROOT,
        env={**os.environ, name: value},
        capture_output=True,
        text=True,
        timeout=30,
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"Triggers can't start: {words}")
    assert ended.stderr.count("\n") == 1
    assert "hidden" not in ended.stderr


def test_every_model_has_its_migration(db: None) -> None:
    call_command("makemigrations", check=True, dry_run=True, verbosity=0)


def test_the_defaults_are_those_of_the_contract() -> None:
    assert settings.RETRY_SCHEDULE == [5, 300, 1800, 7200]
    assert (settings.WEBHOOK_TIMEOUT, settings.RETENTION_DAYS) == (30.0, 90)
    assert dict.fromkeys(Tier.values, 90) == settings.RETENTION_DAYS_BY_TIER
    assert (settings.PORT, settings.METRICS_PORT) == (8000, 9568)
    assert (settings.DEBUG, settings.SIGNUP_OPEN) == (False, True)
    assert settings.ALLOWED_PRIVATE_NETWORKS == []
