"""The web door: `granian --interface rsgi triggers_project.rsgi:application`."""

import signal

from triggers_project.local.lifeline import end_with_parent

# A granian that is killed would leave its workers: they would go on answering, with old code, beside their successors.
# While they start they serve nobody, and have a handler of their parent's for SIGTERM that does nothing here: so until
# `Application` asks for that it is a signal that nobody can miss.
end_with_parent(signal.SIGKILL)

from triggers_project import wsgi  # noqa: E402  (it takes a second)
from triggers_project.web.application import Application  # noqa: E402

application = Application(wsgi.application)
