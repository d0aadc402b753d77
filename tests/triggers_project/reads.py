"""Every list and every page of the API, as one table: what is asked for, by how many queries, and which indexes of the
big tables those go by. `test_read_queries.py` and `test_read_plans.py` hold the product to it; `admin_reads.py` has the
admin's."""

from dataclasses import dataclass
from typing import Any

from tests.triggers_project.reads_fill import RARE_TYPE


@dataclass(frozen=True)
class Read:
    """`indexes` are those that it must go by, with `|` between two of which either will do: where two are as good, the
    planner's choice depends on the rows that ANALYZE happened to see. Others may be used as well.

    `most`: how many rows of the big tables it may look at: a page with what belongs to it, not a tenant. What `walks`
    looks at all that there is, or at all of a tenant's, and says why it may.
    """

    path: str  # with the names of `names`
    queries: int
    indexes: str = ""
    most: int = 1_500
    caller: str = "acme"
    walks: str = ""

    def by(self, rows: Any) -> Any:
        """The answer."""
        path = self.path.format(**rows.names)
        if path.startswith("/admin/"):
            return rows.staff.get(path)
        return getattr(rows, self.caller).api.client.get(path)


API_READS = {
    "events": Read("/api/events", 1, "event_goes_to_an_endpoint_once event_of_organization"),
    "events of a type": Read(
        "/api/events?type=order.paid", 1, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "events of a rare type": Read(
        f"/api/events?type={RARE_TYPE}", 1, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "events since": Read(
        "/api/events?since={recently}", 1, "event_goes_to_an_endpoint_once events_event_pkey"
    ),
    "events until": Read(
        "/api/events?until={long_ago}", 1, "event_goes_to_an_endpoint_once events_event_pkey"
    ),
    "events in a period": Read(
        "/api/events?since={long_ago}&until={a_day_later}",
        1,
        "event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "events by payload": Read(
        "/api/events?payload=%7B%22order%22%3A20%7D", 5, "event_goes_to_an_endpoint_once event_payload"
    ),
    "one event": Read(
        "/api/events/{event}", 2, "event_goes_to_an_endpoint_once events_event_pkey|event_of_organization"
    ),
    "inbox": Read("/api/inbox", 1, "event_goes_to_an_endpoint_once event_unacknowledged"),
    "inbox that is acknowledged": Read(
        "/api/inbox", 1, "event_goes_to_an_endpoint_once event_unacknowledged", caller="polling"
    ),
    "inbox: pending": Read(
        "/api/inbox?status=pending",
        4,
        "delivery_open event_goes_to_an_endpoint_once event_unwanted",
    ),
    "inbox: failed": Read(
        "/api/inbox?status=failed", 1, "delivery_in_trouble event_goes_to_an_endpoint_once events_event_pkey"
    ),
    "inbox: dead_letter": Read(
        "/api/inbox?status=dead_letter",
        1,
        "delivery_in_trouble event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "inbox: dead_letter of a type": Read(
        "/api/inbox?status=dead_letter&type=order.paid",
        1,
        "delivery_in_trouble event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "inbox: dead_letter far down": Read(
        "/api/inbox?status=dead_letter&offset=100",
        1,
        "delivery_in_trouble event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "inbox: delivered": Read(
        "/api/inbox?status=delivered", 2, "event_goes_to_an_endpoint_once event_unacknowledged"
    ),
    "inbox: delivered of a type": Read(
        "/api/inbox?status=delivered&type=order.paid", 2, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "inbox: acknowledged": Read(
        "/api/inbox?status=acknowledged", 1, "event_acknowledged event_goes_to_an_endpoint_once"
    ),
    "inbox that is acknowledged: pending": Read(
        "/api/inbox?status=pending",
        4,
        "event_goes_to_an_endpoint_once event_unwanted events_event_pkey",
        caller="polling",
    ),
    "inbox that is acknowledged: delivered": Read(
        "/api/inbox?status=delivered",
        1,
        "delivery_of_organization",
        caller="polling",
    ),
    "inbox that is acknowledged: dead_letter": Read(
        "/api/inbox?status=dead_letter", 1, "delivery_in_trouble", caller="polling"
    ),
    "inbox of a type": Read("/api/inbox?type=order.paid", 1, "event_goes_to_an_endpoint_once event_of_type"),
    "inbox of a rare type": Read(
        f"/api/inbox?type={RARE_TYPE}", 1, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "inbox far down": Read(
        "/api/inbox?offset=2000",
        1,
        "event_goes_to_an_endpoint_once event_unacknowledged events_event_pkey",
        most=3_000,
    ),
    "deliveries": Read("/api/deliveries", 1, "delivery_of_organization"),
    "deliveries: pending": Read("/api/deliveries?status=pending", 1, "delivery_open"),
    "deliveries: failed": Read("/api/deliveries?status=failed", 1, "delivery_open"),
    "deliveries: dead_letter": Read("/api/deliveries?status=dead_letter", 1, "delivery_newest_dead"),
    "deliveries: dead letters of an endpoint": Read(
        "/api/deliveries?status=dead_letter&endpoint_id={endpoint}", 1, "delivery_dead"
    ),
    "deliveries: delivered": Read("/api/deliveries?status=delivered", 1, "delivery_of_organization"),
    "deliveries: canceled": Read("/api/deliveries?status=canceled", 1, "delivery_canceled"),
    "deliveries to an endpoint": Read(
        "/api/deliveries?endpoint_id={endpoint}", 1, "delivery_of_organization"
    ),
    "deliveries to an endpoint with few": Read(
        "/api/deliveries?endpoint_id={rare_endpoint}",
        1,
        "event_goes_to_an_endpoint_once",
        walks="an index by endpoint would cost every delivery",
    ),
    "deliveries of a type": Read(
        "/api/deliveries?event_type=order.paid", 1, "delivery_of_organization events_event_pkey"
    ),
    "deliveries of a rare type": Read(
        f"/api/deliveries?event_type={RARE_TYPE}", 1, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "deliveries of an event": Read("/api/deliveries?event_id={event}", 1, "event_goes_to_an_endpoint_once"),
    "deliveries since": Read(
        "/api/deliveries?since={recently}", 1, "deliveries_delivery_pkey|delivery_of_organization"
    ),
    "deliveries until": Read(
        "/api/deliveries?until={long_ago}", 1, "deliveries_delivery_pkey|delivery_of_organization"
    ),
    "one delivery": Read(
        "/api/deliveries/{delivery}",
        2,
        "deliveries_attempt_pkey deliveries_delivery_pkey|delivery_of_organization",
    ),
    "endpoints": Read("/api/endpoints", 1),
    "replays": Read("/api/replays", 1),
    "keys": Read("/api/keys", 1),
}
