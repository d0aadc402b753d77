"""A DRF view that does nothing, as a WSGI application: the ceiling of what Django can accept."""

import os

import django
from django.conf import settings

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "triggers_project.settings")
settings.ROOT_URLCONF = "benchmarks.nothing"
settings.MIDDLEWARE = []
django.setup()

from django.core.wsgi import get_wsgi_application  # noqa: E402 - needs the settings above
from django.urls import path  # noqa: E402
from rest_framework.request import Request  # noqa: E402
from rest_framework.response import Response  # noqa: E402
from rest_framework.views import APIView  # noqa: E402


class Nothing(APIView):
    authentication_classes = permission_classes = ()

    def post(self, request: Request) -> Response:
        _ = request.body  # else the server ends the connection after the answer
        return Response({}, status=202, headers={"Content-Length": "2"})  # without it the answer is chunked


urlpatterns = [path("nothing", Nothing.as_view())]
application = get_wsgi_application()
