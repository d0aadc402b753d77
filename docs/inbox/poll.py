"""Works through the inbox, with the standard library alone: URL=… KEY=trg_… python3 poll.py"""

import json
import os
import time
import urllib.request

PAUSE = 5  # seconds between two looks at an empty inbox


def call(path, body=None):
    headers = {"X-API-Key": os.environ["KEY"], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(os.environ["URL"] + path, data, headers)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def work_on(event):
    print(event["id"], event["type"], event["payload"], flush=True)


def work_off():
    """One page, the oldest of it first. Returns how many there were."""
    events = call("/api/inbox?limit=200")["items"]
    for event in reversed(events):
        work_on(event)
    if events:
        # Only now: who stops in the middle finds them again, and does them twice rather than never.
        call("/api/ack", {"event_ids": [event["id"] for event in events]})
    return len(events)


if __name__ == "__main__":
    while True:
        while work_off():
            pass
        if "ONCE" in os.environ:
            break
        time.sleep(PAUSE)
