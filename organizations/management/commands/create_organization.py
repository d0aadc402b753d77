"""`manage.py create_organization NAME [--tier pro] [--webhook-url URL]`"""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.exceptions import ValidationError
from django.core.management.base import BaseCommand, CommandError

from deliveries.errors import ForbiddenTarget
from organizations.api import sign_up
from organizations.one_line import one_line
from organizations.tiers import Tier


class Command(BaseCommand):
    help = "Makes an organization and its first API key; prints one line of JSON like the answer of keys/generate."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="1-200 characters")
        parser.add_argument("--tier", choices=Tier.values, default=Tier.FREE)
        parser.add_argument(
            "--webhook-url",
            help="where its events go, public or in ALLOWED_PRIVATE_NETWORKS; without, it has no endpoint yet",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not 1 <= len(name) <= 200:
            raise CommandError("The name takes 1-200 characters.")
        try:
            one_line(name)
        except ValidationError as fault:
            raise CommandError(fault.message) from None
        try:
            answer = sign_up(name, options["webhook_url"], tier=options["tier"])
        except ForbiddenTarget as error:
            raise CommandError(f"--webhook-url: {error}") from None
        self.stdout.write(json.dumps(answer, default=str))
