from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from organizations import verification


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The clock that the memories go by; `clock.now` is set by the test."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(verification, "time", SimpleNamespace(monotonic=lambda: clock.now))
    yield clock
    verification.forget_all()
