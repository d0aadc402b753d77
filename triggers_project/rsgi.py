"""The web door: `granian --interface rsgi triggers_project.rsgi:application`."""

import signal

from triggers_project.local.lifeline import end_with_parent

# A granian that is killed would leave its workers: they would go on answering, with old code, beside their successors.
# At once and not by SIGTERM: while a worker starts that has a handler of its parent's, which does nothing here, and
# later, once in a hundred times under load, granian waits in its own handler for a thread that waits for the GIL
# (https://github.com/emmett-framework/granian/issues/875); nobody would be there to end it.
end_with_parent(signal.SIGKILL)

from triggers_project import wsgi  # noqa: E402  (it takes a second)
from triggers_project.web.application import Application  # noqa: E402

application = Application(wsgi.application)
