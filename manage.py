#!/usr/bin/env python
"""Django's command line for Triggers."""

import os
import sys

from django.core.management import execute_from_command_line

from triggers_project.environment import BadEnvironment

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triggers_project.settings")
    try:
        execute_from_command_line(sys.argv)
    except BadEnvironment as error:
        sys.exit(f"Triggers can't start: {error}")
    except KeyboardInterrupt:
        sys.exit(130)
