"""How many queries each list and each page takes, and that it is not more when there are more rows."""

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from organizations import verification
from tests.conftest import forget
from tests.triggers_project.admin_reads import READS
from tests.triggers_project.reads_fill import Rows, fill, make_rows, name_rows, small_ones
from triggers_project import admin_overview

FEW, MANY = range(1, 21), range(21, 101)  # half of them are acme's, and each kind is among the few
# What is looked up once in a process: both tenants' keys, kinds of content.
REMEMBERED = ("keys", "inbox that is acknowledged", "admin: the page of a tenant")

pytestmark = pytest.mark.xdist_group("read queries")  # so that one process makes the rows


@pytest.fixture(scope="module")
def counts(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> dict[str, list[int]]:
    """The queries of each read: with few rows, and with many."""
    with django_db_blocker.unblock(), transaction.atomic(), pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            verification, "STATE_SECONDS", 3_600
        )  # else a key is looked at again, in the midst of it
        patch.setattr(admin_overview, "REMEMBERED_SECONDS", -1)
        found = _counted()
        transaction.set_rollback(True)
    return found


def _counted() -> dict[str, list[int]]:
    forget()
    rows = make_rows(tenants=2, every=5)
    _more(rows, FEW)
    for name in REMEMBERED:
        _queries_of(name, rows)
    few = {name: _queries_of(name, rows) for name in READS}
    _more(rows, MANY)
    return {name: [few[name], _queries_of(name, rows)] for name in READS}


def _more(rows: Rows, numbers: range) -> None:
    fill(rows, numbers, of=100)
    small_ones(rows, numbers)
    name_rows(rows)


def _queries_of(name: str, rows: Rows) -> int:
    with CaptureQueriesContext(connection) as queries:
        assert READS[name].by(rows).status_code == 200, name
    return len(queries)


@pytest.mark.parametrize("name", READS)
def test_a_read_takes_as_many_queries_for_few_rows_as_for_many(
    name: str, counts: dict[str, list[int]]
) -> None:
    assert counts[name] == [READS[name].queries] * 2
