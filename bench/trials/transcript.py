"""A transcript as Claude Code writes it, record by record while the session goes on."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

MODEL = "claude-opus-4-8"


class Transcript:
    """The transcript of a session, or of a subagent of it."""

    def __init__(self, path: Path, session_id: str, agent_id: str = "", agent_type: str = "") -> None:
        self.path, self._session_id, self._agent_id, self._records = path, session_id, agent_id, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        if agent_id:
            path.with_suffix(".meta.json").write_text(json.dumps({"agentType": agent_type}), encoding="utf-8")

    def subagent(self, agent_id: str, agent_type: str) -> "Transcript":
        """The transcript of a subagent."""
        path = self.path.with_suffix("") / "subagents" / f"agent-{agent_id}.jsonl"
        return Transcript(path, self._session_id, agent_id, agent_type)

    def prompt(self, now: float, prompt_id: str, text: str) -> None:
        """What was asked."""
        self._write(now, "user", text, promptId=prompt_id, permissionMode="acceptEdits")

    def call(self, now: float, call_id: str, tool: str, asked: Mapping[str, Any]) -> None:
        """A tool call begins."""
        self._write(now, "assistant", [{"type": "tool_use", "id": call_id, "name": tool, "input": dict(asked)}])

    def result(self, now: float, prompt_id: str, call_id: str, text: str, whole: Any, *, failed: bool) -> None:
        """A tool call has ended."""
        block = {"type": "tool_result", "tool_use_id": call_id, "content": text, "is_error": failed}
        self._write(now, "user", [block], promptId=prompt_id, toolUseResult=f"Error: {text}" if failed else whole)

    def say(self, now: float, text: str) -> None:
        """The last words of a turn."""
        self._write(now, "assistant", [{"type": "text", "text": text}], stop="end_turn")

    def _write(self, now: float, kind: str, content: Any, stop: str = "tool_use", **more: Any) -> None:
        self._records += 1
        name = f"{self._session_id}-{self._agent_id}-{self._records}"
        message: dict[str, Any] = {"role": kind, "content": content}
        if kind == "assistant":
            usage = {"input_tokens": 4, "output_tokens": 60, "cache_read_input_tokens": 1000 + self._records}
            message |= {"id": f"msg_{name}", "model": MODEL, "stop_reason": stop, "usage": usage}
        at = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"
        agent = {"agentId": self._agent_id} if self._agent_id else {}
        place = {"sessionId": self._session_id, "cwd": "/srv/shop", "gitBranch": "main", "version": "2.1.197"}
        record = {"type": kind, "timestamp": at, "uuid": name, "isSidechain": bool(agent), **place, **agent, **more}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({**record, "message": message}) + "\n")
