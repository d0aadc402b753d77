"""A receiver, with the standard library alone: WEBHOOK_SECRET=whsec_… python3 verify.py"""

import base64
import hashlib
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

KEY = base64.b64decode(os.environ["WEBHOOK_SECRET"].removeprefix("whsec_"))
INBOX = Path(os.environ.get("INBOX", "inbox"))
TOLERANCE = 5 * 60  # seconds that the clocks may differ, and an attempt be old
LARGEST = 1024 * 1024  # bytes

if not KEY:
    raise SystemExit("WEBHOOK_SECRET is empty")  # with an empty key anybody could sign


def verify(headers, body, now):
    """Whether the body, as it came, is signed with our secret, and not long ago."""
    message_id = headers.get("webhook-id", "")
    timestamp = headers.get("webhook-timestamp", "")
    if not message_id or not (timestamp.isascii() and timestamp.isdigit()):
        return False
    if abs(now - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = b"v1," + base64.b64encode(hmac.digest(KEY, signed, hashlib.sha256))
    # While a secret is exchanged there are two signatures. One that fits is enough.
    given = headers.get("webhook-signature", "").encode().split(b" ")
    return any(hmac.compare_digest(expected, each) for each in given)


def store(message_id, body):
    """False if it came before. The folder stands for a table: INSERT … ON CONFLICT DO NOTHING."""
    try:
        with (INBOX / message_id).open("xb") as file:
            file.write(body)
    except FileExistsError:
        return False
    return True


class Receiver(BaseHTTPRequestHandler):
    timeout = 10  # seconds for a sender who has stopped sending

    def do_POST(self):
        self.send_response(self.receive())
        self.send_header("Content-Length", "0")
        self.end_headers()

    def receive(self):
        size = int(self.headers.get("Content-Length", 0))
        if size > LARGEST:
            return 413
        body = self.rfile.read(size)  # the raw body: written anew it would have another signature
        if not verify(self.headers, body, time.time()):
            return 401
        if store(self.headers["webhook-id"], body):
            print("stored", self.headers["webhook-id"], flush=True)
        return 204  # stored is enough: the work on it is done afterwards, by something else


if __name__ == "__main__":
    INBOX.mkdir(exist_ok=True)
    port = int(os.environ.get("PORT", "9000"))
    ThreadingHTTPServer(("127.0.0.1", port), Receiver).serve_forever()
