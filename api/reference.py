"""The API's reference from the route table: `python -m api.reference` writes docs/api.md.

With `--json` it prints the OpenAPI document instead.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, cast

from api.openapi import document
from api.routes import Parts, routes
from dcm import settings as settings_module

ANYWHERE = frozenset({"401", "403", "429", "500", "503"})
"""Statuses that any request may be answered with."""

DOCS = Path(__file__).parent.parent / "docs"

HEAD = """\
# API

Written from the routes by `make docs`. The same is served at `/openapi.json`, and to browse at `/docs`.

Bodies are JSON. What is wrong with one is answered with 400 and `{"error", "details": {field: [why]}}`; what is not
there with 404. Times are ISO 8601 in UTC. Every filter that is given must hold; `limit` is brought between its bounds.
An id in a path is percent-encoded, its `/` too.

Each operation names the scope it takes. On loopback `ingest`, `read` and `write` are given; `admin`, and all of them
from elsewhere, take a token: `Authorization: Bearer dcm_...` ([security](security.md)); `any`: every good one.
Everything may be answered with 401 (no good token), 403 (it lacks the scope, or the caller may not), 429 (too often;
`Retry-After` says until when), 500 and 503.
"""


def described() -> dict[str, Any]:
    """The OpenAPI document of the route table; nothing is opened for it."""
    parts = Parts(settings_module.load({"DCM_HOME": "/nowhere"}), *[cast("Any", None)] * 4)
    return document([(path, resource) for path, resource in routes(parts) if path != "/openapi.json"])


def page(found: Mapping[str, Any]) -> str:
    """The document as a page."""
    tags: dict[str, list[str]] = {}
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            tags.setdefault(operation["tags"][0], []).append("\n".join(_section(path, method, operation, found)))
    sections = [f"## {tag}\n\n" + "\n\n".join(parts) for tag, parts in sorted(tags.items())]
    return "\n".join([HEAD, "\n\n".join(sections), ""])


def _section(path: str, method: str, operation: Mapping[str, Any], found: Mapping[str, Any]) -> Iterator[str]:
    yield f"### `{method.upper()} {path}`\n"
    yield f"{operation['summary']}. {operation.get('description', '')}".strip()
    yield f"- scope: `{operation['security'][0]['token'][0]}`"
    for part in operation.get("parameters", []):
        needed = ", needed" if part["required"] else ""
        yield f"- `{part['name']}` ({part['in']}{needed}): {_kind(part['schema'])}"
    body = operation.get("requestBody")
    if body:
        yield f"- body: {_fields(body['content']['application/json']['schema'], found)}"
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get("application/json", {}).get("schema")
        if int(status) < 300:
            other = ", ".join(answer.get("content", {})) or "no body"
            yield f"- {status}: {_fields(schema, found) if schema else other}"
    if own := [status for status in operation["responses"] if int(status) >= 300 and status not in ANYWHERE]:
        yield "- otherwise: " + ", ".join(own)


def _kind(schema: Mapping[str, Any]) -> str:
    kind = schema.get("format") or schema.get("type") or " or ".join(map(str, schema.get("enum", ["a value"])))
    if "enum" in schema:
        kind = ", ".join(f"`{value}`" for value in schema["enum"])
    usual = f"; {schema['default']!r} when not given" if "default" in schema else ""
    return f"{kind}{usual}. {schema.get('description', '')}".rstrip(". ")


def _fields(schema: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """The names of an object's fields; those that may be left out have a question mark."""
    name = schema["$ref"].rpartition("/")[2]
    model = found["components"]["schemas"][name]
    needed = model.get("required", [])
    return (
        ", ".join(f"`{field}{'' if field in needed else '?'}`" for field in model.get("properties", {})) or "an object"
    )


def main() -> None:
    """Write the page, or print the document."""
    if "--json" in sys.argv[1:]:
        sys.stdout.write(json.dumps(described()))
        return
    (DOCS / "api.md").write_text(page(described()), encoding="utf-8")
    sys.stdout.write("wrote docs/api.md\n")


if __name__ == "__main__":
    main()
