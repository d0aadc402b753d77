"""What schemathesis must know of our trade and can't read off the schema. `tests/flows/test_fuzzing.py` names it.

Its key and its loopback stay: no webhook leaves this machine, and no call ends the key that the run goes on with.
A rotation without grace would: it revokes the key that asks. So it asks with a key made for it, as does the deletion.
"""

import itertools
import json
import os
from typing import Any

import requests
import schemathesis
from hypothesis import strategies

NOWHERE = "http://127.0.0.1:9/hooks"  # the discard port: refused at once
_numbers = itertools.count(1)
_may_lack_an_endpoint = [True]

schemathesis.openapi.format(
    "uri", strategies.from_regex(r"https?://127\.0\.0\.1:9/[a-z0-9]{0,20}", fullmatch=True)
)


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: dict[str, Any]) -> None:
    call = case.operation.definition.raw["operationId"]
    if call in ("set_webhook_config", "delete_endpoint"):
        _may_lack_an_endpoint[0] = True
    if call in ("send_event", "send_events") and _may_lack_an_endpoint[0]:
        _ask("POST", "/api/webhook/config", {"webhook_url": None})  # inbox only, so that events are taken
        _may_lack_an_endpoint[0] = False
    if call in ("rotate_key", "delete_key"):
        _ask_with_a_key_made_for_it(case, kwargs)
    _stay_on_loopback(case)
    if case.meta is not None and case.meta.generation.mode.is_positive:
        _keep_rules_between_fields(case)


def _ask_with_a_key_made_for_it(case: Any, kwargs: dict[str, Any]) -> None:
    """Of a tenant of its own, which has a second key to delete. A case that lacks the key, or has another, stays so."""
    made = _ask("POST", "/api/keys/generate", {"organization_name": "For one call"}, key=None)

    def with_it(request: requests.PreparedRequest) -> requests.PreparedRequest:
        if request.headers.get("X-API-Key") == os.environ["FUZZED_KEY"]:
            request.headers["X-API-Key"] = made["api_key"]
        return request

    kwargs["auth"] = with_it  # called last, when the run's own header is set
    if case.meta is not None and case.meta.generation.mode.is_positive and "key_id" in case.path_parameters:
        second = _ask("POST", "/api/keys", {"name": "second"}, key=made["api_key"])
        case.path_parameters["key_id"] = second["key"]["id"]


def _stay_on_loopback(case: Any) -> None:
    """The examples name example.com, which exists."""
    if isinstance(case.body, dict):
        for name in ("url", "webhook_url"):
            if "example.com" in str(case.body.get(name)):
                case.body = {**case.body, name: NOWHERE}


def _keep_rules_between_fields(case: Any) -> None:
    """Of two fields, or two calls, which JSON Schema can't set in relation."""
    if case.headers and "Idempotency-Key" in case.headers:  # another body under a used key is refused
        case.headers["Idempotency-Key"] = f"{case.headers['Idempotency-Key'][:200]}{next(_numbers)}"
    if case.query and case.query.get("cursor"):
        case.query.pop("offset", None)
    if case.query and case.query.get("payload"):  # a JSON document within a string
        case.query["payload"] = json.dumps(case.query["payload"])
    if isinstance(case.body, dict) and {"since", "until"} <= case.body.keys():
        case.body = {name: value for name, value in case.body.items() if name != "until"}


@schemathesis.check
def problem_code_is_documented(context: Any, response: Any, case: Any) -> None:
    """Each code that comes stands as an example at its call and status."""
    if "problem+json" not in str(response.headers.get("content-type")):
        return
    answers = case.operation.definition.raw["responses"]
    name = answers.get(str(response.status_code), {}).get("$ref", "").rpartition("/")[2]
    components = case.operation.schema.raw_schema["components"]["responses"]
    if name:  # a status that is not documented is another check's business
        codes = components[name]["content"]["application/problem+json"]["examples"].keys()
        assert response.json()["code"] in codes


def _ask(method: str, path: str, body: Any = None, *, key: str | None = os.environ.get("FUZZED_KEY")) -> Any:
    with requests.Session() as http:
        http.trust_env = False
        answer = http.request(
            method,
            os.environ["FUZZED_URL"] + path,
            json=body,
            headers={"X-API-Key": key} if key else {},
        )
    assert answer.ok, answer.text
    return answer.json()
