"""PostgreSQL with our tables, made once for a run of the tests: each server of the run begins with a copy.

initdb and all migrations take three seconds of a core, and a run starts some forty servers. What initdb is called with
is tested by the first of them, and by `triggers_project/local/test_postgres.py`.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from triggers_project.local import embedded, postgres
from triggers_project.local.stack import ROOT
from triggers_project.local.throw_away import throw_away_data

MADE = "TRIGGERS_TEST_CLUSTER"  # where it is, for the processes of this run

create = postgres._create_cluster  # the real one


def are_copied() -> bool:
    """Whether `postgres.prepare` makes copies in this run, which have our tables."""
    return MADE in os.environ


@contextmanager
def made(running: Callable[..., AbstractContextManager[Any]]) -> Iterator[None]:
    """It is there, for this process and those that it starts. `running`: as in `tests/servers.py`."""
    with throw_away_data("triggers-test-") as data_dir:
        data_dir.mkdir()
        server = postgres.prepare(data_dir, fast=True)
        with running(server, partial(postgres.is_ready, data_dir), log=data_dir / "postgres.log"):
            _migrate(data_dir)
        os.environ[MADE] = str(postgres._site(data_dir).cluster)
        yield
        del os.environ[MADE]


def copy(site: postgres.Site) -> None:
    """In place of `postgres._create_cluster`."""
    draft = site.cluster.with_name("postgres.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(os.environ[MADE], draft)
    if site.user is not None:
        for path in (draft, *draft.rglob("*")):
            shutil.chown(path, site.user)
    draft.rename(site.cluster)


def _migrate(data_dir: Path) -> None:
    environ = {
        **os.environ,
        "DATA_DIR": str(data_dir),
        "DATABASE_URL": embedded.database_url(data_dir),
        "REDIS_URL": "redis://127.0.0.1:1/0",  # which nobody asks
    }
    argv = [sys.executable, "manage.py", "migrate", "--noinput", "--verbosity", "0"]
    subprocess.run(argv, cwd=ROOT, env=environ, check=True)
