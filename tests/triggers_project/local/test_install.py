"""What is looked at before anything is installed."""

import importlib.util
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from triggers_project.local import install


@pytest.fixture(autouse=True)
def clone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone with requirements and no environment."""
    monkeypatch.setattr(install, "VENV", tmp_path)
    monkeypatch.setattr(install, "VENV_PYTHON", tmp_path / "python")
    monkeypatch.setattr(install, "REQUIREMENTS", tmp_path)
    for name in install.SETS:
        (tmp_path / f"{name}.txt").write_text(f"{name}==1")
    return tmp_path


def test_an_old_python_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    expected = "Python 3.11 or newer is needed, this is 3.9: set PYTHON=python3.11 or the like."
    assert install.unfit() == expected


@pytest.mark.parametrize("missing", ["venv", "ensurepip"])
def test_a_missing_venv_is_named_with_its_package(missing: str, monkeypatch: pytest.MonkeyPatch) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == missing else find(name))
    monkeypatch.setattr(sys, "version_info", (3, 12, 1))
    expected = "Python's venv is missing: install it (Debian, Ubuntu: apt install python3.12-venv)."
    assert install.unfit() == expected


def test_a_fit_python_is_fit() -> None:
    assert install.unfit() is None


def test_what_is_installed_is_known_by_its_contents(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "runs", lambda _: True)
    assert not install.is_installed("dev")
    install.stamp("dev").write_text(install.fingerprint("dev"))
    assert install.is_installed("dev")
    (clone / "dev.txt").write_text("dev==2")
    assert not install.is_installed("dev")


def test_an_environment_whose_python_is_gone_is_not_installed() -> None:
    install.stamp("dev").write_text(install.fingerprint("dev"))
    assert not install.is_installed("dev")


def test_the_python_of_an_environment_that_works_is_accepted() -> None:
    assert install.runs(Path(sys.executable))


@pytest.mark.parametrize(
    ("wanted", "stamped"), [("dev", ["base", "dev", "embedded"]), ("embedded", ["base", "embedded"])]
)
def test_each_set_holds_the_smaller_ones(
    wanted: str, stamped: list[str], clone: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(install, "runs", lambda _: True)
    monkeypatch.setattr(install, "install_by_uv", lambda _: True)
    assert install.main(wanted) == 0
    assert sorted(path.name for path in clone.glob("installed-*")) == [
        f"installed-{name}" for name in stamped
    ]


def test_pip_does_it_if_uv_can_not(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(install, "runs", lambda _: True)
    monkeypatch.setattr(install, "install_by_uv", lambda _: False)
    monkeypatch.setattr(install, "install_by_pip", lambda _: True)
    assert install.main("embedded") == 0
    monkeypatch.setattr(install, "install_by_pip", lambda _: False)
    install.stamp("embedded").unlink()
    assert install.main("embedded") == 2
    assert not install.stamp("embedded").exists()


def test_uv_takes_packages_from_where_pip_does(monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        b":env:.cert='/a/cert.pem'\nglobal.index-url='https://packages.test/simple'\nglobal.timeout='9'\n"
    )
    monkeypatch.setattr(install.subprocess, "run", lambda *_, **__: SimpleNamespace(stdout=listed))
    for name in ("SSL_CERT_FILE", "UV_DEFAULT_INDEX"):
        monkeypatch.delenv(name, raising=False)
    environ = install.uv_environ()
    assert environ["SSL_CERT_FILE"] == "/a/cert.pem"
    assert environ["UV_DEFAULT_INDEX"] == "https://packages.test/simple"
