"""The counts of all processes together; those of processes that have ended are added up in one place.

Counters of the dead must stay: Prometheus would take less for a restart. Their gauges must go, and their files must not
become more and more. So the files of the dead are folded into a generation, a folder `ended-<n>`, which appears in one
step and names whom it holds. Who is killed at any moment of that loses nothing and counts nothing twice.
"""

import fcntl
import shutil
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.core import Metric
from prometheus_client.mmap_dict import MmapedDict
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from triggers_project.exporter.process_files import ALIVE, has_ended, process_name

KEPT = ("counter", "histogram", "summary")
FOLDED, GENERATION = "folded", "ended-"


class AllProcesses(Collector):
    """Every figure that is counted in the folder, over the living and the dead."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._lock = folder, threading.Lock()

    def collect(self) -> Iterator[Metric]:
        with self._alone():
            self._fold()
            generation = self._generation()
            files = [*self._folder.glob("*.db"), *(generation.glob("*.db") if generation else ())]
            yield from MultiProcessCollector.merge([str(path) for path in _begun(files)], accumulate=True)

    def fold(self) -> None:
        """What each scrape does as well: so that files don't pile up when nobody scrapes."""
        with self._alone():
            self._fold()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Other threads wait, and so does another exporter."""
        with self._lock, (self._folder / "exporter.lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _fold(self) -> None:
        generation = self._generation()
        if generation is not None:
            self._remove_all_but(generation)
        dead = self._dead()
        if not dead:
            return
        number = int(generation.name.removeprefix(GENERATION)) + 1 if generation else 1
        made = self._folder / f"new-{number}"
        shutil.rmtree(made, ignore_errors=True)
        made.mkdir()
        for kind in KEPT:
            sources = [self._folder / f"{kind}_{name}.db" for name in dead]
            sources += [generation / f"{kind}_ended.db"] if generation else []
            _add_up(_begun(path for path in sources if path.exists()), made / f"{kind}_ended.db")
        (made / FOLDED).write_text("\n".join(dead))
        fresh = made.rename(self._folder / f"{GENERATION}{number}")  # from here on these count
        self._remove_all_but(fresh)

    def _dead(self) -> list[str]:
        """Names of processes that have ended. Not ours: to try our own lock would give it up."""
        own = process_name()
        return sorted(
            path.stem for path in self._folder.glob(f"*{ALIVE}") if path.stem != own and has_ended(path)
        )

    def _generation(self) -> Path | None:
        found = self._folder.glob(f"{GENERATION}*")
        return max(found, key=lambda path: int(path.name.removeprefix(GENERATION)), default=None)

    def _remove_all_but(self, generation: Path) -> None:
        """Whatever this generation holds. The file that says who was alive goes last: until then it is found again."""
        for older in self._folder.glob(f"{GENERATION}*"):
            if older != generation:
                shutil.rmtree(older)
        for name in (generation / FOLDED).read_text().split():
            for path in self._folder.glob(f"*_{name}.db"):
                path.unlink()
            (self._folder / f"{name}{ALIVE}").unlink(missing_ok=True)


def _begun(files: Iterable[Path]) -> list[Path]:
    """Those with something in them: a process makes its file empty, and may be looked at, or killed, just then."""
    return [path for path in files if path.stat().st_size]


def _add_up(files: Iterable[Path], into: Path) -> None:
    totals: defaultdict[str, float] = defaultdict(float)
    for path in files:
        for key, value, _, _ in MmapedDict.read_all_values_from_file(str(path)):
            totals[key] += value
    if totals:
        written = MmapedDict(str(into))
        for key, total in totals.items():
            written.write_value(key, total, 0.0)
        written.close()
