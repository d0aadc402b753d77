"""The web door: `granian --interface wsgi triggers_project.wsgi:application`."""

import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triggers_project.settings")
os.environ.setdefault("DATABASE_POOL_SIZE", "16")

from django.core.wsgi import get_wsgi_application

from organizations import traces
from triggers_project.bodies import DeclaredBody

application = DeclaredBody(get_wsgi_application())
traces.start()
