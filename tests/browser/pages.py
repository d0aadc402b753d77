"""The desk's pages, by a name each: for axe, and for the pictures in docs/desk."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Where:
    """Ids of what the pages are about."""

    tenant: str
    endpoint: str
    event: str
    delivery: str


PAGES = {
    "overview": "",
    "overview-week": "?span=week",
    "find": "find/?q=o",
    "dead-letters": "deliveries/deadletter/",
    "dead-letters-by-cause": "deliveries/deadletter/causes/",
    "replay-all-asked": "deliveries/deadletter/replay/?endpoint={endpoint}",
    "discard-asked": "deliveries/deadletter/{delivery}/discard/",
    "events": "events/event/",
    "event": "events/event/{event}/change/",
    "deliveries": "deliveries/delivery/",
    "delivery": "deliveries/delivery/{delivery}/change/",
    "replay-asked": "deliveries/delivery/{delivery}/replay/",
    "endpoints": "deliveries/endpoint/",
    "endpoint": "deliveries/endpoint/{endpoint}/change/",
    "endpoint-test-asked": "deliveries/endpoint/{endpoint}/test/",
    "endpoint-time-asked": "deliveries/endpoint/{endpoint}/replay/",
    "endpoint-secret-asked": "deliveries/endpoint/{endpoint}/rotate/",
    "endpoint-url-asked": "deliveries/endpoint/{endpoint}/url/",
    "tenants": "organizations/organization/",
    "tenant": "organizations/organization/{tenant}/change/",
    "replays": "deliveries/staffreplay/",
    "audit-log": "organizations/auditentry/",
    "schedules": "django_celery_beat/periodictask/",
    "people": "auth/user/",
    "second-factor": "second-factor/",
    "password": "password_change/",
}


def path_of(name: str, where: Where) -> str:
    return PAGES[name].format(**vars(where))
