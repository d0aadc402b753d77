"""`manage.py erase_organization ID`: a tenant and everything of it goes, for good."""

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any
from uuid import UUID

from django.core.management.base import CommandError
from tqdm import tqdm

from deliveries.erasure import close, erase_parts, finish, inventory, left_of
from organizations.models import Organization
from organizations.teaching import COMMAND_LINE, TeachingCommand

LEFT = 2
QUIET_SECONDS = 15.0


class Command(TeachingCommand):
    help = (
        "Erases a tenant: events, deliveries, attempts, keys, endpoints with their secrets, figures, its own row.\n"
        "Without --yes it only says what would go. With it, keys are revoked and endpoints disabled first; then rows\n"
        "go in parts, and the tenant's own last. Audit entries about it stay, without names and values. In the end\n"
        "every table that can name a tenant is asked whether it still does. It can't be undone. Backups, PostgreSQL's\n"
        "own files until they are vacuumed, and logs of before are not touched."
    )
    examples = (
        "erase_organization 0199f7c1-…                  # what would go",
        "erase_organization 0199f7c1-… --yes 'Acme Ltd'  # the name, exactly",
        "erase_organization 0199f7c1-… --yes 'Acme Ltd' --json > report.json",
    )
    exit_codes = {
        0: "nothing of it is left, or it was only asked for",
        1: "it was refused; nothing was changed",
        LEFT: "something is left: run it again",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.removed: Counter[str] = Counter()
        self.closed = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("organization", type=UUID, metavar="ID")
        parser.add_argument("--yes", metavar="NAME", help="erase it; NAME is the tenant's, exactly")
        parser.add_argument(
            "--dry-run", action="store_true", help="only say what would go; so it is without --yes"
        )
        parser.add_argument("--json", action="store_true", help="the report as one JSON document")

    def work(self, **options: Any) -> int:
        organization = self._found(options["organization"])
        if options["dry_run"] or options["yes"] is None:
            return self._say_plan(organization, as_json=options["json"])
        if options["yes"] != organization.name:
            raise CommandError(
                f"Its name is {organization.name!r}, not {options['yes']!r}; nothing was changed."
            )
        close(organization, actor=COMMAND_LINE)
        self.closed = True
        self._erase(organization)
        return self._say_report(organization.pk, as_json=options["json"])

    def how_to_go_on(self) -> str:
        if not self.closed:
            return "Nothing was changed."
        return (
            f"{in_words(self.removed)} are gone; its keys are revoked. Run it again: it goes on from there."
        )

    def _found(self, organization_id: UUID) -> Organization:
        """The tenant; of one that is gone, but was named once more, one whose name is its id."""
        organization = Organization.objects.filter(pk=organization_id).first()
        if organization is None and not left_of(organization_id):
            raise CommandError(f"There is no organization {organization_id}, and nothing names it.")
        return organization or Organization(pk=organization_id, name=str(organization_id))

    def _erase(self, organization: Organization) -> None:
        with tqdm(unit=" rows", file=self.stderr, disable=None) as progress:
            for name, number in erase_parts(organization, quiet=QUIET_SECONDS):
                progress.set_description(name)
                progress.update(number)
                if number:
                    self.removed[name] += number
        finish(organization, dict(self.removed), actor=COMMAND_LINE)

    def _say_plan(self, organization: Organization, *, as_json: bool) -> int:
        found = inventory(organization)
        if as_json:
            document = {
                "dry_run": True,
                "id": str(organization.pk),
                "name": organization.name,
                "would_go": found,
            }
            self.stdout.write(json.dumps(document))
            return 0
        self.stdout.write(f"{organization.name}, {organization.pk}:")
        for name, number in found.items():
            stays = "  (stay, without names and values)" if name == "audit entries" else ""
            self.stdout.write(f"{number:>12,}  {name}{stays}")
        self.stdout.write(f"Nothing was changed. To erase it for good: --yes {organization.name!r}")
        return 0

    def _say_report(self, organization_id: UUID, *, as_json: bool) -> int:
        left = left_of(organization_id)
        if as_json:
            document = {"id": str(organization_id), "removed": dict(self.removed), "left": left}
            self.stdout.write(json.dumps(document))
        else:
            for name, number in self.removed.items():
                self.stdout.write(f"{number:>12,}  {name}")
            words = f"Still named in {in_words(left)}: run it again." if left else "Nothing of it is left."
            self.stdout.write(f"The organization {organization_id} is erased. {words}")
        return LEFT if left else 0


def in_words(numbers: dict[str, int]) -> str:
    return ", ".join(f"{number:,} {name}" for name, number in numbers.items()) or "no rows"
