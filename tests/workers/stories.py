"""Hook events as the client sends them, for tests: one by one, and a whole session."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import redis

from db.pool import Conn
from dcm.broker import stream_key
from dcm.domain import streams
from dcm.domain.hook_events import HookEvent, parse
from workers import batch
from workers.batch import Written, write

BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)

TTL_MS = 100 * 365 * 24 * 3_600_000
"""How long messages live, in milliseconds: whenever the tests run, those of the stories have not expired."""


def at(number: float) -> datetime:
    """The moment of the number-th event."""
    return BEGAN + timedelta(seconds=number)


def event(number: float, name: str, session: str = "s1", **fields: Any) -> HookEvent:
    """The number-th event, one second after the one before."""
    return parse(f"{int(number * 1000)}-0", at(number), {"session_id": session, "hook_event_name": name, **fields})


def tool(number: float, command: str = "ls", *, error: str | None = None, **fields: Any) -> HookEvent:
    """A finished Bash call."""
    ended = {"error": error} if error is not None else {"tool_response": {"stdout": "done"}}
    given = {"tool_name": "Bash", "tool_input": {"command": command}, "tool_use_id": f"toolu_{number}"} | ended | fields
    return event(number, "PostToolUse" if error is None else "PostToolUseFailure", **given)


def subagent(number: float, name: str, agent: str = "a1", **fields: Any) -> HookEvent:
    """An event of a subagent."""
    return event(number, name, **({"agent_id": agent, "agent_type": "Explore", "prompt_id": "p1"} | fields))


def agent_tool(number: float, name: str, call: str = "toolu_agent", agent: str = "a1", **fields: Any) -> HookEvent:
    """The start or the end of the Agent call that a subagent works for."""
    asked = {"subagent_type": "Explore", "description": "find slow queries", "prompt": "look"}
    answer = {"status": "completed", "agentId": agent, "content": [{"type": "text", "text": "three are slow"}]}
    given = {"tool_name": "Agent", "tool_input": asked, "tool_use_id": call, "prompt_id": "p1"}
    return event(number, name, **(given | ({"tool_response": answer} if name == "PostToolUse" else {}) | fields))


def a_session(folder: str = "/w/shop", **fields: Any) -> list[HookEvent]:
    """A session of two prompts with a failing command, an edit, a subagent, a decision and an end."""
    place = {"cwd": folder, "transcript_path": "/t/s1.jsonl"} | fields
    edit = {"tool_name": "Edit", "tool_input": {"file_path": f"{folder}/cart.py", "old_string": "a"}}
    answers = {"answers": {"Which cache?": "none"}}
    return [
        event(1, "SessionStart", source="startup", model="opus", **place),
        event(2, "UserPromptSubmit", prompt="make the cart faster", prompt_id="p1", **place),
        event(3, "PreToolUse", tool_name="Bash", tool_input={"command": "pytest -q"}, tool_use_id="t3", **place),
        tool(4, "pytest -q", error="Exit code 1\nE   assert 2 == 3", tool_use_id="t3", prompt_id="p1", **place),
        agent_tool(5, "PreToolUse", **place),
        subagent(6, "SubagentStart", **place),
        subagent(7, "PreToolUse", tool_name="Bash", tool_input={"command": "ls"}, tool_use_id="t7", **place),
        tool(8, "ls", tool_use_id="t7", agent_id="a1", agent_type="Explore", prompt_id="p1", **place),
        subagent(9, "SubagentStop", last_assistant_message="three are slow", **place),
        agent_tool(10, "PostToolUse", **place),
        event(11, "PostToolUse", tool_use_id="t11", prompt_id="p1", **edit, **place),
        event(12, "PostToolUse", tool_name="AskUserQuestion", tool_use_id="t12", tool_response=answers, prompt_id="p1",
              tool_input={"questions": []}, **place),
        event(13, "SubagentStop", agent_id="phantom", agent_type="", prompt_id="p1", **place),
        event(14, "Stop", prompt_id="p1", last_assistant_message="The cart is faster.", **place),
        event(15, "Notification", message="waiting", **place),
        event(16, "UserPromptSubmit", prompt="now the tests", prompt_id="p2", **place),
        tool(17, "cat notes", tool_use_id="t17", prompt_id="p2", **place),
        event(18, "NewEvent", novelty=[1, {"deep": True}], **place),
        event(19, "StopFailure", prompt_id="p2", error="overloaded", **place),
        event(20, "SessionEnd", reason="prompt_input_exit", **place),
    ]  # fmt: skip


def store(conn: Conn, *events: HookEvent) -> Written:
    """Write a batch, into a database whose months may not be made yet."""
    batch._months_made.clear()
    return write(conn, list(events), TTL_MS)


def rows(conn: Conn, query: str, *parameters: object) -> list[tuple[Any, ...]]:
    """What a query gives."""
    return conn.execute(query.encode(), parameters or None).fetchall()


def queue(client: "redis.Redis", events: Sequence[HookEvent | bytes], shard: int = 0) -> None:
    """Put events, or raw bodies, into the stream as the door does."""
    pipeline = client.pipeline(transaction=False)
    for number, given in enumerate(events, 1):
        moment, body = (at(number), given) if isinstance(given, bytes) else (given.at, orjson.dumps(given.payload))
        stamped = streams.stamp(round(moment.timestamp() * 1_000_000) * 1000)
        session_id = "s1" if isinstance(given, bytes) else given.session_id
        fields = {streams.TIME_FIELD: stamped, streams.SESSION_FIELD: session_id, streams.PAYLOAD_FIELD: body}
        pipeline.xadd(stream_key(shard), fields)
    pipeline.execute()


def sent(client: "redis.Redis", actor: str, queue_name: str = "default") -> list[list[Any]]:
    """The arguments of the messages that wait for an actor, in no order."""
    messages = [orjson.loads(raw) for raw in client.hvals(f"dcm:dramatiq:{queue_name}.msgs")]
    return [message["args"] for message in messages if message["actor_name"] == actor]
