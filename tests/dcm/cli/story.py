"""A session as Claude Code writes it down, and as its hooks tell it: the same story twice."""

import json
import os
from pathlib import Path
from typing import Any

SESSION = "24afd06f-b8a7-4565-9205-6c61acff5f1c"
AGENT = "a435e73d5a2251807"
FOLDER = "/w/shop"


def at(second: float) -> str:
    return f"2026-11-20T12:00:{second:06.3f}Z"


def record(second: float, kind: str, content: Any, *, agent: bool = False, prompt: str = "p1", **more: Any) -> Any:
    """A line of a transcript."""
    message: dict[str, Any] = {"role": kind, "content": content}
    if kind == "assistant":
        message |= {"id": f"msg_{second}", "model": "claude-opus-4-8"}
    known = {"sessionId": SESSION, "cwd": FOLDER, "isSidechain": agent, "timestamp": at(second), "type": kind}
    known |= {"promptId": prompt} if kind == "user" else {}
    known |= {"agentId": AGENT} if agent else {}
    return {**known, "uuid": f"u{second}{agent}", "message": message, **more}


def call(name: str, number: int, **given: Any) -> list[Any]:
    return [{"type": "tool_use", "id": f"toolu_{number}", "name": name, "input": given}]


def result(number: int, text: str, *, error: bool = False) -> list[Any]:
    return [{"type": "tool_result", "tool_use_id": f"toolu_{number}", "content": text, "is_error": error}]


def words(text: str) -> list[Any]:
    return [{"type": "text", "text": text}]


ASKED = {"subagent_type": "Explore", "description": "find it", "prompt": "look"}
TOLD = {"status": "completed", "agentId": AGENT, "agentType": "Explore", "content": words("three are slow")}

MAIN = [
    {"type": "queue-operation", "operation": "enqueue", "timestamp": at(0), "sessionId": SESSION},
    record(1, "user", "make the cart faster", permissionMode="acceptEdits"),
    record(2, "assistant", [*words("I look first."), *call("Bash", 1, command="pytest -q")]),
    record(3, "user", result(1, "Exit code 1\nassert 2 == 3", error=True), toolUseResult="Error: Exit code 1"),
    record(4, "assistant", call("Agent", 2, **ASKED)),
    record(10, "user", result(2, "three are slow"), toolUseResult=TOLD),
    record(11, "assistant", call("Edit", 3, file_path="/w/shop/cart.py")),
    record(12, "user", result(3, "<tool_use_error>File has not been read yet.</tool_use_error>", error=True)),
    {"type": "system", "subtype": "compact_boundary", "timestamp": at(13), "sessionId": SESSION, "isSidechain": False},
    record(13, "user", "This session is being continued from a previous one.", isCompactSummary=True),
    record(14, "assistant", words("The cart is faster.")),
    record(20, "user", "<command-name>/cost</command-name>", prompt="p2"),
    record(21, "user", "<local-command-stdout>0.12</local-command-stdout>", prompt="p2"),
    record(22, "user", words("now the tests"), prompt="p3"),
    record(23, "assistant", words("They pass.")),
    {"type": "last-prompt", "lastPrompt": "now the tests", "sessionId": SESSION},
]

SUB = [
    record(5, "user", "look", agent=True),
    record(6, "assistant", call("Bash", 7, command="ls"), agent=True),
    record(7, "user", result(7, "a b"), agent=True),
    record(8, "assistant", words("three are slow"), agent=True),
]


def payload(name: str, prompt_id: str = "p1", **fields: Any) -> dict[str, Any]:
    """What a hook would have told, with the fields only hooks have."""
    place = {"session_id": SESSION, "transcript_path": "/t/x.jsonl", "cwd": FOLDER, "prompt_id": prompt_id}
    return {**place, "permission_mode": "acceptEdits", "hook_event_name": name, **fields}


def tool(name: str, number: int, given: dict[str, Any], **fields: Any) -> dict[str, Any]:
    kind = "PostToolUseFailure" if "error" in fields else "PostToolUse"
    more = {"tool_name": name, "tool_input": given, "tool_use_id": f"toolu_{number}", "duration_ms": 12}
    return payload(kind, **more, **fields)


WHO = {"agent_id": AGENT, "agent_type": "Explore"}

HOOKS = [
    payload("SessionStart", source="startup", model="claude-opus-4-8"),
    payload("UserPromptSubmit", prompt="make the cart faster"),
    tool("Bash", 1, {"command": "pytest -q"}, error="Exit code 1\nassert 2 == 3"),
    payload("SubagentStart", **WHO),
    tool("Bash", 7, {"command": "ls"}, tool_response={"stdout": "a b"}, **WHO),
    payload("SubagentStop", stop_hook_active=False, last_assistant_message="three are slow", **WHO),
    tool("Agent", 2, ASKED, tool_response=TOLD),
    payload("Stop", stop_hook_active=False, last_assistant_message="The cart is faster."),
    payload("UserPromptSubmit", "p3", prompt="now the tests"),
    payload("Stop", "p3", stop_hook_active=False, last_assistant_message="They pass."),
    payload("SessionEnd", reason="prompt_input_exit"),
]


def write(folder: Path, *, main: list[Any] = MAIN, sub: list[Any] = SUB, touched: float | None = None) -> Path:
    """The transcripts under a folder as Claude Code lays them out; gives the folder of the project."""
    project = folder / "-w-shop"
    agents = project / SESSION / "subagents"
    agents.mkdir(parents=True, exist_ok=True)
    files = {project / f"{SESSION}.jsonl": main, agents / f"agent-{AGENT}.jsonl": sub}
    for file, records in files.items():
        file.write_text("".join(f"{json.dumps(each)}\n" for each in records), encoding="utf-8")
        os.utime(file, (touched or 0, touched or 0))
    (agents / f"agent-{AGENT}.meta.json").write_text(json.dumps({"agentType": "Explore"}), encoding="utf-8")
    return project
