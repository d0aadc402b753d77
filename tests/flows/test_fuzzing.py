"""schemathesis, all checks on, over the schema that is served. FUZZ_EXAMPLES says how much; `make fuzz` does more."""

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.flows.journey import Journey
from triggers_project.local.stack import ROOT

log = logging.getLogger(__name__)
pytestmark = [pytest.mark.flow, pytest.mark.timeout(3600)]

CONFIG = ROOT / "tests/fuzzing/schemathesis.toml"
EXAMPLES = os.environ.get("FUZZ_EXAMPLES", "4")  # for each operation, in each phase
PHASES = os.environ.get("FUZZ_PHASES", "examples,fuzzing")
SEED = os.environ.get("FUZZ_SEED", "1")


def test_every_call_answers_as_the_schema_says(journey: Journey, tmp_path: Path) -> None:
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("schemathesis")), "--config-file", str(CONFIG)),
            *("run", f"{journey.stack.url}/api/schema"),
            *("--header", f"X-API-Key: {journey.key}", "--phases", PHASES),
            *("--max-examples", EXAMPLES, "--seed", SEED),
            *("--continue-on-failure", "--no-color"),
        ],
        cwd=tmp_path,  # where it would leave its notes
        env={
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "SCHEMATHESIS_HOOKS": "tests.fuzzing.hooks",
            "FUZZED_URL": journey.stack.url,
            "FUZZED_KEY": journey.key,
            "NO_PROXY": "127.0.0.1",
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    counted = re.search(r"(\d+) generated", done.stdout)
    assert counted, done.stdout
    log.info("%s cases", counted[1])
    assert int(counted[1]) >= 100
    assert journey.call("GET", "/api/keys").status_code == 200  # the key did not end on the way
