"""`make bench`: every benchmark, as a table and as `bench.json` in the current folder."""

import json
from pathlib import Path

from benchmarks import (
    accept,
    backlog,
    grown,
    latency,
    neighbours,
    pace,
    profiled,
    replaying,
    scale,
    sustained,
)


def main() -> None:
    found = {}
    for name, question in (
        ("accept", accept.run),
        ("backlog", backlog.run),
        ("scale", scale.run),
        ("replaying", replaying.run),
        ("latency", latency.run),
        ("sustained", sustained.run),
        ("neighbours", neighbours.run),
        ("pace", pace.run),
        ("grown", grown.run),
        ("where the time goes", profiled.run),
    ):
        print(f"\n{name}", flush=True)
        found[name] = question()
        for figure, value in found[name].items():
            print(f"{value:>10}  {figure}", flush=True)
    Path("bench.json").write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
