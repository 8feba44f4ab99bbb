"""Writes the records of a transcript as Claude Code does: one line for each block of a message."""

import json
import random
import uuid
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

MODEL, VERSION = "claude-opus-4-8", "2.1.197"

CONTINUED = (
    "This session is being continued from a previous conversation that ran out of context. The summary below covers "
    "the earlier portion of the conversation.\n\n"
)


class Pen:
    """One transcript: a clock, a place, and the records so far. `agent_id` is set in a subagent's."""

    def __init__(self, rng: random.Random, cwd: str, branch: str, at: datetime, session_id: str = "") -> None:
        self.rng, self.cwd, self.branch, self.at = rng, cwd, branch, at
        self.session_id = session_id or self.new_id()
        self.agent_id = self.kind = ""
        self.prompt_id = ""
        self.records: list[dict[str, Any]] = []
        self.calls = 0
        self._context = 21_000
        self._last: str | None = None

    def new_id(self) -> str:
        """An id as the client makes them, the same for the same seed."""
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def subagent(self, agent_id: str) -> "Pen":
        """The pen of a subagent's own transcript."""
        pen = Pen(self.rng, self.cwd, self.branch, self.at, self.session_id)
        pen.agent_id, pen.prompt_id = agent_id, self.prompt_id
        return pen

    @property
    def now(self) -> str:
        """The time of the next record."""
        return f"{self.at:%Y-%m-%dT%H:%M:%S}.{self.at.microsecond // 1000:03d}Z"

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.at += timedelta(seconds=seconds)

    def prompt(self, text: str) -> None:
        """What the user types."""
        self.wait(self.rng.uniform(8, 240))
        self.prompt_id = self.new_id()
        self._user(text, {"permissionMode": "acceptEdits"})

    def note(self, text: str, *, meta: bool = False) -> None:
        """What the client itself writes where a prompt would stand."""
        self._user(text, {"isMeta": True} if meta else {})

    def attachment(self, kind: str, content: str) -> None:
        """What the client puts beside the conversation."""
        self._write({"type": "attachment", "attachment": {"type": kind, "content": content}})

    def interrupted(self) -> None:
        """The user pressed Escape."""
        self._user([{"type": "text", "text": "[Request interrupted by user]"}])

    def say(self, text: str, *, ends: bool = False) -> None:
        """What the model says; `ends`: it is the end of its turn."""
        self.wait(self.rng.uniform(1, 6))
        self._assistant([{"type": "text", "text": text}], "end_turn" if ends else "tool_use")

    def call(
        self,
        name: str,
        asked: Mapping[str, Any],
        got: str,
        whole: Any = None,
        *,
        failed: bool = False,
        seconds: float = 0,
    ) -> None:
        """A tool call and what came of it."""
        call_id = self.begin(name, asked)
        self.wait(seconds or self.rng.uniform(0.2, 4))
        self.end(call_id, got, whole, failed=failed)

    def begin(self, name: str, asked: Mapping[str, Any]) -> str:
        """The beginning of a tool call; gives its id."""
        self.wait(self.rng.uniform(1, 9))
        call_id = f"toolu_{self.rng.getrandbits(96):024x}"
        self._assistant([{"type": "tool_use", "id": call_id, "name": name, "input": dict(asked)}], "tool_use")
        self.calls += 1
        return call_id

    def end(self, call_id: str, got: str, whole: Any = None, *, failed: bool = False) -> None:
        """The result of a tool call."""
        block = {"tool_use_id": call_id, "type": "tool_result", "content": got, "is_error": failed}
        self._context += len(got) // 4
        extra = {"toolUseResult": f"Error: {got}" if failed else got if whole is None else whole}
        self._user([block], extra)

    def system(self, subtype: str, **more: Any) -> None:
        """A record of the client about itself."""
        self._write({"type": "system", "subtype": subtype, "level": "info", "isMeta": False, **more})

    def boundary(self, summary: str, trigger: str) -> None:
        """A compaction."""
        self.wait(self.rng.uniform(40, 90))
        before, self._context = self._context, 24_000
        self.system(
            "compact_boundary",
            content="Conversation compacted",
            logicalParentUuid=self._last,
            compactMetadata={"trigger": trigger, "preTokens": before, "postTokens": self._context},
        )
        self.wait(0.3)
        shown = {"isCompactSummary": True, "isVisibleInTranscriptOnly": True}
        self._user(f"{CONTINUED}Summary:\n{summary}", shown)

    def lines(self) -> str:
        """The transcript."""
        return "".join(json.dumps(record, ensure_ascii=False, separators=(",", ":")) + "\n" for record in self.records)

    def save(self, folder: Path) -> Path:
        """Write the transcript where the client keeps it."""
        path = folder / f"{self.session_id}.jsonl"
        if self.agent_id:
            path = folder / self.session_id / "subagents" / f"agent-{self.agent_id}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(self.lines(), encoding="utf-8")
        if self.agent_id:
            path.with_suffix(".meta.json").write_text(json.dumps({"agentType": self.kind}), encoding="utf-8")
        return path

    def _assistant(self, content: list[dict[str, Any]], stop: str) -> None:
        self._context += sum(len(json.dumps(block)) for block in content) // 4
        usage = {
            "input_tokens": 4,
            "cache_creation_input_tokens": 900,
            "cache_read_input_tokens": self._context,
            "output_tokens": 60 + self.rng.randrange(400),
        }
        message_id = f"msg_{self.rng.getrandbits(80):020x}"
        message = {"id": message_id, "type": "message", "role": "assistant", "model": MODEL, "content": content}
        self._write({"type": "assistant", "message": {**message, "stop_reason": stop, "usage": usage}})

    def _user(self, content: Any, extra: Mapping[str, Any] | None = None) -> None:
        prompt = {"promptId": self.prompt_id} if self.prompt_id else {}
        self._write({"type": "user", **prompt, "message": {"role": "user", "content": content}, **(extra or {})})

    def _write(self, record: dict[str, Any]) -> None:
        record_id = self.new_id()
        place = {"cwd": self.cwd, "gitBranch": self.branch, "sessionId": self.session_id, "version": VERSION}
        agent = {"agentId": self.agent_id} if self.agent_id else {}
        head = {"parentUuid": self._last, "isSidechain": bool(self.agent_id), **agent, "uuid": record_id}
        self.records.append({**head, "timestamp": self.now, "userType": "external", **place, **record})
        self._last = record_id
        self.wait(0.02)
