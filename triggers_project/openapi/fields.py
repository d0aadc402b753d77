"""What a text field takes, as JSON Schema has it: REST framework refuses NUL, and trims before it counts."""

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerFieldExtension
from rest_framework.serializers import RegexField

NO_NUL = r"^[^\x00]*$"
# At least one character that is left when Python has trimmed the text.
NOT_BLANK = r"^[^\x00]*[^\s\x00\x1c-\x1f\x85][^\x00]*$"


class TextField(OpenApiSerializerFieldExtension):
    target_class = "rest_framework.serializers.CharField"
    match_subclasses = True

    def map_serializer_field(self, auto_schema: Any, direction: str) -> dict[str, Any]:
        schema: dict[str, Any] = auto_schema._map_serializer_field(
            self.target, direction, bypass_extensions=True
        )
        if isinstance(schema.get("type"), list):  # it is told that null is taken once more, after us
            schema["type"] = schema["type"][0]
        more_precise = isinstance(self.target, RegexField) or {"pattern", "format", "enum"} & schema.keys()
        if direction == "request" and not more_precise:
            schema["pattern"] = NO_NUL if self.target.allow_blank else NOT_BLANK
        return schema
