"""`make bench`: every benchmark, as a table and as `bench.json` in the current folder.

`python -m benchmarks quick` runs all of it small, in some minutes: whether it works; the figures say little.
`python -m benchmarks accept "in one go"` runs those, and keeps what `bench.json` says of the others. What fails costs
the others nothing: its place in `bench.json` says how it failed, and the exit code is 1.
"""

import json
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks import (
    accept,
    backlog,
    grown,
    in_one_go,
    keeping,
    latency,
    neighbours,
    pace,
    profiled,
    replaying,
    scale,
    sustained,
    traced,
)

# The question, and how small it is asked when it is to be quick: in seconds, deliveries or events.
QUESTIONS: dict[str, tuple[Callable[..., dict[str, Any]], int]] = {
    "accept": (accept.run, 1),
    "backlog": (backlog.run, 2_000),
    "scale": (scale.run, 2_000),
    "replaying": (replaying.run, 2_000),
    "latency": (latency.run, 2),
    "sustained": (sustained.run, 3),
    "neighbours": (neighbours.run, 2),
    "pace": (pace.run, 3),
    "grown": (grown.run, 40_000),
    "in one go": (in_one_go.run, 5_000),
    "keeping": (keeping.run, 20_000),
    "traced": (traced.run, 1),
    "where the time goes": (profiled.run, 1),
}

FIGURES = Path("bench.json")


def ask(name: str, *, quick: bool) -> dict[str, Any]:
    """Its figures, or `{"failed": why}`."""
    question, size = QUESTIONS[name]
    print(f"\n{name}", flush=True)
    try:
        found = question(size) if quick else question()
    except Exception as error:  # hours of the others' figures would be lost
        traceback.print_exc()
        found = {"failed": f"{type(error).__name__}: {error}"}
    for figure, value in found.items():
        print(f"{value:>10}  {figure}", flush=True)
    return found


def main(names: list[str]) -> int:
    quick = names == ["quick"]
    if unknown := [] if quick else set(names) - QUESTIONS.keys():
        print(
            f"There is no {', '.join(sorted(unknown))}. There are: {', '.join(QUESTIONS)}.", file=sys.stderr
        )
        return 2
    asked = list(QUESTIONS) if quick or not names else [name for name in QUESTIONS if name in names]
    if quick:
        accept.RUNS = backlog.RUNS = grown.RUNS = grown.PAIRS = 1
    figures = {} if len(asked) == len(QUESTIONS) or not FIGURES.exists() else json.loads(FIGURES.read_text())
    for name in asked:
        figures[name] = ask(name, quick=quick)
        text = json.dumps(figures, indent=2, ensure_ascii=False)
        FIGURES.write_text(text + "\n")  # each time: what was measured stays
    return int(any("failed" in figures[name] for name in asked))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
