from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from deliveries import traffic_tops
from deliveries.models import Endpoint, Traffic
from deliveries.traffic_figures import Point, series, totals, totals_of
from deliveries.traffic_tops import BusiestTenant, WorstEndpoint, busiest_tenants, worst_endpoints
from events.models import Arrivals
from events.spans import EVERYBODY, Span, database_now
from organizations.models import Organization
from tests.deliveries.test_quantiles import histogram
from tests.factories import ago, make_endpoint, make_organization
from tests.triggers_project.test_read_plans import nodes_of


@pytest.fixture
def organization(db: None) -> Organization:
    return make_organization()


@pytest.fixture
def endpoint(organization: Organization) -> Endpoint:
    return make_endpoint(organization)


def happened(about: Any, at: datetime, *, span: Span = Span.HOUR, **fields: Any) -> None:
    """A row of an endpoint, of a tenant or, of None, of everybody."""
    organization = about.organization_id if isinstance(about, Endpoint) else getattr(about, "pk", EVERYBODY)
    plain = {"attempts": 0, "delivered": 0, "failed": 0, "dead": 0, "duration_ms": 0}
    none = {"durations": histogram(), "waits": histogram()}
    Traffic.objects.create(
        about=getattr(about, "pk", EVERYBODY),
        organization_id=organization,
        grain=span.grain,
        at=span.grain.begin(at),
        **{**plain, **none, **fields},
    )


def arrived(organization: Organization | None, at: datetime, number: int, *, span: Span = Span.HOUR) -> None:
    about = organization.pk if organization else EVERYBODY
    Arrivals.objects.create(organization_id=about, grain=span.grain, at=span.grain.begin(at), accepted=number)


@pytest.mark.parametrize("span", Span)
def test_every_bucket_is_there_the_oldest_first(db: None, span: Span) -> None:
    points = series(span)
    assert [point.at for point in points] == span.times(database_now())
    assert points[0] == Point(0, at=span.times(database_now())[0])


@pytest.mark.parametrize("span", Span)
def test_a_bucket_says_what_was_in_it(db: None, span: Span) -> None:
    now = database_now()
    happened(None, now, span=span, attempts=4, delivered=3, failed=1, dead=1, duration_ms=80)
    arrived(None, now, 7, span=span)
    point = series(span)[-1]
    assert (point.accepted, point.attempts, point.delivered, point.failed, point.dead) == (7, 4, 3, 1, 1)
    assert (point.success_rate, point.attempt_mean_ms) == (0.75, 20.0)


def test_it_tells_of_time_by_its_histograms(db: None) -> None:
    happened(None, database_now(), durations=histogram(up_to_10=10), waits=histogram(up_to_1000=10))
    point = series(Span.HOUR)[-1]
    assert (point.attempt_p50_ms, point.attempt_p95_ms) == (7.5, 9.8)
    assert (point.p50_ms, point.p95_ms) == (800.0, 980.0)


def test_where_nothing_happened_there_is_nothing_to_go_by(db: None) -> None:
    point = series(Span.HOUR)[0]
    assert (point.p50_ms, point.p95_ms, point.attempt_p50_ms, point.attempt_p95_ms) == (None,) * 4
    assert (point.success_rate, point.attempt_mean_ms) == (None, None)


def test_what_was_before_the_span_is_not_in_it(db: None) -> None:
    (first, *_) = Span.HOUR.times(database_now())
    for at in (first - timedelta(minutes=1), first):
        happened(None, at, attempts=1, failed=1)
        arrived(None, at, 1)
    assert (totals(Span.HOUR).failed, totals(Span.HOUR).accepted) == (1, 1)


def test_each_sees_its_own(endpoint: Endpoint) -> None:
    now, other = database_now(), make_endpoint(endpoint.organization)
    for number, about in enumerate((endpoint, other, endpoint.organization, None), start=1):
        happened(about, now, attempts=number, failed=number)
    arrived(endpoint.organization, now, 5)
    arrived(None, now, 6)
    seen = [
        totals(Span.HOUR, **which)
        for which in ({"endpoint": endpoint.pk}, {"organization": endpoint.organization_id}, {})
    ]
    assert [(one.accepted, one.failed) for one in seen] == [(None, 1), (5, 3), (6, 4)]


