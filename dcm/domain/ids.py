"""Ids that follow from what they name, so that the same event always makes the same row."""

import uuid

NAMESPACE = uuid.UUID("6f8a4f0e-5d0c-5c9d-9f0b-2a6d3c1e7b44")


def derived(*parts: str) -> uuid.UUID:
    """The id of the thing these parts name."""
    return uuid.uuid5(NAMESPACE, "\x1f".join(parts))


def request_id(session_id: str, prompt_id: str) -> uuid.UUID:
    """The request a prompt opened."""
    return derived("request", session_id, prompt_id)


def wave_id(request: uuid.UUID, number: int = 0) -> uuid.UUID:
    """The wave (task list) of a request."""
    return derived("wave", str(request), str(number))


def subtask_id(session_id: str, agent_id: str) -> uuid.UUID:
    """The subtask a subagent works on."""
    return derived("subtask", session_id, agent_id)


def call_id(session_id: str, tool_call: str) -> uuid.UUID:
    """The subtask of an Agent call whose subagent nobody reported."""
    return derived("call", session_id, tool_call)
