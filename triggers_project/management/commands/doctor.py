"""`manage.py doctor`: everything that a deployment needs, looked at once."""

import json
from argparse import ArgumentParser
from typing import Any

from organizations.teaching import TeachingCommand
from triggers_project.doctor.examination import examine
from triggers_project.doctor.findings import Finding, Level

EXIT_CODES = {Level.FAULT: 2, Level.WARNING: 1}
MARKS = {Level.FAULT: "FAULT", Level.WARNING: "warning", Level.WELL: "well", Level.SKIPPED: "skipped"}


class Command(TeachingCommand):
    help = (
        "Looks at everything that a deployment needs, and says for each fault what to do, the worst first:\n"
        "versions, settings, migrations, clocks, PostgreSQL, Redis, scheduler and workers, schedules, disk, backlog,\n"
        "certificate."
        " It changes nothing, and takes a second or two."
    )
    examples = (
        "doctor                    # before going live, and when something is odd",
        "doctor --quiet            # only what is wrong; for cron, which mails what is printed",
        "doctor --json | jq .verdict",
    )
    exit_codes = {0: "all is well", 1: "there are warnings", 2: "there are faults: something does not work"}
    requires_system_checks = ()  # it makes them itself, and says what to do

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="one JSON document instead of words")
        parser.add_argument("--quiet", action="store_true", help="leaves out what is well or was skipped")

    def work(self, **options: Any) -> int:
        found = examine()
        worst = max(finding.level for finding in found)
        code = EXIT_CODES.get(worst, 0)
        if options["quiet"]:
            found = [finding for finding in found if finding.level in EXIT_CODES]
        if options["json"]:
            self.stdout.write(json.dumps(document(found, code)))
        else:
            for finding in found:
                self.stdout.write(in_lines(finding))
            if not options["quiet"]:
                self.stdout.write("\n" + self.exit_codes[code][0].upper() + self.exit_codes[code][1:] + ".")
        return code


def in_lines(finding: Finding) -> str:
    line = f"{MARKS[finding.level]:<8} {finding.about}: {finding.words}"
    return f"{line}\n{'':<8} → {finding.advice}" if finding.advice else line


def document(found: list[Finding], code: int) -> dict[str, Any]:
    verdicts = {0: "well", 1: "warnings", 2: "faults"}
    findings = [{**finding._asdict(), "level": MARKS[finding.level].lower()} for finding in found]
    return {"verdict": verdicts[code], "findings": findings}
