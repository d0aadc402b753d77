"""What holds for every operation by rule, so that a new route has it without being told."""

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import force_instance
from rest_framework.fields import empty
from rest_framework.serializers import ModelSerializer

from triggers_project.bodies import LARGEST_BODY
from triggers_project.openapi import fields, keys, problems  # noqa: F401  (the first two register themselves)
from triggers_project.openapi.examples import example_of, parameter_example
from triggers_project.openapi.headers import ALWAYS, OF_LIMITS, REQUEST_ID, headers

TITLES = {200: "Done.", 201: "Made.", 202: "Taken.", 204: "Done; there is no body.", 207: "Some were taken."}


class OperationSchema(AutoSchema):
    def get_operation(self, *arguments: Any) -> dict[str, Any] | None:
        operation: dict[str, Any] | None = super().get_operation(*arguments)
        if operation is None:
            return None
        for parameter in operation.get("parameters", []):
            self._complete_parameter(parameter)
        self._complete_body(operation)
        answers = {
            status: self._complete_answer(int(status), answer, operation)
            for status, answer in operation["responses"].items()
        }
        refusals = problems.problem_responses(
            self.registry, self._codes(operation), with_key=self._needs_key(operation)
        )
        operation["responses"] = answers | refusals
        operation["parameters"] = [*operation.get("parameters", []), dict(REQUEST_ID)]
        return operation

    def get_summary(self) -> str:
        return str(self.get_operation_id()).replace("_", " ").capitalize()

    def get_description(self) -> str:  # type: ignore[override]  # drf-spectacular has another than REST framework
        """The view's own words, and the scope that it asks for."""
        scope = getattr(self.view, "scopes", {}).get(self.method)
        words = [super().get_description(), f"Needs a key with the scope `{scope}`." if scope else ""]
        return "\n\n".join(filter(None, words))

    def _map_basic_serializer(self, serializer: Any, direction: str) -> dict[str, Any]:
        """A row is answered whole: a default in its model makes no field of the answer optional."""
        schema: dict[str, Any] = super()._map_basic_serializer(  # type: ignore[no-untyped-call]
            serializer, direction
        )
        if direction == "response":
            fields = force_instance(serializer).fields
            rows = issubclass(type(force_instance(serializer)), ModelSerializer)
            there = {
                name for name, field in fields.items() if rows or field.required or field.default is not empty
            }
            schema["required"] = sorted(there & schema["properties"].keys())
            for field in schema["properties"].values():
                field.pop("readOnly", None)
        return schema

    # --- Parts ----------------------------------------------------------------------------------------------------

    def _needs_key(self, operation: dict[str, Any]) -> bool:
        return bool(operation.get("security"))

    def _complete_parameter(self, parameter: dict[str, Any]) -> None:
        if parameter["in"] == "query":
            parameter["allowEmptyValue"] = True  # an empty one counts as absent
        if "example" not in parameter and "examples" not in parameter:
            parameter.update(parameter_example(parameter))

    def _complete_body(self, operation: dict[str, Any]) -> None:
        body = operation.get("requestBody")
        if body is None:
            return
        body["required"] = not getattr(self.view, "optional_body", False)
        limit = getattr(self.view, "largest_body", LARGEST_BODY)
        body["description"] = f"At most {limit:,} bytes. Fields that are not named here are ignored."
        for content in body["content"].values():
            content["examples"] = example_of(operation["operationId"], content["schema"], self.registry)

    def _complete_answer(
        self, status: int, answer: dict[str, Any], operation: dict[str, Any]
    ) -> dict[str, Any]:
        named = [*ALWAYS, *(OF_LIMITS if self._needs_key(operation) else ())]
        if takes_idempotency_key(operation):
            named.append("Idempotent-Replayed")
        if any("ReplayStartedOut" in str(each["schema"]) for each in answer.get("content", {}).values()):
            named.append("Location")
        for content in answer.get("content", {}).values():
            content["examples"] = example_of(
                f"{operation['operationId']} {status}", content["schema"], self.registry
            )
        return {
            **answer,
            "description": answer.get("description") or TITLES[status],
            "headers": headers(self.registry, *named),
        }

    def _codes(self, operation: dict[str, Any]) -> set[problems.Code]:
        places = {parameter["in"] for parameter in operation.get("parameters", [])}
        body = operation.get("requestBody")
        rules = {
            problems.ANY_CALL: True,
            problems.WITH_KEY: self._needs_key(operation),
            problems.WITH_SCOPE: self.method in getattr(self.view, "scopes", {}),
            problems.WITH_ID: "path" in places or self._names(body, "format", "uuid"),
            problems.WITH_QUERY: "query" in places,
            problems.WITH_BODY: body is not None,
            problems.WITH_URL: self._names(body, "format", "uri"),
            problems.ONCE: takes_idempotency_key(operation),
            problems.OF_CALL.get(operation["operationId"], ()): True,
        }
        return {code for codes, holds in rules.items() if holds for code in codes}

    def _names(self, body: dict[str, Any] | None, keyword: str, value: str) -> bool:
        """Whether a field of the body is of that kind."""
        schemas = [content["schema"] for content in (body or {"content": {}})["content"].values()]
        names = {schema["$ref"].rpartition("/")[2] for schema in schemas if "$ref" in schema}
        return any(
            field.get(keyword) == value
            for component in self.registry._components.values()
            if component.name in names
            for field in component.schema.get("properties", {}).values()
        )


def takes_idempotency_key(operation: dict[str, Any]) -> bool:
    return any(parameter["name"] == "Idempotency-Key" for parameter in operation.get("parameters", []))
