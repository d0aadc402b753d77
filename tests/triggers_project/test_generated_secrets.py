import json
import stat
import threading
from pathlib import Path

from cryptography.fernet import Fernet

from triggers_project.generated_secrets import generated_secret


def test_a_secret_is_made_once_and_remembered(tmp_path: Path) -> None:
    first = generated_secret(tmp_path, "SECRET_KEY")
    assert len(first) >= 50
    assert generated_secret(tmp_path, "SECRET_KEY") == first


def test_the_encryption_key_is_one(tmp_path: Path) -> None:
    Fernet(generated_secret(tmp_path, "FIELD_ENCRYPTION_KEYS"))


def test_nobody_else_may_read_them(tmp_path: Path) -> None:
    generated_secret(tmp_path / "data", "SECRET_KEY")
    assert stat.S_IMODE((tmp_path / "data" / "secrets.json").stat().st_mode) == 0o600


def test_no_draft_is_left_behind(tmp_path: Path) -> None:
    generated_secret(tmp_path, "SECRET_KEY")
    assert [path.name for path in tmp_path.iterdir()] == ["secrets.json"]


def test_many_who_ask_at_once_get_the_same(tmp_path: Path) -> None:
    found: list[str] = []
    barrier = threading.Barrier(8)

    def ask() -> None:
        barrier.wait(10)
        found.append(generated_secret(tmp_path, "SECRET_KEY"))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [json.loads((tmp_path / "secrets.json").read_text())["SECRET_KEY"]] * 8