def test_a_tenant_sees_nothing_of_anothers_endpoint(endpoint: Endpoint) -> None:
    happened(endpoint, database_now(), attempts=1, failed=1)
    seen = [
        totals(Span.HOUR, organization=organization, endpoint=endpoint.pk).failed
        for organization in (endpoint.organization_id, make_organization().pk)
    ]
    assert seen == [1, 0]


def test_totals_are_of_all_buckets(db: None) -> None:
    now = database_now()
    for minutes, waits in ((0, histogram(up_to_1000=10)), (59, histogram(up_to_2=30))):
        at = now - timedelta(minutes=minutes)
        happened(
            None, at, attempts=3, delivered=2, failed=1, dead=1, duration_ms=30, waits=waits, durations=waits
        )
        arrived(None, at, 4)
    total = totals(Span.HOUR)
    assert (total.accepted, total.attempts, total.delivered, total.failed, total.dead) == (8, 6, 4, 2, 2)
    assert (total.success_rate, total.attempt_mean_ms) == (4 / 6, 10.0)
    assert (total.p50_ms, total.p95_ms, total.attempt_p95_ms) == (1.3, 920.0, 920.0)
    assert total == totals_of(series(Span.HOUR))


def test_totals_of_nothing(db: None) -> None:
    total = totals(Span.WEEK)
    assert (total.accepted, total.attempts, total.success_rate, total.p95_ms) == (0, 0, None, None)


def test_the_worst_endpoint_is_where_most_was_given_up(organization: Organization) -> None:
    now = database_now()
    dead, failing, fine = (
        make_endpoint(organization, url=f"http://93.184.215.14/{name}?token=x") for name in "abc"
    )
    for minutes in (0, 1):
        at = now - timedelta(minutes=minutes)
        happened(dead, at, attempts=4, delivered=2, failed=2, dead=1)
        happened(failing, at, attempts=100, failed=100)
        happened(fine, at, attempts=100, delivered=100)
        happened(organization, at, attempts=204, failed=102, dead=1)
    happened(dead, now - timedelta(minutes=2), attempts=12, delivered=12)
    url = "http://93.184.215.14/"
    assert worst_endpoints(Span.HOUR) == [
        WorstEndpoint(dead.pk, organization.pk, url + "a", "Acme", attempts=20, failed=4, dead=2),
        WorstEndpoint(failing.pk, organization.pk, url + "b", "Acme", attempts=200, failed=200, dead=0),
    ]
    assert [one.success_rate for one in worst_endpoints(Span.HOUR)] == [0.8, 0.0]
    assert [one.endpoint_id for one in worst_endpoints(Span.HOUR, 1)] == [dead.pk]


def test_an_endpoint_that_was_deleted_hurts_nobody(organization: Organization) -> None:
    gone = make_endpoint(organization, deleted_at=ago(minutes=1))
    happened(gone, database_now(), attempts=1, failed=1)
    assert worst_endpoints(Span.HOUR) == []


def test_the_busiest_tenants_sent_most(db: None) -> None:
    now = database_now()
    much, little, nothing = (make_organization(name=name) for name in ("much", "little", "nothing"))
    arrived(None, now, 33)
    arrived(little, now, 3)
    arrived(nothing, now, 0)
    for minutes in (0, 59):
        at = now - timedelta(minutes=minutes)
        arrived(much, at, 15)
        happened(much, at, attempts=20, delivered=15, failed=5, dead=1)
    assert busiest_tenants(Span.HOUR) == [
        BusiestTenant(much.pk, "much", accepted=30, attempts=40, delivered=30, failed=10, dead=2),
        BusiestTenant(little.pk, "little", accepted=3, attempts=0, delivered=0, failed=0, dead=0),
    ]
    assert [one.success_rate for one in busiest_tenants(Span.HOUR)] == [0.75, None]
    assert [one.tenant for one in busiest_tenants(Span.HOUR, 1)] == ["much"]


