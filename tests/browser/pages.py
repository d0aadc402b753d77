"""The desk's pages, by a name each: for axe, and for the pictures in docs/desk."""

from dataclasses import dataclass

from tests.flows.journey import Journey

PAGES = {
    "overview": "",
    "overview-week": "?span=week",
    "find": "find/?q=o",
    "dead-letters": "deliveries/deadletter/",
    "dead-letters-by-cause": "deliveries/deadletter/causes/",
    "replay-all-asked": "deliveries/deadletter/replay/?endpoint={endpoint}",
    "discard-all-asked": "deliveries/deadletter/discard/?endpoint={endpoint}",
    "discard-asked": "deliveries/deadletter/{delivery}/discard/",
    "events": "events/event/",
    "event": "events/event/{event}/change/",
    "event-replay-asked": "events/event/{event}/replay/",
    "acknowledge-asked": "events/event/{event}/acknowledge/",
    "deliveries": "deliveries/delivery/",
    "delivery": "deliveries/delivery/{delivery}/change/",
    "delivery-replay-asked": "deliveries/delivery/{delivery}/replay/",
    "endpoints": "deliveries/endpoint/",
    "endpoint": "deliveries/endpoint/{endpoint}/change/",
    "pause-asked": "deliveries/endpoint/{endpoint}/pause/",
    "resume-asked": "deliveries/endpoint/{paused}/resume/",
    "test-asked": "deliveries/endpoint/{endpoint}/test/",
    "test-answer": "deliveries/endpoint/{endpoint}/test/{test}/",
    "window-asked": "deliveries/endpoint/{endpoint}/replay/",
    "rotate-asked": "deliveries/endpoint/{endpoint}/rotate/",
    "traceparent-asked": "deliveries/endpoint/{endpoint}/traceparent/",
    "url-asked": "deliveries/endpoint/{endpoint}/url/",
    "tenants": "organizations/organization/",
    "tenant": "organizations/organization/{tenant}/change/",
    "key-revoke-asked": "organizations/organization/{tenant}/keys/{key}/revoke/",
    "replays": "deliveries/staffreplay/",
    "replay": "deliveries/staffreplay/{replay}/change/",
    "replay-cancel-asked": "deliveries/staffreplay/{replay}/cancel/",
    "audit-log": "organizations/auditentry/",
    "audit-entry": "organizations/auditentry/{entry}/change/",
    "schedules": "django_celery_beat/periodictask/",
    "schedule": "django_celery_beat/periodictask/{schedule}/change/",
    "people": "auth/user/",
    "person": "auth/user/{person}/change/",
    "person-password": "auth/user/{person}/password/",
    "person-second-factor": "auth/user/{person}/second-factor/",
    "roles": "auth/group/",
    "role": "auth/group/{role}/change/",
    "second-factor": "second-factor/",
    "password": "password_change/",
}
_KEY = "SELECT max(id::text) FROM organizations_apikey WHERE organization_id = %s"
_SCHEDULE = "SELECT min(id)::text FROM django_celery_beat_periodictask"
_PERSON = "SELECT min(id)::text FROM auth_user"
_ROLE = "SELECT min(id)::text FROM auth_group"
_REPLAY = """
INSERT INTO deliveries_staffreplay (id, asked_by, verb, reason, which, as_of, state, picked, looked_at, replayed,
    finished_at)
VALUES (triggers_uuid7(), 'ada', 'replay', '', 'All dead letters', now(), 'done', 20, 20, 19, now())
RETURNING id::text
"""
_ENTRY = """
INSERT INTO organizations_auditentry (id, actor_name, address, request_id, action, object_type, object_id, object_words,
    organization_id, before, after)
VALUES (triggers_uuid7(), 'ada', '127.0.0.1', '', 'tier.changed', 'organizations.organization', %s, %s, %s,
    '{"tier": "free"}', '{"tier": "enterprise"}')
RETURNING id::text
"""


@dataclass(frozen=True)
class Where:
    """Ids of what the pages are about."""

    tenant: str
    endpoint: str
    paused: str
    event: str
    delivery: str
    test: str
    key: str
    replay: str
    entry: str
    schedule: str
    person: str
    role: str

    @classmethod
    def of(cls, tenant: Journey, event: str) -> "Where":
        """Of a tenant whose endpoint failed this event to the end. What is missing is made."""
        [delivery] = [one for one in tenant.all_deliveries() if one["event_id"] == event]
        tested = tenant.call("POST", f"/api/endpoints/{tenant.endpoint_id}/test", {}).json()
        other = {"url": tenant.receiver.url(f"{tenant.path}-paused")}
        made = tenant.call("POST", "/api/endpoints", other)
        assert made.status_code == 201, made.text
        paused = made.json()["id"]
        tenant.call("POST", f"/api/endpoints/{paused}/pause")

        def only(statement: str, *parameters: str) -> str:
            [[value]] = tenant.sql(statement, *parameters)
            return str(value)

        return cls(
            tenant=tenant.organization_id,
            endpoint=tenant.endpoint_id,
            paused=paused,
            event=event,
            delivery=delivery["id"],
            test=tested["delivery_id"],
            key=only(_KEY, tenant.organization_id),
            replay=only(_REPLAY),
            entry=only(_ENTRY, tenant.organization_id, tenant.name, tenant.organization_id),
            schedule=only(_SCHEDULE),
            person=only(_PERSON),
            role=only(_ROLE),
        )


def path_of(name: str, where: Where) -> str:
    return PAGES[name].format(**vars(where))
