"""The OpenAPI document: every route is in it, its examples and the answers of the server are what it says."""

import json
import subprocess
from pathlib import Path
from typing import Any, cast

import jsonschema_rs
import pytest
import schemathesis
from access_tokens import owner
from api_server import ApiServer
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from schemathesis import checks

from api import reference
from api.openapi import METHODS
from api.routes import Parts, routes
from db.pool import Conn
from dcm import settings as settings_module

DASHBOARD = Path(__file__).parents[2] / "dashboard"

DIALECT = "https://json-schema.org/draft/2020-12/schema"

TABLE = routes(Parts(settings_module.load({"DCM_HOME": "/nowhere"}), *[cast("Any", None)] * 4))


@pytest.fixture
def document(server: ApiServer) -> dict[str, Any]:
    answer = server.get("/openapi.json")
    assert (answer.status, answer.type) == (200, "application/json")
    found: dict[str, Any] = answer.json
    return found


def test_every_route_and_method_is_in_the_document(document: dict[str, Any]) -> None:
    served = {
        (path, method)
        for path, resource in TABLE
        for method in METHODS
        if hasattr(resource, f"on_{method}") and path != "/openapi.json"
    }
    described = {(path, method) for path, methods in document["paths"].items() for method in methods}
    assert described == served
    assert len(served) >= 63


def test_every_operation_says_what_it_is_for_and_has_a_name_of_its_own(document: dict[str, Any]) -> None:
    operations = [operation for methods in document["paths"].values() for operation in methods.values()]
    assert all(len(operation["summary"]) > 10 for operation in operations)
    assert len({operation["operationId"] for operation in operations}) == len(operations)


def test_the_schemas_are_schemas_and_every_example_is_one_of_its_kind(document: dict[str, Any]) -> None:
    examples = 0
    for name, schema in document["components"]["schemas"].items():
        jsonschema_rs.meta.validate({"$schema": DIALECT, **schema})
        whole = {"$schema": DIALECT, "$ref": f"#/components/schemas/{name}", "components": document["components"]}
        for example in schema.get("examples", []):
            jsonschema_rs.validate(whole, example)
            examples += 1
    assert examples >= 1


@pytest.mark.parametrize(
    ("method", "path"), sorted((method, path) for path, resource in TABLE for method in METHODS
                               if hasattr(resource, f"on_{method}") and path != "/openapi.json"))  # fmt: skip
def test_whatever_is_sent_is_answered_as_the_document_says_and_never_with_a_fault(
    server: ApiServer, conn: Conn, method: str, path: str
) -> None:
    schema = schemathesis.openapi.from_url(f"http://127.0.0.1:{server.port}/openapi.json")
    operation = schema[path][method]
    administers = schema.raw_schema["paths"][path][method]["security"] == [{"token": ["admin"]}]
    shown = owner(server) if administers else {}
    wanted = [
        checks.not_a_server_error,
        checks.status_code_conformance,
        checks.content_type_conformance,
        checks.response_schema_conformance,
    ]
    statuses = set()
    strategy = operation.as_strategy() | operation.as_strategy(generation_mode=schemathesis.GenerationMode.NEGATIVE)

    @hypothesis_settings(
        max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), database=None, derandomize=True
    )
    @given(case=strategy)
    def answered(case: Any) -> None:
        statuses.add(case.call_and_validate(checks=wanted, headers=shown).status_code)

    answered()
    assert statuses - {401, 403, 429}, "nothing reached the operation"


def test_the_page_in_docs_says_what_the_document_says() -> None:
    kept = (reference.DOCS / "api.md").read_text(encoding="utf-8")
    assert kept == reference.page(reference.described()), "run `make docs`"


def test_the_types_of_the_dashboard_are_those_of_the_document(tmp_path: Path) -> None:
    written = tmp_path / "openapi.json"
    written.write_text(json.dumps(reference.described()))
    generator = DASHBOARD / "node_modules" / ".bin" / "openapi-typescript"
    made = subprocess.run([generator, written], capture_output=True, text=True, check=True)
    assert (DASHBOARD / "src" / "api" / "schema.d.ts").read_text(encoding="utf-8") == made.stdout, "run `make docs`"
