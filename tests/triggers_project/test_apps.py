"""What a process imports when it starts, and that the desk is checked all the same."""

import re
import subprocess
import sys

import pytest
from django.contrib import admin
from django.core.checks import Tags, run_checks

from events.models import Event
from triggers_project.local.stack import ROOT

AS_A_WORKER = """
import sys
from triggers_project.celery import app
app.Worker(queues=sys.argv[1:], quiet=True).on_start()  # what comes then is the pool
print(*sorted(sys.modules), sep="\\n")
"""


def loaded_for(queue: str) -> list[str]:
    """What a worker of that queue has imported before it forks."""
    return subprocess.run(
        [sys.executable, "-c", AS_A_WORKER, queue], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()


def test_a_worker_starts_without_pages_and_imports_once_what_its_children_deliver_with() -> None:
    loaded = loaded_for("deliveries")

    assert "deliveries.tasks" in loaded
    assert "aiohttp" in loaded
    pages = re.compile(
        r"(organizations|events|deliveries)\.(admin|api)|triggers_project\.urls|rest_framework\.views"
    )
    assert [name for name in loaded if pages.match(name)] == []


def test_who_delivers_nothing_starts_without_what_delivers() -> None:
    loaded = loaded_for("housekeeping")

    assert "deliveries.tasks" in loaded
    assert {"aiohttp", "cryptography.x509"}.isdisjoint(loaded)


def test_a_page_that_can_not_be_shown_is_found_by_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_checks(tags=[Tags.admin]) == []

    monkeypatch.setattr(admin.site.get_model_admin(Event).__class__, "list_display", ("nonsense",))

    assert [fault.id for fault in run_checks(tags=[Tags.admin])] == ["admin.E108"]
