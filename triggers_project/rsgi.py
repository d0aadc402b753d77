"""The web door: `granian --interface rsgi triggers_project.rsgi:application`."""

import signal

from triggers_project.local.lifeline import end_with_parent

# A granian that is killed would leave its workers: they would go on answering, with old code, beside their successors.
# So it ends at once, and not by SIGTERM: for that a worker has its parent's handler while it starts, which does nothing
# here; and later, once in some sixty times under load, it stood still in granian's own, which waited and held the GIL
# (as in https://github.com/emmett-framework/granian/issues/875). Nobody would be there to end it.
end_with_parent(signal.SIGKILL)

from triggers_project import wsgi  # noqa: E402  (it takes a second)
from triggers_project.web.application import Application  # noqa: E402

application = Application(wsgi.application)
