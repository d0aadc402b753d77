"""The admin's lists and pages, as `reads.py` has the API's."""

from tests.triggers_project.reads import API_READS, Read
from tests.triggers_project.reads_fill import RARE_TYPE

ADMIN_READS = {
    "admin: dead letters": Read("/admin/deliveries/deadletter/", 9, "delivery_dead|delivery_last_died"),
    "admin: dead letters of a tenant": Read(
        "/admin/deliveries/deadletter/?tenant={tenant}", 10, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters of an endpoint": Read(
        "/admin/deliveries/deadletter/?endpoint={endpoint}", 11, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters of a type": Read(
        "/admin/deliveries/deadletter/?type=order.paid", 9, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters of some types": Read(
        "/admin/deliveries/deadletter/?type=order.*", 9, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters by answer": Read(
        "/admin/deliveries/deadletter/?code=503", 9, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters since": Read(
        "/admin/deliveries/deadletter/?since={recently_there}", 9, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters until": Read(
        "/admin/deliveries/deadletter/?until={long_ago_there}", 9, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters by id": Read(
        "/admin/deliveries/deadletter/?q={delivery}",
        9,
        "deliveries_delivery_pkey event_goes_to_an_endpoint_once",
    ),
    "admin: dead letters by dedup id": Read(
        "/admin/deliveries/deadletter/?q={dedup_id}",
        11,
        "delivery_dead|delivery_last_died event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "admin: dead letters by tenant's name": Read(
        "/admin/deliveries/deadletter/?q=acme", 10, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters by nothing there is": Read(
        "/admin/deliveries/deadletter/?q=nothing", 9, "delivery_dead|delivery_last_died events_event_pkey"
    ),
    "admin: dead letters far down": Read(
        "/admin/deliveries/deadletter/?p={page}",
        9,
        "deliveries_delivery_pkey delivery_dead|delivery_last_died",
        most=2_000,
    ),
    "admin: dead letters by kind of failure": Read(
        "/admin/deliveries/deadletter/?kind=5xx", 9, "delivery_dead|delivery_last_died"
    ),
    "admin: dead letters of a cause": Read(
        "/admin/deliveries/deadletter/?endpoint={endpoint}&cause=503",
        11,
        "delivery_dead|delivery_last_died",
    ),
    "admin: dead letters by endpoint and cause": Read(
        "/admin/deliveries/deadletter/causes/",
        9,
        "delivery_dead|delivery_last_died",
        walks="all that is dead is grouped; after 5 seconds it is given up, in words",
    ),
    "admin: a tenant's dead letters by endpoint and cause": Read(
        "/admin/deliveries/deadletter/causes/?tenant={tenant}",
        10,
        "delivery_dead|delivery_newest_dead",
        walks="all of the tenant's that is dead is grouped",
    ),
    "admin: replaying all dead letters": Read(
        "/admin/deliveries/deadletter/replay/",
        9,
        "delivery_dead|delivery_last_died",
        walks="the question names the exact number, up to 200,000",
    ),
    "admin: discarding all dead letters": Read(
        "/admin/deliveries/deadletter/discard/",
        9,
        "delivery_dead|delivery_last_died",
        walks="the question names the exact number, up to 200,000",
    ),
    "admin: deliveries": Read("/admin/deliveries/delivery/", 8, "deliveries_delivery_pkey"),
    "admin: deliveries: pending": Read("/admin/deliveries/delivery/?status=pending", 8, "delivery_open"),
    "admin: deliveries: failed": Read("/admin/deliveries/delivery/?status=failed", 8, "delivery_open"),
    "admin: deliveries: dead_letter": Read(
        "/admin/deliveries/delivery/?status=dead_letter",
        8,
        "deliveries_delivery_pkey delivery_dead|delivery_last_died",
        most=6_000,
    ),
    "admin: deliveries: delivered": Read(
        "/admin/deliveries/delivery/?status=delivered",
        8,
        "deliveries_delivery_pkey",
        walks="nearly all are, and counting stops",
    ),
    "admin: deliveries: canceled": Read(
        "/admin/deliveries/delivery/?status=canceled", 8, "delivery_canceled"
    ),
    "admin: deliveries of a tenant": Read(
        "/admin/deliveries/delivery/?tenant={tenant}", 9, "delivery_of_organization"
    ),
    "admin: deliveries to an endpoint": Read(
        "/admin/deliveries/delivery/?endpoint={endpoint}",
        10,
        "delivery_of_organization",
    ),
    "admin: deliveries to an endpoint with few": Read(
        "/admin/deliveries/delivery/?endpoint={rare_endpoint}",
        10,
        "event_goes_to_an_endpoint_once",
        walks="given up after 5 seconds, in words",
    ),
    "admin: deliveries of a type": Read(
        "/admin/deliveries/delivery/?type=order.paid",
        8,
        "deliveries_delivery_pkey event_goes_to_an_endpoint_once events_event_pkey",
        most=3_000,
    ),
    "admin: deliveries of a rare type": Read(
        f"/admin/deliveries/delivery/?type={RARE_TYPE}", 8, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "admin: deliveries by answer of a tenant": Read(
        "/admin/deliveries/delivery/?code=503&tenant={tenant}",
        9,
        "delivery_of_organization",
        walks="given up after 5 seconds, in words",
    ),
    "admin: deliveries since": Read(
        "/admin/deliveries/delivery/?since={recently_there}",
        8,
        "deliveries_delivery_pkey|delivery_of_organization",
    ),
    "admin: deliveries until": Read(
        "/admin/deliveries/delivery/?until={long_ago_there}",
        8,
        "deliveries_delivery_pkey|delivery_of_organization",
    ),
    "admin: deliveries by id": Read(
        "/admin/deliveries/delivery/?q={delivery}",
        8,
        "deliveries_delivery_pkey event_goes_to_an_endpoint_once",
    ),
    "admin: deliveries by event": Read(
        "/admin/deliveries/delivery/?q={event}", 8, "deliveries_delivery_pkey event_goes_to_an_endpoint_once"
    ),
    "admin: deliveries by dedup id": Read(
        "/admin/deliveries/delivery/?q={dedup_id}", 9, "event_goes_to_an_endpoint_once"
    ),
    "admin: deliveries by tenant's name": Read(
        "/admin/deliveries/delivery/?q=acme", 9, "deliveries_delivery_pkey delivery_of_organization"
    ),
    "admin: deliveries far down": Read("/admin/deliveries/delivery/?p={page}", 8, "deliveries_delivery_pkey"),
    "admin: the page of a delivery": Read(
        "/admin/deliveries/delivery/{delivery}/change/",
        9,
        "deliveries_attempt_pkey deliveries_delivery_pkey events_event_pkey",
    ),
    "admin: events": Read("/admin/events/event/", 8, "event_goes_to_an_endpoint_once events_event_pkey"),
    "admin: events of a tenant": Read(
        "/admin/events/event/?tenant={tenant}", 9, "event_goes_to_an_endpoint_once event_of_organization"
    ),
    "admin: events of a type": Read(
        "/admin/events/event/?type=order.paid",
        8,
        "event_goes_to_an_endpoint_once event_of_type events_event_pkey",
    ),
    "admin: events of a rare type": Read(
        f"/admin/events/event/?type={RARE_TYPE}", 8, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "admin: events of rare types": Read(
        "/admin/events/event/?type=invoice.*", 8, "event_goes_to_an_endpoint_once event_of_type"
    ),
    "admin: events since": Read(
        "/admin/events/event/?since={recently_there}",
        8,
        "event_goes_to_an_endpoint_once events_event_pkey",
        most=3_000,
    ),
    "admin: events until": Read(
        "/admin/events/event/?until={long_ago_there}",
        8,
        "event_goes_to_an_endpoint_once events_event_pkey",
        most=3_000,
    ),
    "admin: events by id": Read(
        "/admin/events/event/?q={event}",
        9,
        "deliveries_delivery_pkey event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "admin: events by delivery": Read(
        "/admin/events/event/?q={delivery}",
        9,
        "deliveries_delivery_pkey event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "admin: events by dedup id": Read(
        "/admin/events/event/?q={dedup_id}", 9, "event_goes_to_an_endpoint_once events_event_pkey"
    ),
    "admin: events by dedup id of a tenant": Read(
        "/admin/events/event/?q={dedup_id}&tenant={tenant}",
        11,
        "event_goes_to_an_endpoint_once event_of_organization events_event_pkey",
        walks="given up after 5 seconds, in words",
    ),
    "admin: events by tenant's name": Read(
        "/admin/events/event/?q=acme",
        9,
        "event_goes_to_an_endpoint_once event_of_organization events_event_pkey",
    ),
    "admin: events far down": Read(
        "/admin/events/event/?p={page}", 8, "event_goes_to_an_endpoint_once events_event_pkey"
    ),
    "admin: the page of an event": Read(
        "/admin/events/event/{event}/change/",
        10,
        "audit_of_object deliveries_attempt_pkey event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "admin: the history of an event": Read(
        "/admin/events/event/{event}/history/",
        4,
        "audit_of_object event_goes_to_an_endpoint_once events_event_pkey",
    ),
    "admin: endpoints": Read("/admin/deliveries/endpoint/", 9, "delivery_open"),
    "admin: endpoints by URL": Read("/admin/deliveries/endpoint/?q=acme", 10, "delivery_open"),
    "admin: the page of an endpoint": Read(
        "/admin/deliveries/endpoint/{endpoint}/change/",
        9,
        "deliveries_attempt_pkey delivery_dead delivery_of_organization delivery_open",
        most=3_000,
    ),
    "admin: the page of an endpoint, an hour": Read(
        "/admin/deliveries/endpoint/{endpoint}/change/?span=hour",
        10,
        "deliveries_attempt_pkey delivery_dead delivery_of_organization delivery_open",
        most=3_000,
    ),
    "admin: a time of an endpoint, its dead letters": Read(
        "/admin/deliveries/endpoint/{endpoint}/replay/?since=2001-01-01T00:00&until=&status=dead_letter",
        10,
        "delivery_dead",
    ),
    "admin: a time of an endpoint, all": Read(
        "/admin/deliveries/endpoint/{endpoint}/replay/?since={recently_there}&until=&status=all",
        10,
        "deliveries_delivery_pkey|delivery_of_organization",
    ),
    "admin: tenants": Read("/admin/organizations/organization/", 9),
    "admin: tenants by name": Read("/admin/organizations/organization/?q=acme", 9),
    "admin: the page of a tenant": Read(
        "/admin/organizations/organization/{tenant}/change/",
        18,
        "audit_of_organization delivery_dead|delivery_last_died delivery_open event_goes_to_an_endpoint_once"
        " event_of_organization",
        most=3_000,
    ),
    "admin: the history of a tenant": Read(
        "/admin/organizations/organization/{tenant}/history/", 5, "audit_of_organization"
    ),
    "admin: audit log": Read(
        "/admin/organizations/auditentry/", 8, "audit_by_actor organizations_auditentry_pkey"
    ),
    "admin: audit log by who": Read("/admin/organizations/auditentry/?who=grace", 8, "audit_by_name"),
    "admin: audit log by action": Read(
        "/admin/organizations/auditentry/?action=tier.changed", 8, "audit_of_action"
    ),
    "admin: audit log by actions": Read(
        "/admin/organizations/auditentry/?action=tier.*", 8, "audit_of_action"
    ),
    "admin: audit log of a tenant": Read(
        "/admin/organizations/auditentry/?tenant={tenant}", 9, "audit_of_organization"
    ),
    "admin: audit log since": Read(
        "/admin/organizations/auditentry/?since={recently_there}", 8, "organizations_auditentry_pkey"
    ),
    "admin: audit log until": Read(
        "/admin/organizations/auditentry/?until={long_ago_there}", 8, "organizations_auditentry_pkey"
    ),
    "admin: audit log searched": Read(
        "/admin/organizations/auditentry/?q=e17",
        8,
        "organizations_auditentry_pkey",
        walks="staff fill it, no tenant does",
    ),
    "admin: audit log far down": Read(
        "/admin/organizations/auditentry/?p={page}", 8, "audit_by_actor organizations_auditentry_pkey"
    ),
    "admin: the page of an entry": Read(
        "/admin/organizations/auditentry/{entry}/change/", 4, "organizations_auditentry_pkey"
    ),
    "admin: replays": Read("/admin/deliveries/staffreplay/", 8),
    "admin: overview": Read("/admin/", 9, "audit_by_name"),
    "admin: overview of a week": Read("/admin/?span=week", 9, "audit_by_name"),
}
READS = API_READS | ADMIN_READS
