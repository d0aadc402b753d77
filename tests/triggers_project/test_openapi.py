"""The OpenAPI document: it is the committed one, it is valid, and its examples are."""

import io
import json
from typing import Any
from urllib.parse import urlencode

import jsonschema
import pytest
import yaml
from django.core.management import call_command
from openapi_spec_validator import OpenAPIV31SpecValidator

from tests.calls import Caller
from tests.factories import SOMEWHERE, make_endpoint
from tests.routes import THINGS
from triggers_project.local.stack import ROOT
from triggers_project.openapi import examples
from triggers_project.openapi.document import as_yaml, document


def operations() -> list[tuple[str, dict[str, Any]]]:
    return [(each["operationId"], each) for path in document()["paths"].values() for each in path.values()]


def test_the_committed_schema_is_what_the_code_gives() -> None:
    committed = (ROOT / "docs/openapi.yaml").read_bytes()
    assert committed == as_yaml(), "docs/openapi.yaml is not what the code gives: run `make schema`."


def test_the_schema_is_valid_openapi_3_1() -> None:
    errors = [error.message for error in OpenAPIV31SpecValidator(yaml.safe_load(as_yaml())).iter_errors()]
    assert errors == []


def test_drf_spectacular_has_nothing_to_complain_of(capsys: pytest.CaptureFixture) -> None:
    call_command("spectacular", fail_on_warn=True, stdout=io.StringIO())
    assert capsys.readouterr().err == ""


def test_every_example_of_a_body_fits_its_schema() -> None:
    checked = 0
    for name, operation in operations():
        answers = [answer for answer in operation["responses"].values() if "content" in answer]
        bodies = [operation["requestBody"]] if "requestBody" in operation else []
        answers += document()["components"]["responses"].values()
        for content in [each for holder in bodies + answers for each in holder["content"].values()]:
            schema = {**content["schema"], "components": document()["components"]}
            validator = jsonschema.Draft202012Validator(schema)
            for example in content.get("examples", {}).values():
                assert [error.message for error in validator.iter_errors(example["value"])] == [], name
                checked += 1
    assert checked > 50


def calls_of_the_examples() -> list[Any]:
    """Each example of each body, and each call without one."""
    return [
        pytest.param(
            method.upper(), path, operation, title, id=f"{operation['operationId']}-{title or 'bare'}"
        )
        for path, methods in document()["paths"].items()
        for method, operation in methods.items()
        for title in body_examples(operation) or [""]
        if path.startswith("/api/")
    ]


def body_examples(operation: dict[str, Any]) -> dict[str, Any]:
    content = operation.get("requestBody", {"content": {}})["content"]
    return {title: each["value"] for media in content.values() for title, each in media["examples"].items()}


def example_of(parameter: dict[str, Any]) -> Any:
    if "example" in parameter:
        return parameter["example"]
    return next(iter(parameter["examples"].values()))["value"]


@pytest.mark.parametrize(("method", "path", "operation", "title"), calls_of_the_examples())
def test_every_example_of_a_call_succeeds(
    acme: Any, method: str, path: str, operation: dict[str, Any], title: str
) -> None:
    make_endpoint(acme.organization, is_default=True)
    for name, make in THINGS.items():
        path = path.replace(f"{{{name}}}", str(make(acme.organization)) if f"{{{name}}}" in path else "")
    body = json.dumps(body_examples(operation)[title] if title else None)
    for placeholder, thing in (("EVENT_ID", "event_id"), ("ENDPOINT_ID", "endpoint_id")):
        body = body.replace(getattr(examples, placeholder), str(THINGS[thing](acme.organization)))
    body = body.replace(examples.FIELDS["url"], SOMEWHERE)
    sent = {each["name"]: example_of(each) for each in operation["parameters"] if each["in"] == "query"}
    response = acme.api.send(method, f"{path}?{urlencode(sent)}", body.encode() if title else None)
    documented = min(status for status in operation["responses"])
    assert (str(response.status_code), documented[0]) == (documented, "2"), response.content


@pytest.mark.parametrize("name", ["X-Request-ID", "Allow", "Location"])
def test_what_holds_for_every_call_is_at_every_call(name: str) -> None:
    for call, operation in operations():
        if name == "X-Request-ID":
            sent = [each for each in operation["parameters"] if each["name"] == name]
            assert [(each["in"], each["required"]) for each in sent] == [("header", False)], call
        elif name == "Allow" and operation["tags"] != ["health"]:
            reference = operation["responses"]["405"]["$ref"].rpartition("/")[2]
            assert name in document()["components"]["responses"][reference]["headers"], call
        elif name == "Location":
            said = name in operation["responses"].get("202", {}).get("headers", {})
            assert said == (call in ("retry_deliveries", "replay_endpoint")), call


def test_every_operation_says_what_it_needs_and_how_it_fails() -> None:
    for name, operation in operations():
        assert operation["summary"], name
        assert operation["description"], name
        if operation.get("security"):
            assert {"401", "500", "503"} <= operation["responses"].keys(), name


def test_what_a_receiver_gets_is_in_the_schema() -> None:
    sent = document()["webhooks"]["event"]["post"]
    assert [header["name"] for header in sent["parameters"]] == [
        "User-Agent",
        "X-Event-ID",
        "X-Event-Type",
        "X-Delivery-ID",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
        "webhook-attempt",
        "webhook-test",
        "traceparent",
    ]


@pytest.mark.parametrize("body", [{"name": 17}, {"name": "a", "scopes": [True]}, []])
def test_a_body_of_other_json_types_is_refused(acme: Any, body: Any) -> None:
    before = acme.api.get("/api/keys").json()["keys"]
    assert acme.api.post("/api/keys", body).status_code == 422
    assert [key["id"] for key in acme.api.get("/api/keys").json()["keys"]] == [key["id"] for key in before]


@pytest.mark.parametrize("path", ["/health/live", "/health/ready"])
def test_health_only_reads(anyone: Caller, path: str) -> None:
    answer = anyone.send("TRACE", path)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
