"""The account of root's PostgreSQL."""

import pwd

import pytest

from triggers_project.local import account
from triggers_project.local.embedded import ServerError


def known(monkeypatch: pytest.MonkeyPatch, *names: str, can_create: bool = False) -> None:
    """The system has these accounts, and makes others or doesn't."""
    accounts = {name: pwd.struct_passwd((name, "x", 990, 990, "", "/", "/bin/false")) for name in names}
    created = pwd.struct_passwd((account.OWN_ACCOUNT, "x", 991, 991, "", "/", "/bin/false"))
    monkeypatch.setattr(account, "_find", accounts.get)
    monkeypatch.setattr(account, "_create", lambda: created if can_create else None)


def test_it_is_created_if_it_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "postgres", can_create=True)
    assert account.server_account().pw_name == "triggers-postgres"


def test_it_is_kept_if_it_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "triggers-postgres", "postgres")
    assert account.server_account().pw_name == "triggers-postgres"


def test_that_of_a_packaged_postgresql_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "postgres", "nobody")
    assert account.server_account().pw_name == "postgres"


def test_nobody_will_not_do(monkeypatch: pytest.MonkeyPatch) -> None:
    known(monkeypatch, "nobody")
    with pytest.raises(ServerError, match="create one named triggers-postgres, run as another user, or set"):
        account.server_account()
