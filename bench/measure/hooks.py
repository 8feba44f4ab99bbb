"""Hook events as a client sends them: turns of prompts, tool calls before and after, subagents, failures and ends.

They are made before the load, so that making them costs it nothing: each text is used lap after lap, with the lap's
number in its ids.
"""

import itertools
import json
import random
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

LAP = "@lap@@@@"
"""Stands where an event has the number of its lap: as long as that is."""

WORDS = [f"{a}{b}" for a in ("parse", "render", "store", "fetch", "merge", "token") for b in ("er", "ing", "s", "_id")]
WORDS += [f"word{n}" for n in range(400)]

OUTPUT_WORDS = 190
"""Words of what an ordinary tool answers: with them an event has 1.4 KB on average."""

TURNS = 12
"""Turns of a session that are made; then they begin again."""


@dataclass(frozen=True, slots=True)
class Made:
    """An event to send. `tool`: it becomes a row of actions, is told, and the words of what was `asked` are scored."""

    body: bytes
    tool: bool
    asked: Any

    def of_lap(self, lap: int) -> bytes:
        """The body, as it is sent in a lap."""
        return self.body.replace(LAP.encode(), b"%08d" % lap)


def tool_calls(session_id: str, seed: int) -> list[Made]:
    """Finished tool calls of 1.4 KB each and nothing else."""
    pen = _Pen(session_id, random.Random(seed))
    return [pen.made("PostToolUse", **pen.call(), **pen.answer()) for _ in range(100)]


def session(session_id: str, seed: int) -> list[Made]:
    """The events of a session at work, in order."""
    pen = _Pen(session_id, random.Random(seed))
    return [event for _ in range(TURNS) for event in pen.turn()]


def laps(events: list[Made]) -> Iterator[tuple[bytes, bool]]:
    """(body, whether it is a tool call) without end."""
    for lap in itertools.count(1):
        for event in events:
            yield event.of_lap(lap), event.tool


class _Pen:
    def __init__(self, session_id: str, rng: random.Random) -> None:
        self._rng, self._session = rng, session_id
        self._prompt, self._calls = "", itertools.count()
        self._worked = f"/home/someone/shop{rng.randrange(6)}"

    def made(self, name: str, **fields: Any) -> Made:
        body = {
            "session_id": self._session,
            "transcript_path": f"/home/someone/.claude/projects/-home-someone-shop/{self._session}.jsonl",
            "cwd": self._worked,
            "prompt_id": self._prompt,
            "permission_mode": "default",
            "hook_event_name": name,
            **fields,
        }
        return Made(json.dumps(body).encode(), name.startswith("PostToolUse"), fields.get("tool_input"))

    def words(self, count: int) -> str:
        return " ".join(self._rng.choices(WORDS, k=count))

    def turn(self) -> Iterator[Made]:
        """A prompt and what it sets off."""
        self._prompt = f"{LAP}{uuid.UUID(int=self._rng.getrandbits(128))!s:.28}"
        yield self.made("UserPromptSubmit", prompt=self.words(40))
        for _ in range(self._rng.randrange(8, 30)):
            yield from self._tool({})
        if self._rng.random() < 0.2:
            yield from self._subagent()
        yield self.made("Stop", stop_hook_active=False, last_assistant_message=self.words(60))

    def call(self) -> dict[str, Any]:
        """A tool and what it is asked."""
        tool = self._rng.choice(["Bash", "Bash", "Read", "Edit", "Grep"])
        path = f"{self._worked}/src/{self._rng.choice(WORDS)}/{self._rng.choice(WORDS)}.py"
        asked: dict[str, Any] = {
            "Bash": {"command": f"pytest -q {path} -k {self._rng.choice(WORDS)}", "description": self.words(5)},
            "Read": {"file_path": path},
            "Edit": {"file_path": path, "old_string": self.words(14), "new_string": self.words(18)},
            "Grep": {"pattern": self._rng.choice(WORDS), "path": path, "output_mode": "content"},
        }[tool]
        return {"tool_name": tool, "tool_input": asked, "tool_use_id": f"toolu_{next(self._calls):016x}{LAP}"}

    def answer(self) -> dict[str, Any]:
        """What a tool that went well says."""
        said = {"stdout": self.words(OUTPUT_WORDS), "stderr": "", "interrupted": False, "isImage": False}
        return {"tool_response": said, "duration_ms": self._rng.randrange(5, 5000)}

    def _tool(self, who: dict[str, Any]) -> Iterator[Made]:
        call = self.call()
        yield self.made("PreToolUse", **call, **who)
        if self._rng.random() < 0.06:
            yield self.made("PostToolUseFailure", **call, **who, error=f"Exit code 1\n{self.words(40)}")
        else:
            yield self.made("PostToolUse", **call, **who, **self.answer())

    def _subagent(self) -> Iterator[Made]:
        who = {"agent_id": f"a{self._rng.getrandbits(32):08x}{LAP}", "agent_type": "Explore"}
        yield self.made("SubagentStart", **who)
        for _ in range(12):
            yield from self._tool(who)
        yield self.made("SubagentStop", **who, stop_hook_active=False, last_assistant_message=self.words(80))
