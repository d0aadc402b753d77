"""`manage.py listen`: a developer's events, forwarded to a program on their machine."""

import os
import time
from argparse import ArgumentParser
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from django.conf import settings
from django.core.management.base import CommandError

from deliveries.errors import InvalidSecret
from deliveries.message import user_agent
from deliveries.secrets import secret_bytes
from organizations.admin_words import without_query
from organizations.teaching import TeachingCommand
from triggers_project.listening import Away, Inbox, Listed, Refused, forward


class Command(TeachingCommand):
    help = (
        "Forwards a tenant's new events to a URL on your machine, signed as Triggers signs deliveries, so that a\n"
        "receiver can be written before it is on the internet. It is a client of the API like any other: it needs a\n"
        "key (scope events:read), and neither database nor Redis. Each event is forwarded once, whatever is answered.\n"
        "With --ack those answered with 2xx are acknowledged (scope events:write): that takes them out of the inbox,\n"
        "and cancels what is still to be sent of them elsewhere. Signed is with the secret of the default endpoint\n"
        "(scope endpoints:write), of --endpoint, or with --secret. X-Delivery-ID is made up."
    )
    examples = (
        "listen --forward-to http://localhost:3000/hooks",
        "listen --forward-to http://localhost:3000/hooks --url https://hooks.example.com --key-env STAGING_KEY",
        "listen --forward-to http://localhost:3000/hooks --backlog --once --ack   # what is there, then end",
    )
    exit_codes = {
        0: "ended by Ctrl-C; with --once: all was answered with 2xx",
        1: "it was refused, or not all was",
    }
    requires_system_checks = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.forwarded = self.good = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--forward-to", required=True, metavar="URL", help="where your receiver listens")
        parser.add_argument("--url", default="http://127.0.0.1:8000", help="where Triggers is; %(default)s")
        parser.add_argument(
            "--key-env",
            default="TRIGGERS_API_KEY",
            metavar="NAME",
            help="the variable that holds the API key",
        )
        parser.add_argument("--endpoint", type=UUID, metavar="ID", help="sign with this endpoint's secret")
        parser.add_argument("--secret", help="whsec_…; sign with this")
        parser.add_argument("--type", help="exactly this event type")
        parser.add_argument("--ack", action="store_true", help="acknowledge what is answered with 2xx")
        parser.add_argument(
            "--backlog", action="store_true", help="begin with what waits in the inbox already"
        )
        parser.add_argument("--once", action="store_true", help="look once, then end")
        parser.add_argument(
            "--every", type=float, default=1.0, metavar="SECONDS", help="how often it looks; 1"
        )

    def work(self, **options: Any) -> int:
        key = os.environ.get(options["key_env"], "")
        if not key:
            raise CommandError(f"Put an API key into the environment: export {options['key_env']}=trg_…")
        inbox = Inbox(options["url"], key, event_type=options["type"])
        try:
            secret = self._secret(inbox, options)
            return self._listen(inbox, secret, options)
        except Refused as refusal:
            raise CommandError(str(refusal)) from None
        except Away as outage:
            raise CommandError(f"{outage} Is it running, and --url right?") from None
        except KeyboardInterrupt:  # which is how it ends
            self.stderr.write(f"\n{self.forwarded:,} forwarded, {self.good:,} answered with 2xx.")
            return 0

    def _secret(self, inbox: Inbox, options: dict[str, Any]) -> bytes:
        endpoint = options["endpoint"]
        try:
            return secret_bytes(options["secret"] or inbox.secret_of(str(endpoint) if endpoint else None))
        except InvalidSecret:
            raise CommandError("--secret takes whsec_ and 24-64 bytes in base64.") from None
        except Refused as refusal:
            raise CommandError(f"{refusal} Say with which secret to sign: --secret whsec_…") from None

    def _listen(self, inbox: Inbox, secret: bytes, options: dict[str, Any]) -> int:
        if not options["backlog"]:
            inbox.begin_now()
        if not options["once"]:
            self.stderr.write(f"Forwarding to {without_query(options['forward_to'])}. Ctrl-C ends.")
        while True:
            self._hand_on(inbox, secret, options)
            if options["once"]:
                return 0 if self.good == self.forwarded else 1
            time.sleep(max(0.1, options["every"]))

    def _hand_on(self, inbox: Inbox, secret: bytes, options: dict[str, Any]) -> None:
        """While Triggers is away it says so, and goes on; with --once that is the end."""
        try:
            for event in inbox.news():
                self._forward(inbox, event, secret, options)
        except Away as outage:
            if options["once"]:
                raise
            self.stderr.write(f"{outage} Trying again.")

    def _forward(self, inbox: Inbox, event: Listed, secret: bytes, options: dict[str, Any]) -> None:
        url = options["forward_to"]
        answer = forward(event, url, secret=secret, user_agent=user_agent(settings.VERSION))
        self.forwarded += 1
        self.good += answer.is_good
        acknowledged = ""
        if options["ack"] and answer.is_good:
            acknowledged = self._acknowledge(inbox, event)
        status = answer.status if answer.status is not None else f"no answer: {answer.error}"
        took = f"{answer.seconds * 1000:,.0f} ms"
        now = datetime.now(UTC)
        self.stdout.write(f"{now:%H:%M:%S} POST {event.type} {event.id} {status}, {took}{acknowledged}")
        self.stdout.flush()

    def _acknowledge(self, inbox: Inbox, event: Listed) -> str:
        try:
            inbox.acknowledge(event)
        except Away:
            return ", not acknowledged: Triggers is away"
        return ", acknowledged"
