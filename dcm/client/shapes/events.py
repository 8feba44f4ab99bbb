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


class RowRefused(TypedDict):
    """A line of an export that cannot be stored: its place among those sent, and why."""

    row: int
    reason: str


class RowsImported(TypedDict):
    """How many lines were new and known, which were refused, and {id: its id here} of projects known by another."""

    stored: int
    known: int
    refused: list[RowRefused]
    projects: dict[str, str]


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


class MessageUsed(TypedDict):
    """What one answer of a model took."""

    message_id: str
    session_id: str
    agent_id: NotRequired[str]
    request_id: NotRequired[str]
    model: str
    at: str
    input_tokens: NotRequired[int]
    output_tokens: NotRequired[int]
    cache_read_tokens: NotRequired[int]
    cache_creation_tokens: NotRequired[int]
    cache_creation_1h_tokens: NotRequired[int]


class ContextUsed(TypedDict):
    """How large a main conversation was at a moment; no tokens after a compaction."""

    session_id: str
    at: str
    model: NotRequired[str]
    tokens: int | None


class UsageKept(TypedDict):
    """How many answers and conversations were told."""

    messages: int
    contexts: int
