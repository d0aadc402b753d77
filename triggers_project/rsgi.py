"""The web door: `granian --interface rsgi triggers_project.rsgi:application`."""

from triggers_project import wsgi  # which sets Django up, before anything else needs it
from triggers_project.web.application import Application

application = Application(wsgi.application)
