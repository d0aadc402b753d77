"""Sends one event, with the standard library alone: URL=… KEY=trg_… python3 send.py"""

import json
import os
import time
import urllib.error
import urllib.request

TRIES = 5


def send(event_type, payload, dedup_id):
    """The event's id. Call it again as often as you like: of one dedup id, one is accepted."""
    body = json.dumps({"type": event_type, "payload": payload, "dedup_id": dedup_id}).encode()
    for number in range(1, TRIES + 1):
        wait = 2**number
        try:
            return post(body)["id"]
        except urllib.error.HTTPError as error:
            if error.code < 500 and error.code not in (408, 429):
                return id_if_there(json.load(error))
            wait = int(error.headers.get("Retry-After", wait))
        except OSError:
            pass  # no answer: it may have arrived or not, and with a dedup id that does not matter
        if number < TRIES:
            time.sleep(wait)
    raise TimeoutError(f"{event_type} was not sent: try again later")


def post(body):
    headers = {"X-API-Key": os.environ["KEY"], "Content-Type": "application/json"}
    request = urllib.request.Request(os.environ["URL"] + "/api/events", body, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def id_if_there(problem):
    """An earlier try may have arrived, and its answer been lost. Any other refusal is final."""
    if problem["code"] == "duplicate_event":
        return problem["event_id"]
    raise ValueError(f"refused: {problem['detail']}")


if __name__ == "__main__":
    print(send("order.paid", {"order": 17, "total": "99.50"}, dedup_id="order-17-paid"))
