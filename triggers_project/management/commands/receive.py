"""`manage.py receive`: a webhook receiver for the desk, which verifies what arrives and prints it."""

import json
from argparse import ArgumentParser
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from standardwebhooks import Webhook, WebhookVerificationError


class Command(BaseCommand):
    help = "Receives webhooks on 127.0.0.1, verifies their signatures and prints a line for each."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, required=True)
        parser.add_argument("--secret", help="whsec_...; without, that of the desk's demo tenant")

    def handle(self, *args: Any, **options: Any) -> None:
        secret = options["secret"]

        class Receiver(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                verified = signature_fits(secret or demo_secret(settings.DATA_DIR), body, dict(self.headers))
                self.send_response(204 if verified else 401)
                self.end_headers()
                print(line_for(body, verified, self.headers.get("webhook-attempt", "?")), flush=True)

            def log_message(self, *_: Any) -> None:
                """The line above says it."""

        ThreadingHTTPServer(("127.0.0.1", options["port"]), Receiver).serve_forever()


def demo_secret(data_dir: Path) -> str:
    return str(json.loads((data_dir / "desk.json").read_text())["webhook_secret"])


def signature_fits(secret: str, body: bytes, headers: dict[str, str]) -> bool:
    try:
        Webhook(secret).verify(body, {name.lower(): value for name, value in headers.items()})
    except WebhookVerificationError:
        return False
    return True


def line_for(body: bytes, verified: bool, attempt: str) -> str:
    if not verified:
        return "refused a webhook whose signature does not fit"
    event = json.loads(body)
    return f"received {event['type']} {event['id']} (attempt {attempt}, signature verified)"
