"""What every list has, and the words several shapes share."""

from typing import Any, Literal, TypedDict

Data = dict[str, Any]
"""An object whose fields the contract leaves open."""

ToolType = Literal["builtin", "agent", "skill", "command", "mcp"]


class Page(TypedDict):
    """A part of a list."""

    limit: int
    offset: int
