"""The web door: `granian --interface rsgi triggers_project.rsgi:application`."""

from triggers_project import wsgi  # which sets Django up, before anything else needs it
from triggers_project.local.lifeline import end_with_parent
from triggers_project.web.application import Application

# A granian that is killed would leave its workers: they would go on answering, with old code, beside their successors.
end_with_parent()
application = Application(wsgi.application)
