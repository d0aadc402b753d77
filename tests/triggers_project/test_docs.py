"""/api/schema, /api/docs and the front door."""

import re

import pytest
import yaml

from tests.calls import Caller
from tests.routes import api_routes

pytestmark = pytest.mark.django_db


@pytest.fixture(scope="module")
def schema(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> dict[str, object]:
    with django_db_blocker.unblock():
        response = Caller().client.get("/api/schema", headers={"Accept": "application/json"})
    assert response.status_code == 200
    return yaml.safe_load(response.content)


def test_the_schema_is_openapi_3_1(schema: dict[str, object]) -> None:
    assert schema["openapi"] == "3.1.0"


def test_every_route_is_in_the_schema(schema: dict[str, object]) -> None:
    missing = [
        (route.method, route.template)
        for route in api_routes()
        if route.method.lower() not in schema["paths"].get(route.template, {})
    ]
    assert missing == []


def test_every_operation_has_an_id_of_its_own(schema: dict[str, object]) -> None:
    ids = [operation["operationId"] for path in schema["paths"].values() for operation in path.values()]
    assert len(ids) == len(set(ids))


def test_the_schema_says_how_to_send_a_key(schema: dict[str, object]) -> None:
    schemes = schema["components"]["securitySchemes"]
    for scheme in schemes.values():
        del scheme["description"]
    assert schemes == {
        "ApiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
        "Bearer": {"type": "http", "scheme": "bearer", "bearerFormat": "trg_..."},
    }
    assert schema["paths"]["/api/events"]["get"]["security"] == [{"ApiKey": []}, {"Bearer": []}]


def test_the_docs_need_nothing_from_elsewhere(anyone: Caller) -> None:
    response = anyone.get("/api/docs")
    content = response.content.decode()
    assert response.status_code == 200
    assert re.findall(r"""(?:src|href)=["'](?:https?:)?//[^"']+""", content) == []
    sources = re.findall(r"""src=["']([^"']+)""", content)
    assert sources
    for source in sources:
        script = anyone.get(source.replace("&amp;", "&"))
        script.close()
        assert script.status_code == 200


def test_the_docs_run_no_script_that_stands_in_the_page(anyone: Caller) -> None:
    response = anyone.get("/api/docs")
    assert re.findall(r"<script(?![^>]*src=)[^>]*>", response.content.decode()) == []
    assert "script-src 'self'" in response.headers["Content-Security-Policy"].split("; ")


def test_the_front_door_leads_to_the_docs(anyone: Caller) -> None:
    response = anyone.get("/")
    assert (response.status_code, response.headers["Location"]) == (302, "/api/docs")
