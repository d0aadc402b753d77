"""`python -m triggers_project.local.supervisor_main -c FILE`: supervisord, whose programs end when it is killed."""

import os
import resource
from typing import Any

from supervisor import supervisord
from supervisor.options import ServerOptions

from triggers_project.local.lifeline import end_with_parent

# Each connection of the web and of the engine is an open file, and many systems start programs with 1,024.
OPEN_FILES = 65_536


class TyingOptions(ServerOptions):
    """The place where supervisord keeps its system calls, so that they can be replaced."""

    def execve(self, filename: str, argv: list[str], env: dict[str, str]) -> Any:
        """The last thing the child does. By now it has its account; changing that would untie it."""
        end_with_parent()
        return os.execve(filename, argv, env)


def main() -> None:
    end_with_parent()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, most))
    supervisord.ServerOptions = TyingOptions
    supervisord.main()


if __name__ == "__main__":
    main()
