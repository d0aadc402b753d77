"""Fixtures for every test. Tables that are committed to are emptied, Redis is flushed, memories are forgotten."""

import gc
import socket
from collections.abc import Iterator
from types import SimpleNamespace

import pytest
import structlog
from django.apps import apps
from django.db import connection, transaction
from django.test.utils import setup_databases, teardown_databases
from whitenoise.middleware import WhiteNoiseMiddleware

from organizations import limits, redis_client, verification
from tests import clusters
from tests.calls import Caller
from tests.doors import through_granian
from tests.factories import make_key, make_organization
from tests.traced import Traced
from triggers_project import admin_overview

OUR_APPS = ("organizations", "events", "deliveries")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The long ones first: one that came last would leave the other processes with nothing to do. The rest stays in the
    order that chance gave it."""
    items.sort(key=lambda item: not {"flows", "local", "browser"} & set(item.path.parts))


def pytest_collection_finish() -> None:
    """Five thousand tests are there to stay: the garbage collector need not look through them again and again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def fresh_memories() -> Iterator[None]:
    """What a process remembers between two requests would make tests depend on their order."""
    redis_client.client().flushdb()
    forget()
    yield
    forget()


def forget() -> None:
    verification.forget_all()
    redis_client.forget_outage()
    limits._own_count.spent.clear()
    admin_overview.forget()
    structlog.contextvars.clear_contextvars()


@pytest.fixture(autouse=True, scope="session")
def static_files_found_once() -> Iterator[None]:
    """Each client of Django's loads middleware of its own, which would look at every static file again: for the tests
    of the desk that was a sixth of all they did."""
    found: dict[str, object] = {}
    look = WhiteNoiseMiddleware.add_files_from_finders

    def add_what_was_found(self: WhiteNoiseMiddleware) -> None:
        if not found:
            look(self)
            found.update(self.files)
        self.files.update(found)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(WhiteNoiseMiddleware, "add_files_from_finders", add_what_was_found)
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_test_environment: None, django_db_blocker: pytest.FixtureDef) -> Iterator[None]:
    """In place of pytest-django's own, which makes no test database for tests that only use `committed`."""
    if clusters.are_copied():
        connection.settings_dict["TEST"]["TEMPLATE"] = connection.settings_dict["NAME"]
    with django_db_blocker.unblock():
        databases = setup_databases(verbosity=0, interactive=False)
    yield
    with django_db_blocker.unblock():
        teardown_databases(databases, verbosity=0)


@pytest.fixture
def committed(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[None]:
    """A database that is really written to: for threads, the engine, and whatever happens after a commit.

    Empties our tables afterwards; unlike pytest-django's `transactional_db` it leaves alone what migrations put there.
    """
    with django_db_blocker.unblock():
        empty_our_tables()
        try:
            yield
        finally:
            empty_our_tables()
            connection.close()


def empty_our_tables() -> None:
    assert str(connection.settings_dict["NAME"]).startswith("test_")
    tables = [model._meta.db_table for name in OUR_APPS for model in apps.get_app_config(name).get_models()]
    with transaction.atomic(), connection.cursor() as cursor:  # foreign keys are looked at when it ends
        cursor.execute(
            "; ".join(f"DELETE FROM {table}" for table in tables)
        )  # in one go: 0.7 ms instead of 3


@pytest.fixture(params=["django", "granian"])
def door(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Whatever is sent in the test goes through Django alone, or through what granian serves, with its fast lane."""
    if request.param == "granian":
        monkeypatch.setattr(Caller, "through", staticmethod(through_granian))
    return str(request.param)


@pytest.fixture
def traced() -> Iterator[Traced]:
    """Traces are on, in this process, and go nowhere but to the test."""
    with Traced() as traced:
        yield traced


@pytest.fixture
def anyone() -> Caller:
    """A client without a key."""
    return Caller()


@pytest.fixture
def acme(db: None) -> SimpleNamespace:
    """A tenant of the free tier: `organization`, `key` (its text) and `api`, which calls with that key."""
    return tenant("Acme")


@pytest.fixture
def rival(db: None) -> SimpleNamespace:
    """Another tenant, who must see and move nothing of the first."""
    return tenant("Rival")


@pytest.fixture
def committed_acme(committed: None) -> SimpleNamespace:
    """`acme`, in a database that is really written to."""
    return tenant("Acme")


def tenant(name: str) -> SimpleNamespace:
    organization = make_organization(name=name)
    key = make_key(organization)
    return SimpleNamespace(organization=organization, key=key, api=Caller(key))


@pytest.fixture
def closed_port() -> Iterator[int]:
    """A port of 127.0.0.1 that refuses connections for as long as the test runs."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@pytest.fixture
def no_redis(settings: pytest.FixtureDef, closed_port: int) -> None:
    """Redis is away: whoever asks is refused the connection."""
    settings.REDIS_URL = f"redis://127.0.0.1:{closed_port}/0"


@pytest.fixture
def no_database(committed: None, closed_port: int) -> Iterator[None]:
    """PostgreSQL is away, from the test's first query on; what the fixtures before it made is there."""
    before = dict(connection.settings_dict)
    connection.close()
    connection.settings_dict.update(HOST="127.0.0.1", PORT=str(closed_port))
    yield
    connection.close()
    connection.settings_dict.update(before)
