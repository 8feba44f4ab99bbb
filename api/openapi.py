"""The OpenAPI 3.1 document, made of the route table and the types of its operations."""

import re
from collections.abc import Iterable, Mapping
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import models_json_schema

from api.fields import Refusal, without_null
from api.operations import Operation, of
from dcm import __version__
from dcm.domain.access import AGENT_HEADER

METHODS = ("get", "post", "put", "patch", "delete")
TOKEN = "token"  # noqa: S105  # nosec B105 # its name
SECURITY = {
    "type": "http",
    "scheme": "bearer",
    "description": "An access token, or the one in DCM_HOME. On loopback only the scope admin needs one. "
    "Browsers may send it as the password of Basic.",
}
"""How a caller says who it is."""

AGENT_TOKEN = {
    "name": AGENT_HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "description": "The credential of the agent spoken for, if it has one."},
}

SCHEMA = "#/components/schemas/{model}"


def operations(table: Iterable[tuple[str, object]]) -> list[tuple[str, str, Operation]]:
    """(path, method, operation) of every route."""
    return [
        (path, method, found)
        for path, resource in table
        for method in METHODS
        if (found := of(getattr(resource, f"on_{method}", None)))
    ]


def document(table: Iterable[tuple[str, object]]) -> dict[str, Any]:
    """The document of a route table."""
    found = operations(table)
    references, schemas = models_json_schema(_models(found), ref_template=SCHEMA)
    paths: dict[str, dict[str, Any]] = {}
    for path, method, operation in found:
        paths.setdefault(path, {})[method] = _operation(path, operation, references)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "DCM",
            "version": __version__,
            "description": "What sessions of coding agents did, know and tell one another.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "paths": paths,
        "components": {"schemas": schemas["$defs"], "securitySchemes": {TOKEN: SECURITY}},
    }


def _models(found: Iterable[tuple[str, str, Operation]]) -> list[tuple[type[BaseModel], Any]]:
    models: dict[tuple[type[BaseModel], str], None] = {(Refusal, "serialization"): None}
    for _, _, operation in found:
        for model in (operation.answer, *operation.others.values()):
            if model:
                models[model, "serialization"] = None
        if operation.body:
            models[operation.body, "validation"] = None
    return list(models)


def _operation(path: str, operation: Operation, references: Mapping[Any, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [_tag(path)],
        "security": [{TOKEN: [operation.scope]}],
        "responses": _responses(operation, references),
    }
    if operation.details:
        described["description"] = " ".join(operation.details.split())
    if parameters := [*_path_parameters(operation), *_query_parameters(operation), *_header_parameters(operation)]:
        described["parameters"] = parameters
    if operation.body:
        schema = references[operation.body, "validation"]
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": schema}}}
    return described


def _tag(path: str) -> str:
    """The word a route is about."""
    parts = re.sub(r"\.json$", "", path).strip("/").split("/")
    return parts[1] if parts[0] == "api" and len(parts) > 1 else parts[0]


def _responses(operation: Operation, references: Mapping[Any, Any]) -> dict[str, Any]:
    answers: dict[int, type[BaseModel] | None] = {operation.status: operation.answer}
    answers |= dict.fromkeys((*operation.errors, 401, 403, 429, 500, 503), Refusal) | dict(operation.others)
    described = {str(status): _response(status, answers[status], references) for status in sorted(answers)}
    if operation.media:
        described[str(operation.status)]["content"] = {operation.media: {"schema": {"type": "string"}}}
    return described


def _response(status: int, model: type[BaseModel] | None, references: Mapping[Any, Any]) -> dict[str, Any]:
    said = {"description": ((model.__doc__ or "") if model else "").strip() or HTTPStatus(status).phrase}
    if model is None:
        return said
    return {**said, "content": {"application/json": {"schema": references[model, "serialization"]}}}


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": TypeAdapter(kind).json_schema()}
        for name, kind in operation.path.items()
    ]


def _header_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [AGENT_TOKEN] if operation.speaks else []


def _query_parameters(operation: Operation) -> list[dict[str, Any]]:
    if operation.query is None:
        return []
    schema = operation.query.model_json_schema(ref_template=SCHEMA)
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": without_null(part)}
        for name, part in schema.get("properties", {}).items()
    ]
