"""Paths: which route a request takes, and what its parameters are."""

import re
from typing import Any
from urllib.parse import unquote_to_bytes

from falcon.routing import CompiledRouter

_SLASH = "\udc2f"
"""Stands for a `/` inside a part of a path while its route is looked for: no decoded path has half a surrogate pair."""

_ESCAPED_SLASH = re.compile(rb"%2f", re.IGNORECASE)

Route = tuple[object, Any, dict[str, Any], str | None]


class PathsAsSent(CompiledRouter):
    """Takes `/` for the end of a part where it was sent as such: as %2F it belongs to an id."""

    def find(self, uri: str, req: Any = None) -> Route | None:
        """The route of a path with its parameters, None when there is none."""
        sent = req.scope.get("raw_path") or b"" if req else b""
        if not _ESCAPED_SLASH.search(sent):
            return super().find(uri, req)
        found = super().find(_SLASH.join(map(_decoded, _ESCAPED_SLASH.split(sent))), req)
        if found is None:
            return None
        resource, methods, parameters, template = found
        return resource, methods, {name: _with_slashes(value) for name, value in parameters.items()}, template


def _decoded(part: bytes) -> str:
    return unquote_to_bytes(part).decode("utf-8", "replace")


def _with_slashes(value: Any) -> Any:
    return value.replace(_SLASH, "/") if isinstance(value, str) else value
