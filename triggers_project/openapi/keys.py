"""What the OpenAPI schema must be told about our ways: the API key, in either of two headers."""

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension


class KeyScheme(OpenApiAuthenticationExtension):
    target_class = "organizations.authentication.KeyAuthentication"
    name = ["ApiKey", "Bearer"]

    def get_security_requirement(self, auto_schema: Any) -> list[dict[str, list[Any]]]:
        """One or the other; in one dictionary they would be needed both."""
        return [{name: []} for name in self.name]

    def get_security_definition(self, auto_schema: Any) -> list[dict[str, Any]]:
        return [
            {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "`trg_...`"},
            {
                "type": "http",
                "scheme": "bearer",
                "bearerFormat": "trg_...",
                "description": "The same key as a bearer token.",
            },
        ]
