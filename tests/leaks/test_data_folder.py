import json
from pathlib import Path

import pytest

from tests.leaks import produced, used
from tests.leaks.data_folder import keep_data_folder
from tests.leaks.search import find_leaks

SECRET = "Zk3T9wQe1RtY7uIoP5aSdFgH2jKlXcVbN"
KEY = f"trg_0123456789AB_{SECRET}A1B2C3"


def test_secrets_and_logs_of_a_system_are_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(used, "USED", {})
    monkeypatch.setattr(produced, "PRODUCED", {})
    desk = {"api_key": KEY, "admin_user": "admin-of-the-desk", "admin_password": "pass-of-the-desk"}
    (tmp_path / "desk.json").write_text(json.dumps(desk))
    (tmp_path / "logs").mkdir()
    line = '{"event": "x.happened", "url": "http://127.0.0.1/?password=pass-of-the-desk"}'
    (tmp_path / "logs" / "web.log").write_text(f"started\n{line}\n")

    keep_data_folder(tmp_path)

    assert used.USED == {SECRET: "API key", "pass-of-the-desk": "admin_password in desk.json"}
    found = find_leaks(used.USED, produced.PRODUCED.values())
    assert [str(leak) for leak in found] == [
        "admin_password in desk.json in the log web.log, line 2 (x.happened)"
    ]
