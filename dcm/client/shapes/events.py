"""Shapes of what happened: tool calls, imported events."""

from typing import NotRequired, TypedDict

from dcm.client.shapes.page import Data, Page, ToolType


class Action(TypedDict):
    """A finished tool call."""

    id: str
    tool_name: str
    tool_type: ToolType
    exit_code: int
    duration_ms: int | None
    file_paths: list[str]
    created_at: str
    session_id: NotRequired[str | None]


class ActionMade(TypedDict):
    """A tool call that was recorded."""

    success: bool
    action: Data


class ActionPage(Page):
    """A page of tool calls."""

    actions: list[Action]
    count: int


class Hour(TypedDict):
    """An hour and its tool calls."""

    hour: str
    count: int


class HourlyActions(TypedDict):
    """The hours of the last day that had any."""

    data: list[Hour]
    period: str


class ActionsDeleted(TypedDict):
    """How many tool calls were deleted."""

    success: bool
    deleted_count: int
    session_id: str


class Past(TypedDict):
    """A hook payload and when it happened."""

    at: str
    payload: Data


class Imported(TypedDict):
    """What an import took: `known` were there already; `waiting` is what is to be written, over all."""

    accepted: int
    known: int
    waiting: int
