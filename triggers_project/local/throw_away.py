"""A data folder that leaves no trace: for the guided tour, benchmarks and tests."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from triggers_project.local import account, embedded, postgres
from triggers_project.local.signals import ending_calls


@contextmanager
def throw_away_data(prefix: str) -> Iterator[Path]:
    """A data folder for the block. Whoever runs a stack on it ends it within the block."""
    folder = Path(tempfile.mkdtemp(prefix=prefix)).resolve()
    if account.we_are_root():
        folder.chmod(0o711)  # root's PostgreSQL has an account of its own, and must get through to its data
    data_dir = folder / "data"
    try:
        yield data_dir
    finally:
        # An impatient second Ctrl-C does not leave half of it behind.
        with ending_calls(lambda: None):
            for path in (*_outside(data_dir), embedded.private_dir(data_dir), folder):
                shutil.rmtree(path, ignore_errors=True)


def _outside(data_dir: Path) -> list[Path]:
    """Where root's PostgreSQL has put its data, if its account does not get to the folder."""
    try:
        return [Path((data_dir / postgres.NOTE).read_text().strip())]
    except FileNotFoundError:
        return []
