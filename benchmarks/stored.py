"""What a system holds after a while: events with their deliveries and attempts, some minutes for 5,000,000.

`stored(stack, 5_000_000)` makes tenants of very different sizes, each with one endpoint, and spreads their events over
the last 80 days. Of 100 deliveries 97 were delivered and 3 are dead letters; an event has two attempts on average. They
are as large as those that `receiver.py` causes.
"""

import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import psycopg
from psycopg import sql
from tqdm import tqdm

from benchmarks.system import tenants
from triggers_project.local.stack import Stack

TENANTS = 40
DAYS = 80
BLOCK = 20_000  # events
VACUUMED_EVERY = 10  # blocks
EVENTS = "events_event (id, organization_id, type, payload, dedup_id, created_at)"
DELIVERIES = (
    "deliveries_delivery (id, organization_id, event_id, event_type, endpoint_id, status, attempts, claim,"
    " next_attempt_at, manual, test, last_status_code, last_error, created_at, settled_at)"
)
ATTEMPTS = (
    "incoming_attempt (delivery_id, number, started_at, duration_ms, outcome, status_code, error, response_headers,"
    " response_body, next_attempt_at, manual, first_byte_ms)"
)
TYPES = [
    f"{what}.{done}" for what in ("order", "invoice", "customer", "parcel") for done in ("created", "changed")
]


def stored(stack: Stack, events: int) -> list[dict[str, Any]]:
    """The tenants, the largest first: answers of `create_organization`. The second holds half of what the first does,
    and so on."""
    made = tenants(stack, TENANTS, "http://127.0.0.1:9/nobody")
    with psycopg.connect(stack.database_url, autocommit=True) as database:
        database.execute("SET synchronous_commit = off")
        database.execute("SELECT setseed(0.7)")
        rows = database.execute("SELECT organization_id::text, id::text FROM deliveries_endpoint").fetchall()
        endpoints: dict[str, str] = dict(rows)
        owners = [(answer["organization"]["id"], endpoints[answer["organization"]["id"]]) for answer in made]
        (payload_index,) = database.execute(
            "SELECT pg_get_indexdef('event_payload'::regclass)"
        ).fetchone() or ("",)
        database.execute(
            "DROP INDEX event_payload"
        )  # sorted in row by row it would take longer than all the rest
        database.execute("CREATE TEMP TABLE incoming_attempt (LIKE deliveries_attempt INCLUDING DEFAULTS)")
        with tqdm(total=events, unit=" events", desc="stored", leave=False) as bar:
            for number, block in enumerate(blocks(events, owners), 1):
                store(database, block)
                if number % VACUUMED_EVERY == 0:
                    database.execute("VACUUM deliveries_attempt")
                bar.update(len(block[0]))
        database.execute(payload_index)
        database.execute("VACUUM ANALYZE events_event, deliveries_delivery, deliveries_attempt")
    return made


Block = tuple[list[str], list[str], list[str]]


def store(database: psycopg.Connection[Any], block: Block) -> None:
    """Attempts as the product stores them: by INSERT, and mixed, for between the first and the next attempt of a
    delivery come those of others. In the order of deliveries, or by COPY, which looks at no block but its last, larger
    rows leave gaps that only those that are measured later fill (`README.md`, "Where the time goes")."""
    for table, lines in zip((EVENTS, DELIVERIES, ATTEMPTS), block, strict=True):
        with database.cursor().copy(sql.SQL("COPY " + table + " FROM STDIN")) as copy:
            copy.write("".join(lines))
    database.execute("INSERT INTO deliveries_attempt SELECT * FROM incoming_attempt ORDER BY random()")
    database.execute("TRUNCATE incoming_attempt")


def blocks(events: int, owners: list[tuple[str, str]], *, seed: int = 7) -> Iterator[Block]:
    """Lines for the three tables, oldest first. The same for the same `seed`, but for the moment it is called at."""
    chance = random.Random(seed)
    weights = [1 / (1 + rank) ** 1.2 for rank in range(len(owners))]
    first = time.time() - DAYS * 86_400
    block: Block = ([], [], [])
    whose = iter(())  # type: Iterator[tuple[str, str]]
    for number in range(events):
        if number % BLOCK == 0:
            if number:
                yield block
            block = ([], [], [])
            whose = iter(chance.choices(owners, weights, k=BLOCK))
        add(block, number, *next(whose), first + DAYS * 86_400 * number / events, chance)
    yield block


def add(
    block: Block, number: int, organization: str, endpoint: str, at: float, chance: random.Random
) -> None:
    """One event, its delivery, and what was tried."""
    moment = datetime.fromtimestamp(at, UTC).isoformat()
    event, delivery = uuid7(at, chance), uuid7(at, chance)
    kind = TYPES[chance.getrandbits(3)]
    payload = (
        f'{{"number": {number}, "customer": "c-{chance.getrandbits(20)}", "amount": {chance.getrandbits(16)},'
        f' "lines": [{{"sku": "s-{chance.getrandbits(12)}", "quantity": {number % 9}}}], "note": "{NOTE}"}}'
    )
    block[0].append(f"{event}\t{organization}\t{kind}\t{payload}\t\\N\t{moment}\n")
    dead = number % 100 < 3
    status, tried, code, error = (
        ("dead_letter", 5, "500", "The receiver answered 500.") if dead else GOOD[number % 4]
    )
    block[1].append(
        f"{delivery}\t{organization}\t{event}\t{kind}\t{endpoint}\t{status}\t{tried}\t{tried}\t\\N\tf\tf\t{code}\t{error}"
        f"\t{moment}\t{moment}\n"
    )
    for attempt in range(1, tried + 1):
        good = attempt == tried and not dead
        outcome = "delivered\t204\t" if good else "rejected\t500\tThe receiver answered 500."
        block[2].append(f"{delivery}\t{attempt}\t{moment}\t23\t{outcome}\t{{}}\t\t\\N\tf\t22\n")


NOTE = "x" * 400
GOOD = [("delivered", tried, "204", "") for tried in (1, 1, 2, 4)]


def uuid7(at: float, chance: random.Random) -> str:
    """RFC 9562, section 5.7, of a moment in unix seconds."""
    number = (
        (int(at * 1000) << 80)
        | (7 << 76)
        | (chance.getrandbits(12) << 64)
        | (2 << 62)
        | chance.getrandbits(62)
    )
    text = f"{number:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