ROWS_OF_A_WEEK = 168
OURS = ("deliveries_traffic", "events_arrivals")

FILL = f"""
WITH buckets AS (
    SELECT grain, date_bin(grain * interval '1 second', now(), '2000-01-01Z') - back * grain * interval '1 second' AS at
    FROM unnest(ARRAY[900, 3600]) AS grain, generate_series(0, 2 * {ROWS_OF_A_WEEK} - 1) AS back
), abouts AS (
    SELECT id AS about, organization_id FROM deliveries_endpoint
    UNION ALL SELECT id, id FROM organizations_organization UNION ALL SELECT %(everybody)s, %(everybody)s
), arrivals AS (
    INSERT INTO events_arrivals (organization_id, grain, at, accepted)
    SELECT about, grain, at, 1 FROM abouts, buckets WHERE about = organization_id
)
INSERT INTO deliveries_traffic
    (about, organization_id, grain, at, attempts, delivered, failed, dead, duration_ms, durations, waits)
SELECT about, organization_id, grain, at, 1, 0, 1, 0, 1, %(histogram)s::int[], %(histogram)s::int[] FROM abouts, buckets
"""


@pytest.fixture
def weeks(endpoint: Endpoint) -> Endpoint:
    """One of 10 endpoints of 10 tenants, where something failed in every hour of two weeks."""
    for _ in range(9):
        make_endpoint(make_organization())
    with connection.cursor() as cursor:
        cursor.execute(FILL, {"everybody": EVERYBODY, "histogram": histogram(up_to_2=1)})
        cursor.execute("ANALYZE deliveries_traffic")
        cursor.execute("ANALYZE events_arrivals")
        cursor.execute("SET LOCAL enable_seqscan = off")
    return endpoint


def rows_by_index(nodes: list[dict[str, Any]]) -> dict[str, int]:
    """How many rows of figures were looked at by each index, those that were passed over too."""
    found: dict[str, int] = {}
    for node in nodes:
        read = node.get("Relation Name") in OURS and node["Node Type"] != "Bitmap Heap Scan"
        if read or node["Node Type"] == "Bitmap Index Scan":
            name = node.get("Index Name", "none")
            seen = node["Actual Rows"] + node.get("Rows Removed by Filter", 0)
            found[name] = found.get(name, 0) + round(seen * node["Actual Loops"])
    return found


@pytest.mark.parametrize(
    ("which", "tables"),
    [
        ({}, {"deliveries_traffic_pkey", "events_arrivals_pkey"}),
        ({"organization": "organization_id"}, {"deliveries_traffic_pkey", "events_arrivals_pkey"}),
        ({"endpoint": "pk"}, {"deliveries_traffic_pkey"}),
    ],
)
def test_a_series_looks_at_the_rows_that_it_shows(
    weeks: Endpoint, which: dict[str, str], tables: set[str]
) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert len(series(Span.WEEK, **{name: getattr(weeks, of) for name, of in which.items()})) == 168
    assert len(asked) == len(tables)
    nodes = [node for query in asked.captured_queries for node in nodes_of(query["sql"])]
    assert rows_by_index(nodes) == dict.fromkeys(tables, ROWS_OF_A_WEEK)


@pytest.mark.parametrize(
    ("statement", "index", "rows"),
    [
        # Each endpoint's, and those of the ten that are shown; of Arrivals, everybody's as well.
        (traffic_tops._WORST, "traffic_of_endpoints", 10 * ROWS_OF_A_WEEK),
        (traffic_tops._BUSIEST, "arrivals_by_time", 11 * ROWS_OF_A_WEEK),
    ],
)
def test_who_stands_out_is_found_by_time(weeks: Endpoint, statement: str, index: str, rows: int) -> None:
    nodes = nodes_of(statement, traffic_tops._parameters(Span.WEEK, 10))
    assert rows_by_index(nodes) == {index: rows, "deliveries_traffic_pkey": 10 * ROWS_OF_A_WEEK}
