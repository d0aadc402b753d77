"""SECRET_KEY and FIELD_ENCRYPTION_KEYS for a desk on which nobody has set them.

They are made once and remembered in `<data_dir>/secrets.json`, readable by its owner only. A system of several
machines must set both variables: each machine would make its own.
"""

import json
import os
import secrets
import tempfile
from pathlib import Path

from cryptography.fernet import Fernet


def generated_secret(data_dir: Path, name: str) -> str:
    """The remembered secret of that name: `SECRET_KEY` or `FIELD_ENCRYPTION_KEYS`."""
    path = data_dir / "secrets.json"
    if not path.exists():
        _create_once(path)
    return str(json.loads(path.read_text())[name])


def _create_once(path: Path) -> None:
    """Two processes may ask at once: a hard link is made by exactly one of them, and never half written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = {
        "SECRET_KEY": secrets.token_urlsafe(64),
        "FIELD_ENCRYPTION_KEYS": Fernet.generate_key().decode(),
    }
    handle, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        json.dump(fresh, file)
    try:
        os.link(draft, path)
    except FileExistsError:
        pass
    finally:
        Path(draft).unlink()
