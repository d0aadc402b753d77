"""Carries a Dockerfile's steps out in a folder that stands for the image's root. No Docker engine is needed.

Not an engine: it knows what ours uses. Commands run here, with `pip` played by uv out of its cache and `useradd` by
nothing; paths of the image in them are paths of the folder.
"""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from triggers_project.local.install import uv_environ
from triggers_project.local.stack import ROOT

_CONTINUED = re.compile(r"\\\n")
_OF_THE_IMAGE = re.compile(r"(?<![\w./-])/(?=(?:app|data|venv)\b)")
# `pip --python X install …`: what is there comes from the cache, so that no test waits for a network.
_PIP = """#!/bin/sh
set -- $(printf '%s\\n' "$@" | grep -vxF -e install -e --no-cache-dir)
exec "{python}" -m uv pip install --quiet --offline "$@"
"""


class CannotBuild(Exception):
    """A step failed; its words."""


@dataclass
class Image:
    root: Path
    folder: str = "/"
    user: str = "root"
    arguments: dict[str, str] = field(default_factory=dict)
    environment: dict[str, str] = field(default_factory=dict)
    command: list[str] = field(default_factory=list)

    def at(self, path: str) -> Path:
        """Where a path of the image is."""
        return self.root / (Path(self.folder) / path).relative_to("/")

    def here(self, text: str) -> str:
        """The text with each path of the image where it is."""
        return _OF_THE_IMAGE.sub(f"{self.root}/", text)


def instructions(dockerfile: str) -> Iterator[tuple[str, str]]:
    """Each word in capitals with what follows it."""
    lines = (line for line in dockerfile.splitlines() if not line.lstrip().startswith("#"))
    for line in _CONTINUED.sub("", "\n".join(lines)).splitlines():
        if line.strip():
            word, _, rest = line.strip().partition(" ")
            yield word, rest.strip()


def ignored_by(dockerignore: str, path: str) -> bool:
    """Ours begins with `*`: all is ignored but what it names."""
    lines = dockerignore.splitlines()
    assert "*" in lines
    return f"!{path}" not in lines


def build(root: Path) -> Image:
    """The image of the last stage. Raises CannotBuild."""
    image = Image(root)
    for word, rest in instructions((ROOT / "Dockerfile").read_text()):
        if word == "FROM":
            image = Image(root)
        else:
            _STEPS[word](image, rest)
    return image


def _workdir(image: Image, rest: str) -> None:
    image.folder = rest
    image.at(rest).mkdir(parents=True, exist_ok=True)


def _arg(image: Image, rest: str) -> None:
    """None is given, so each is what it says of itself."""
    image.arguments |= dict([rest.split("=", 1)])


def _env(image: Image, rest: str) -> None:
    image.environment |= dict(pair.split("=", 1) for pair in rest.split())


def _user(image: Image, rest: str) -> None:
    image.user = rest


def _cmd(image: Image, rest: str) -> None:
    image.command = list(json.loads(rest))


def _copy(image: Image, rest: str) -> None:
    arguments = rest.split()
    if arguments[0].startswith("--from="):
        _keep_only(image, arguments[1:])
        return
    source, destination = arguments
    assert not ignored_by((ROOT / ".dockerignore").read_text(), source), f"{source} is not in the context"
    target = image.at(destination)
    if (ROOT / source).is_dir():
        shutil.copytree(ROOT / source, target, ignore=shutil.ignore_patterns("__pycache__"))
    else:
        target = target / Path(source).name if destination.endswith("/") else target
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / source, target)


def _keep_only(image: Image, arguments: list[str]) -> None:
    """All stages share the folder; of an earlier one stays what is copied, which has the same path in both."""
    source, destination = arguments
    assert source == destination
    for path in image.root.iterdir():
        if path != image.at(source):
            shutil.rmtree(path)


def _run(image: Image, command: str) -> None:
    played = image.root.with_name("played")
    played.mkdir(exist_ok=True)
    _script(played / "pip", _PIP.format(python=sys.executable))
    _script(played / "useradd", "#!/bin/sh\n")
    _script(played / "python", f'#!/bin/sh\nexec "{sys.executable}" "$@"\n')
    done = subprocess.run(
        ["/bin/sh", "-c", image.here(command)],
        cwd=image.at("."),
        env={**uv_environ(), **image.arguments, "PATH": f"{played}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode != 0:
        raise CannotBuild(f"{command}: {done.stderr[-2000:]}")


def _script(path: Path, text: str) -> None:
    path.write_text(text)
    path.chmod(0o755)


_STEPS = {
    "ARG": _arg,
    "WORKDIR": _workdir,
    "COPY": _copy,
    "RUN": _run,
    "ENV": _env,
    "USER": _user,
    "CMD": _cmd,
}
