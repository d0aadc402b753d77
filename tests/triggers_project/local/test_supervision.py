"""Programs are kept running, and end in order; none is left."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
from supervisor.options import ServerOptions

from triggers_project.local.program import Program
from triggers_project.local.sole_use import sole_use
from triggers_project.local.supervision import Supervision, configuration

WAIT = "import time\nwrite('up')\ntime.sleep(60)"
# Says when it was asked to end, and ends a moment later.
POLITE = """
import os, pathlib, signal, time
name = pathlib.Path(__file__).stem
def end(*_):
    write(name + ' asked'); time.sleep(0.5); write(name + ' ends'); os._exit(0)
signal.signal(signal.SIGTERM, end)
write('up')
time.sleep(60)
"""
DEAF = "import signal, time\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\nwrite('up')\ntime.sleep(60)"
# Its child leaves the family: another session, another parent.
RUNAWAY = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'], start_new_session=True)
write(child.pid)
time.sleep(60)
"""


@contextmanager
def supervised(data_dir: Path, *programs: Program) -> Iterator[Supervision]:
    supervision = Supervision(data_dir, programs)
    with sole_use(data_dir) as lock:
        try:
            supervision.start(root=Path.cwd(), environ={"PATH": os.environ["PATH"]}, lock=lock)
            for program in programs:
                supervision.start_program(program.name)
            yield supervision
        finally:
            supervision.stop()


def journal(folder: Path, lines: int, seconds: float = 30) -> list[str]:
    """What the programs have written, once it is that many lines."""
    deadline = time.monotonic() + seconds
    while len(words := written(folder)) < lines:
        assert time.monotonic() < deadline, f"only {words}"
        time.sleep(0.02)
    return words


def written(folder: Path) -> list[str]:
    path = folder / "journal"
    return path.read_text().splitlines() if path.exists() else []


def lives(pid: int) -> bool:
    """A zombie does not: it only waits for its parent to notice."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


Script = Callable[..., Program]


def test_a_program_that_is_killed_is_started_again(data_dir: Path, script: Script, tmp_path: Path) -> None:
    with supervised(data_dir, script("a", WAIT)) as supervision:
        journal(tmp_path, 1)
        (first,) = supervision.pids("a")
        os.kill(first, signal.SIGKILL)
        journal(tmp_path, 2)
        assert supervision.pids("a") != [first]


def test_a_program_that_is_stopped_stays_so_until_it_is_started(
    data_dir: Path, script: Script, tmp_path: Path
) -> None:
    with supervised(data_dir, script("a", WAIT)) as supervision:
        journal(tmp_path, 1)
        supervision.stop_program("a")
        assert (supervision.pids("a"), supervision.state("a")) == ([], "STOPPED")
        supervision.stop_program("a")
        supervision.start_program("a")
        supervision.start_program("a")
        journal(tmp_path, 2)
        assert len(supervision.pids("a")) == 1


def test_higher_ranks_end_first_and_those_of_one_rank_together(
    data_dir: Path, script: Script, tmp_path: Path
) -> None:
    ranks = {"server": 1, "web": 100, "worker": 100, "cache": 2}
    programs = [script(name, POLITE, rank=rank) for name, rank in ranks.items()]
    with supervised(data_dir, *programs):
        journal(tmp_path, 4)
    ending = written(tmp_path)[4:]
    assert set(ending[:2]) == {"web asked", "worker asked"}
    assert set(ending[2:4]) == {"web ends", "worker ends"}
    assert ending[4:] == ["cache asked", "cache ends", "server asked", "server ends"]


def test_a_program_that_does_not_end_is_killed(data_dir: Path, script: Script, tmp_path: Path) -> None:
    with supervised(data_dir, script("a", DEAF, stop_wait=1)) as supervision:
        journal(tmp_path, 1)
        pids = supervision.pids("a")
    assert not any(map(lives, pids))


def test_hurrying_kills_what_has_no_data(data_dir: Path, script: Script, tmp_path: Path) -> None:
    programs = [script("a", DEAF, stop_wait=60), script("server", POLITE, rank=1, keeps_data=True)]
    began = time.monotonic()
    with supervised(data_dir, *programs) as supervision:
        journal(tmp_path, 2)
        before = signal.signal(signal.SIGALRM, lambda *_: supervision.hurry())
        signal.setitimer(signal.ITIMER_REAL, 1)
    signal.signal(signal.SIGALRM, before)
    assert time.monotonic() - began < 50
    assert written(tmp_path)[2:] == ["server asked", "server ends"]


def test_a_child_that_left_the_family_does_not_outlive_it(
    data_dir: Path, script: Script, tmp_path: Path
) -> None:
    with supervised(data_dir, script("a", RUNAWAY)):
        (child,) = map(int, journal(tmp_path, 1))
        assert lives(child)
    assert not lives(child)


def test_programs_end_when_supervisord_is_killed(data_dir: Path, script: Script, tmp_path: Path) -> None:
    with supervised(data_dir, script("a", POLITE)) as supervision:
        journal(tmp_path, 1)
        assert supervision._process is not None
        supervision._process.kill()
        assert journal(tmp_path, 2)[1:2] == ["a asked"]


def test_programs_end_when_the_one_who_started_them_is_killed(tmp_path: Path, data_dir: Path) -> None:
    source = f"""
import os, sys, pathlib, signal
from triggers_project.local.program import Program
from triggers_project.local.supervision import Supervision
a = Program(name="a", argv=(sys.executable, "-c", "import time; time.sleep(60)"))
supervision = Supervision(pathlib.Path({str(data_dir)!r}), [a])
supervision.start(root=pathlib.Path.cwd(), environ=os.environ, lock=0)
supervision.start_program("a")
print(*supervision.pids("a"), supervision._process.pid, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run(
        [sys.executable, "-c", source], stdin=subprocess.PIPE, capture_output=True, text=True
    )
    pids = [int(pid) for pid in done.stdout.split()]
    assert len(pids) == 2
    deadline = time.monotonic() + 30
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not any(map(lives, pids))


def test_what_a_program_prints_is_in_its_log(data_dir: Path, script: Script, tmp_path: Path) -> None:
    noisy = "import sys, time\nprint('out', flush=True)\nprint('err', file=sys.stderr)\nwrite('up')\ntime.sleep(60)"
    with supervised(data_dir, script("a", noisy)) as supervision:
        journal(tmp_path, 1)
    assert (supervision.logs / "a.log").read_text() == "out\nerr\n"


ODD = ("a b", "a%b", "a ;b", "a #b", "it's", 'a"b', "a\\b", "%(here)s", "ä")


def test_arguments_arrive_as_they_are(data_dir: Path) -> None:
    path = data_dir / "supervisord.conf"
    (data_dir / "logs").mkdir()
    (data_dir / "data").symlink_to(data_dir)
    path.write_text(configuration([Program(name="a", argv=(sys.executable, *ODD))], run=data_dir))
    options = ServerOptions()
    options.realize(["-c", str(path)])
    (group,) = options.process_group_configs
    process = group.process_configs[0].make_process(group)
    assert process.get_execv_args()[1] == [sys.executable, *ODD]


def test_the_data_folder_may_have_any_name(data_dir: Path, script: Script, tmp_path: Path) -> None:
    odd = data_dir / "a b%c ;d #e %(here)s ä"
    odd.mkdir()
    with supervised(odd, script("a", WAIT)):
        journal(tmp_path, 1)
