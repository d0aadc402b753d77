"""What a running system leaves in its data folder, noted before it is thrown away: its secrets, and its logs."""

import json
import re
from pathlib import Path

from tests.leaks import produced, used

SECRET_FIELD = re.compile("password|secret|key", re.IGNORECASE)


def keep_data_folder(folder: Path) -> None:
    for file in folder.glob("*.json"):
        for name, text in json.loads(file.read_text()).items():
            if SECRET_FIELD.search(name):
                used.note_any(f"{name} in {file.name}", text)
    for path in sorted((folder / "logs").glob("*")):
        produced.keep_log_file(path)
