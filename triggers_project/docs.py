"""`/api/schema` and `/api/docs`: OpenAPI 3.1 and Swagger UI, served by ourselves, without the internet."""

from collections.abc import Mapping
from typing import Any

from csp.decorators import csp_update
from django.conf import settings
from drf_spectacular.renderers import OpenApiJsonRenderer, OpenApiYamlRenderer
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularSwaggerSplitView
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from organizations.authentication import Anyone
from triggers_project.openapi.document import as_json, as_yaml


class KeptYaml(OpenApiYamlRenderer):
    def render(
        self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> bytes:
        return as_yaml()


class KeptYaml2(KeptYaml):
    media_type = "application/yaml"


class KeptJson(OpenApiJsonRenderer):
    def render(
        self, data: Any, media_type: str | None = None, context: Mapping[str, Any] | None = None
    ) -> bytes:
        return as_json()


class KeptJson2(KeptJson):
    media_type = "application/json"


class Schema(APIView):
    """Made once in a process: it takes a tenth of a second."""

    authentication_classes: list[type] = []
    permission_classes = [Anyone]
    renderer_classes = [KeptYaml, KeptYaml2, KeptJson, KeptJson2]

    @extend_schema(exclude=True)
    def get(self, request: Request) -> Response:
        return Response({})


schema = Schema.as_view()
docs = csp_update(settings.DOCS_CONTENT_SECURITY_POLICY)(
    SpectacularSwaggerSplitView.as_view(
        url_name="schema",
        authentication_classes=[],
        permission_classes=[Anyone],
        http_method_names=["get", "head"],
    )
)
