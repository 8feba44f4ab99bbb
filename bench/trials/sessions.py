"""What a session tells: prompts, tool calls that end well or not, subagents, compactions, its end."""

import random
import uuid
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple

from trials.ledger import TOOL, Key
from trials.transcript import Transcript

WORDS = ("parse", "render", "store", "fetch", "merge", "token", "cart", "price", "order", "login", "cache", "retry")
TOOLS = ("Bash", "Read", "Edit", "Grep", "Write")


class Told(NamedTuple):
    """A hook's payload, and what its event is known by."""

    key: Key
    payload: dict[str, Any]

    @property
    def compacts(self) -> bool:
        """Whether it tells of a compaction: what comes between two of these parts them."""
        return self.key.event in {"PreCompact", "PostCompact"} or self.key.name == "compact"


class Session:
    """One session of a client: `story` gives what its hooks tell, one after the other."""

    def __init__(self, rng: random.Random, folder: Path, now: Callable[[], float], project: str) -> None:
        self.rng, self.now, self.project = rng, now, project
        self.id = self._new_id()
        self.transcript = Transcript(folder / f"{self.id}.jsonl", self.id)
        self.prompt_id = ""

    async def story(self) -> AsyncIterator[Told]:
        """All of it."""
        yield self._told("SessionStart", "startup", source="startup", model="claude-opus-4-8")
        for turn in range(self.rng.randint(2, 5)):
            async for told in self._turn():
                yield told
            if turn == 1 and self.rng.random() < 0.3:
                async for told in self._compaction():
                    yield told
        yield self._told("SessionEnd", "end", reason="prompt_input_exit")

    async def _turn(self) -> AsyncIterator[Told]:
        self.prompt_id = self._new_id()
        asked = self._words(12)
        self.transcript.prompt(self.now(), self.prompt_id, asked)
        yield self._told("UserPromptSubmit", self.prompt_id, prompt=asked)
        for _ in range(self.rng.randint(2, 8)):
            async for told in self._call(self.transcript):
                yield told
            if self.rng.random() < 0.05:
                yield self._told("Notification", message="waiting", notification_type="idle_prompt")
        if self.rng.random() < 0.4:
            async for told in self._subagent():
                yield told
        said = self._words(10)
        self.transcript.say(self.now(), said)
        yield self._told("Stop", self.prompt_id, stop_hook_active=False, last_assistant_message=said)

    async def _call(self, transcript: Transcript, **agent: str) -> AsyncIterator[Told]:
        call_id, tool = f"toolu_{self.rng.getrandbits(96):024x}", self.rng.choice(TOOLS)
        path = f"/srv/shop/{self.rng.choice(WORDS)}.py"
        asked = {"command": self._words(8)} if tool == "Bash" else {"file_path": path}
        call = {"tool_name": tool, "tool_input": asked, "tool_use_id": call_id, **agent}
        transcript.call(self.now(), call_id, tool, asked)
        yield self._told("PreToolUse", call_id, **call)
        text, failed = self._words(30), self.rng.random() < 0.15
        whole = {"stdout": text, "stderr": "", "interrupted": False}
        transcript.result(self.now(), self.prompt_id, call_id, text, whole, failed=failed)
        yield self._ended(call, text, whole, failed=failed)

    async def _subagent(self) -> AsyncIterator[Told]:
        agent_id, call_id = f"a{self.rng.getrandbits(64):016x}", f"toolu_{self.rng.getrandbits(96):024x}"
        who = {"agent_id": agent_id, "agent_type": "Explore"}
        asked = {"subagent_type": "Explore", "description": self._words(3), "prompt": self._words(9)}
        call = {"tool_name": "Agent", "tool_input": asked, "tool_use_id": call_id}
        self.transcript.call(self.now(), call_id, "Agent", asked)
        yield self._told("PreToolUse", call_id, **call)
        transcript = self.transcript.subagent(agent_id, "Explore")
        transcript.prompt(self.now(), self.prompt_id, asked["prompt"])
        yield self._told("SubagentStart", agent_id, **who)
        for _ in range(self.rng.randint(1, 3)):
            async for told in self._call(transcript, **who):
                yield told
        said = self._words(6)
        transcript.say(self.now(), said)
        yield self._told("SubagentStop", agent_id, stop_hook_active=False, last_assistant_message=said, **who)
        whole = {"status": "completed", "agentId": agent_id, "content": [{"type": "text", "text": said}]}
        self.transcript.result(self.now(), self.prompt_id, call_id, said, whole, failed=False)
        yield self._ended(call, said, whole, failed=False)

    async def _compaction(self) -> AsyncIterator[Told]:
        yield self._told("PreCompact", trigger="manual", custom_instructions="")
        yield self._told("SessionStart", "compact", source="compact")
        yield self._told("PostCompact", trigger="manual", compact_summary=self._words(20))

    def _ended(self, call: dict[str, Any], text: str, whole: Any, *, failed: bool) -> Told:
        how = {"error": f"Exit code 1\n{text}"} if failed else {"tool_response": whole}
        told = self._told("PostToolUseFailure" if failed else "PostToolUse", "", duration_ms=7, **call, **how)
        return told._replace(key=Key(self.id, TOOL, call["tool_use_id"]))

    def _told(self, event: str, name: str = "", **fields: Any) -> Told:
        mark = f"{self.rng.getrandbits(64):016x}"
        place = {"session_id": self.id, "transcript_path": str(self.transcript.path), "cwd": self.project}
        known = {"prompt_id": self.prompt_id} if self.prompt_id else {}
        payload = {**place, **known, "permission_mode": "acceptEdits", "hook_event_name": event, "mark": mark, **fields}
        return Told(Key(self.id, event, name or mark), payload)

    def _words(self, count: int) -> str:
        return " ".join(f"{self.rng.choice(WORDS)}{self.rng.randrange(40)}" for _ in range(count))

    def _new_id(self) -> str:
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))
