"""The tour's stations. Each says what it does and proves what it says, or raises NotAsTold."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import Any

from organizations.redis_servers import connect
from triggers_project.local.demo.api import Api
from triggers_project.local.demo.receiver import Arrival
from triggers_project.local.demo.screen import NotAsTold
from triggers_project.local.demo.system import Place, large_tenant, set_endpoint

FLUSHED = 1_000
ATTEMPTS = 5


def walk(here: Place) -> None:
    """All stations."""
    api = sign_up(here)
    say_where(here, api)
    post_events(here, api)
    fail_twice(here, api)
    die_and_be_replayed(here, api)
    refuse_duplicate(here, api)
    flush_redis(here)
    poll_inbox(here, api)


def sign_up(here: Place) -> Api:
    here.screen.step("Signing up", "POST /api/keys/generate")
    answer = Api(here.stack.url).post("/api/keys/generate", {"organization_name": "Tour"}, expect=201)
    tenant = answer["organization"]
    here.screen.done(f"the API key, shown this once: {answer['api_key'][:18]}…")
    here.screen.done(f"tier {tenant['tier']}: {tenant['rate_limit_per_minute']} events a minute")
    return Api(here.stack.url, answer["api_key"])


def say_where(here: Place, api: Api) -> None:
    here.screen.step("Saying where events go", "POST /api/webhook/config")
    url = set_endpoint(here, api, "tour")
    here.screen.done(f"webhooks go to {url}, signed with a secret of their own: whsec_…")


def post_events(here: Place, api: Api) -> None:
    here.screen.step("Posting events", "POST /api/events and /api/events/batch")
    began = time.monotonic()
    first = post(api, "order.created", {"order": 1, "total": "99.50"})
    here.screen.done(f"202 means stored: event {first['id']}")
    here.until(lambda: bool(here.receiver.of(first["id"])), "the first event arrives")
    first_took = here.receiver.of(first["id"])[0].at - began
    singles = [post(api, "order.paid", {"order": number})["id"] for number in range(2, 6)]
    batch = api.post(
        "/api/events/batch",
        {"events": [{"type": "order.shipped", "payload": {"order": number}} for number in range(1, 11)]},
        expect=202,
    )
    ids = [first["id"], *singles, *(result["id"] for result in batch["results"])]
    here.screen.done(f"five posted one by one, and a batch of {batch['accepted']}")
    here.until(lambda: here.receiver.delivered.keys() >= set(ids), "all of them arrive")
    here.screen.done(
        f"all {len(ids)} arrived, each signature verified; the first {first_took * 1000:.0f} ms after it was posted"
    )


def fail_twice(here: Place, api: Api) -> None:
    here.screen.step("A receiver that fails twice")
    here.screen.explain(
        "It is tried again: here after 1 s and up to 20 % more, each time. The default is 5 s,"
    )
    here.screen.explain("5 min, 30 min and 2 h (RETRY_SCHEDULE); after the fifth attempt it is given up.")
    here.receiver.faults["invoice.sent"] = [500, 503]
    event = post(api, "invoice.sent", {"invoice": 7})
    delivery = show_attempts(here, api, event["id"], until="delivered")
    arrivals = here.receiver.of(event["id"])
    here.screen.expect(
        [arrival.answered for arrival in arrivals] == [500, 503, 204] and delivery["attempts"] == 3,
        "it arrived with the third attempt; the webhook-id was the same in all three",
        otherwise=f"the receiver answered {answers(arrivals)}",
    )


def die_and_be_replayed(here: Place, api: Api) -> None:
    here.screen.step("A receiver that is broken: the event dies, and is replayed")
    here.receiver.broken["refund.made"] = 500
    event = post(api, "refund.made", {"refund": 13})
    dead = show_attempts(here, api, event["id"], until="dead_letter")
    here.screen.expect(
        dead["attempts"] == ATTEMPTS == len(here.receiver.of(event["id"])),
        f"after {ATTEMPTS} attempts it is a dead letter: nothing is thrown away, it waits",
        otherwise=f"there were {dead['attempts']}",
    )
    here.screen.explain("What support sees, in the admin or by GET /api/deliveries/{id}:")
    last = dead["attempt_log"][-1]
    for name, value in {
        "event": f"{dead['event_type']} {dead['event_id']}",
        "status": dead["status"],
        "attempts": dead["attempts"],
        "last answer": f"{last['status_code']} {last['response_body']}",
    }.items():
        here.screen.explain(f"  {name:12} {value}")
    del here.receiver.broken["refund.made"]
    here.screen.explain("The receiver is repaired, and the event sent again: POST /api/deliveries/{id}/retry")
    api.post(f"/api/deliveries/{dead['id']}/retry", expect=202)
    here.until(lambda: event["id"] in here.receiver.delivered, "the replayed event arrives")
    here.screen.done(f"it arrived, with the same webhook-id as before: {event['id']}")


def refuse_duplicate(here: Place, api: Api) -> None:
    here.screen.step("The same event, posted twice", "POST /api/events with a dedup_id")
    event = {"type": "order.created", "payload": {"order": 4711}, "dedup_id": "order-4711"}
    first = api.post("/api/events", event, expect=202)
    here.screen.done(f"the first is accepted: {first['id']}")
    second = api.post("/api/events", event, expect=409)
    here.screen.expect(
        (second["code"], second.get("event_id")) == ("duplicate_event", first["id"]),
        f"the second is refused: 409 duplicate_event, of event {second.get('event_id')}",
        otherwise=f"the answer is {second}",
    )
    here.until(lambda: first["id"] in here.receiver.delivered, "the first of the two arrives")


def flush_redis(here: Place) -> None:
    here.screen.step(f"Redis loses all it holds while {FLUSHED:,} events come in", "FLUSHALL")
    here.screen.explain(
        "So many need a higher tier, which only the operator gives: manage.py create_organization"
    )
    api = large_tenant(here, "flushed", tier="business")
    before = len(here.receiver.delivered)
    began = time.monotonic()
    with here.screen.progress("arrived", FLUSHED, "events") as bar:

        def arrived() -> int:
            count = len(here.receiver.delivered) - before
            bar.update(count - bar.n)
            return count

        accepted, keys = post_and_flush(here, api, meanwhile=arrived)
        here.until(lambda: arrived() >= len(accepted), "every accepted event arrives")
    took = time.monotonic() - began
    here.screen.done(f"half-way, all {keys} keys that Redis held were deleted")
    here.screen.expect(
        len(accepted) == FLUSHED and here.receiver.delivered.keys() >= accepted,
        f"{FLUSHED:,} accepted; {FLUSHED:,} different ones arrived, each signature verified",
        otherwise=f"{len(accepted)} were accepted, {len(here.receiver.delivered) - before} arrived",
        took=took,
    )


def post_and_flush(here: Place, api: Api, *, meanwhile: Callable[[], object]) -> tuple[set[str], int]:
    """Posts FLUSHED events, every tenth by itself, the others in batches, from eight threads.

    Returns the ids of the accepted, and how many keys Redis lost.
    """
    accepted: set[str] = set()
    keys: int | None = None
    with ThreadPoolExecutor(8) as pool, connect(here.stack.redis_url, 5) as store:
        calls = [pool.submit(post_some, api, size) for size in (1, 9) * (FLUSHED // 10)]
        try:
            for call in as_completed(calls):
                accepted |= call.result()
                meanwhile()
                if keys is None and len(accepted) >= FLUSHED // 2:
                    keys = store.dbsize()
                    store.flushall()
        finally:
            pool.shutdown(
                wait=False, cancel_futures=True
            )  # if the tour ends here, the rest need not be posted
    return accepted, keys or 0


def post_some(api: Api, size: int) -> set[str]:
    """The ids of so many events."""
    if size == 1:
        return {post(api, "stock.changed", {"items": 1})["id"]}
    events = [{"type": "stock.changed", "payload": {"items": size}}] * size
    answer = api.post("/api/events/batch", {"events": events}, expect=202)
    return {result["id"] for result in answer["results"]}


def poll_inbox(here: Place, api: Api) -> None:
    here.screen.step("Who can't be called polls", "GET /api/inbox, POST /api/ack/{id}")
    api.post("/api/webhook/config", {"webhook_url": None}, expect=200)
    event = post(api, "report.ready", {"report": 3})
    waiting = api.get("/api/inbox", type="report.ready")["items"]
    here.screen.expect(
        [item["id"] for item in waiting] == [event["id"]],
        f"the event waits in the inbox: {event['id']}",
        otherwise=f"there are {len(waiting)} of that type",
    )
    acknowledged = api.post(f"/api/ack/{event['id']}", expect=200)
    left = api.get("/api/inbox", type="report.ready")["items"]
    here.screen.expect(
        acknowledged["status"] == "acknowledged" and not left,
        "acknowledged, and so out of the inbox",
        otherwise=f"its status is {acknowledged['status']}, and {len(left)} are in the inbox",
    )


def post(api: Api, event_type: str, payload: Any) -> dict[str, Any]:
    return api.post("/api/events", {"type": event_type, "payload": payload}, expect=202)


def show_attempts(here: Place, api: Api, event_id: str, *, until: str) -> dict[str, Any]:
    """Shows each attempt as it is made. Returns the delivery when it has that status."""
    delivery_id = api.get("/api/deliveries", event_id=event_id)["items"][0]["id"]
    delivery: dict[str, Any] = {}
    shown = 0

    def settled() -> bool:
        nonlocal shown, delivery
        delivery = api.get(f"/api/deliveries/{delivery_id}")
        for attempt in delivery["attempt_log"][shown:]:
            here.screen.attempt(attempt)
            shown += 1
        return delivery["status"] in ("delivered", "dead_letter")

    here.until(settled, f"the delivery becomes {until}", pause=0.1)
    if delivery["status"] != until:
        raise NotAsTold(f"the delivery becomes {until}: no, {delivery['status']}.")
    return delivery


def answers(arrivals: list[Arrival]) -> str:
    return ", ".join(str(arrival.answered) for arrival in arrivals) or "nothing"
