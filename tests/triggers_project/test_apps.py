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
app.loader.init_worker()
print(*sorted(sys.modules), sep="\\n")
"""


def test_a_worker_starts_without_pages() -> None:
    loaded = subprocess.run(
        [sys.executable, "-c", AS_A_WORKER], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()

    assert "deliveries.tasks" in loaded
    pages = re.compile(
        r"(organizations|events|deliveries)\.(admin|api)|triggers_project\.urls|rest_framework\.views"
    )
    assert [name for name in loaded if pages.match(name)] == []


def test_a_page_that_can_not_be_shown_is_found_by_check(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run_checks(tags=[Tags.admin]) == []

    monkeypatch.setattr(admin.site.get_model_admin(Event).__class__, "list_display", ("nonsense",))

    assert [fault.id for fault in run_checks(tags=[Tags.admin])] == ["admin.E108"]
