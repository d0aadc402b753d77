"""`/api/schema` and `/api/docs`: OpenAPI 3.1 and Swagger UI, served by ourselves, without the internet."""

from csp.decorators import csp_update
from django.conf import settings
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from organizations.authentication import Anyone

schema = SpectacularAPIView.as_view(
    authentication_classes=[],
    permission_classes=[Anyone],
    renderer_classes=SpectacularAPIView.renderer_classes,
)
docs = csp_update(settings.DOCS_CONTENT_SECURITY_POLICY)(
    SpectacularSwaggerSplitView.as_view(
        url_name="schema",
        authentication_classes=[],
        permission_classes=[Anyone],
        http_method_names=["get", "head"],
    )
)
