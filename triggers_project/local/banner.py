"""What `make up` says when everything runs: where to go, and one command to begin with."""

import json
import shlex
from collections.abc import Mapping
from pathlib import Path

EVENT = {"type": "order.created", "payload": {"order": 4711, "total": "99.50"}}


def banner(*, url: str, metrics_url: str, data_dir: Path, desk: Mapping[str, str | None]) -> str:
    """`desk` is what `manage.py seed_desk` says: admin_user, admin_password, api_key; what it lacks is left out."""
    rows = {
        "API": f"{url}/api",
        "docs": f"{url}/api/docs",
        "admin": f"{url}/admin/{_login(desk)}",
        "metrics": metrics_url,
        "data": str(data_dir),
        "logs": str(data_dir / "logs"),
    }
    lines = ["", "Triggers is up. Ctrl-C ends it and keeps the data.", ""]
    lines += [f"  {name:8} {where}" for name, where in rows.items()]
    if key := desk.get("api_key"):
        lines += ["", "Send an event; the receiver of this desk will show the webhook:", "", curl(url, key)]
    return "\n".join([*lines, ""])


def curl(url: str, key: str) -> str:
    """A command that sends EVENT, in one line, so that it works however it is pasted."""
    headers = f"-H {shlex.quote(f'X-API-Key: {key}')} -H 'Content-Type: application/json'"
    return f"  curl -i {url}/api/events {headers} -d {shlex.quote(json.dumps(EVENT))}"


def _login(desk: Mapping[str, str | None]) -> str:
    if not desk.get("admin_password"):
        return ""
    return f"   user {desk['admin_user']}, password {desk['admin_password']}"
