"""`make docs`: builds the documentation into `site` and looks it over. Exit code 1 if anything is wrong with it.

Zensical's own strictness finds dead links between pages. It does not see a page of the menu that is missing, a picture
that is not there, or what a reader's browser would fetch from elsewhere: those are found in what was built.
"""

import re
import shutil
import subprocess
import sys
from pathlib import Path

from triggers_project.local.docs.faults import faults_of

ROOT = Path(__file__).resolve().parents[3]
SITE = ROOT / "site"

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def main() -> int:
    trouble = build() or "\n".join(faults_of(SITE, sources=ROOT / "docs"))
    if trouble:
        print(f"docs: {trouble}", file=sys.stderr)
        return 1
    print(f"docs: ok, {len(list(SITE.rglob('*.html')))} pages, {SITE.relative_to(ROOT)}/index.html")
    return 0


def build() -> str:
    """What Zensical found wrong, in its words; empty if it built all."""
    shutil.rmtree(SITE, ignore_errors=True)
    argv = [str(Path(sys.executable).with_name("zensical")), "build", "--strict", "--clean"]
    done = subprocess.run(argv, cwd=ROOT, stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode == 0:
        return ""
    said = _COLOUR.sub("", done.stdout + done.stderr)
    return said.partition("Traceback (most recent call last)")[0].strip() or said


if __name__ == "__main__":
    sys.exit(main())
