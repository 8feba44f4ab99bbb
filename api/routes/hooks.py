"""POST /api/hooks/claude: any hook payload of Claude Code, as it comes."""

import json
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from falcon.asgi import Request, Response
from pydantic import ConfigDict

from api import access, figures
from api.bodies import PLACES, TOO_DEEP, kept_bytes, of_elsewhere, parse_json, read_body, storable
from api.fields import Answer, Body, Name
from api.ingest import Door
from api.mail import Mail
from api.operations import documented
from api.restore import Briefs
from api.speaking import speaker
from dcm.broker import compacted_key, compaction_key, mailbox_key, proved_mailbox_key
from dcm.domain.access import READ, Caller
from dcm.domain.briefs import TO_KEEP
from dcm.domain.errors import InvalidInput
from dcm.domain.hook_events import check
from dcm.domain.relayed import NO_ANSWER, TIME_HEADER, told_time
from dcm.domain.streams import stamp

NOTHING = b"{}"
"""The answer to a hook that needs none."""


CARRIERS = frozenset({"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"})
"""Events whose answer reaches the model: with the next one of an agent its mail is delivered."""

MARKS = {"PreCompact": compaction_key, "PostCompact": compacted_key}
"""Events whose moment is marked, and the key that holds it."""

BRIEFED = frozenset({"compact", "resume"})
"""Sources of a SessionStart that is answered with the brief."""


class HookPayload(Body):
    """A payload as Claude Code sends it; every further field is kept."""

    model_config = ConfigDict(
        extra="allow",
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "session_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
                    "hook_event_name": "PostToolUse",
                    "cwd": "/home/ada/shop",
                    "tool_name": "Bash",
                    "tool_input": {"command": "pytest -q"},
                    "tool_response": {"stdout": "3 passed"},
                    "tool_use_id": "toolu_01",
                }
            ]
        },
    )
    session_id: Name
    hook_event_name: Name


class HookAnswer(Answer):
    """What the client puts into the conversation; empty for most events."""

    hookSpecificOutput: dict[str, str] | None = None  # noqa: N815 - the client's word


class ClaudeHooks:
    """Take a hook event; answer those that must be answered."""

    def __init__(self, door: Door, briefs: Briefs, mail: Mail) -> None:
        self._door = door
        self._briefs = briefs
        self._mail = mail

    @documented(body=HookPayload, answer=HookAnswer, errors=(400, 413, 503), scope="ingest")
    async def on_post(self, req: Request, resp: Response) -> None:
        """Accept a hook event of Claude Code, as it comes.

        It is queued before this is answered. A SessionStart after a compaction is answered with the brief, a
        PreCompact with plain text for the summariser, others with what waits for the session, or nothing.
        Who may not read is answered nothing of what waits, who does not show an agent's credential
        (`X-DCM-Agent-Token`) no message to it. A file that another machine names is not opened here. A relay says when
        it took the event (`DCM-Event-Time`), and of one that nobody waits for its answer (`Prefer: return=minimal`).
        """
        caller: Caller = req.context.caller
        payload, raw = await _told(req, caller)
        now, waits = _moment(req), req.get_header(NO_ANSWER[0]) != NO_ANSWER[1]
        hears = waits and caller.may(READ)
        session_id, name = storable(payload["session_id"]), payload["hook_event_name"]
        access.note(req, session_id=session_id, event=name)
        agent_id = payload.get("agent_id")
        agent_id = storable(agent_id) if isinstance(agent_id, str) else ""
        mailbox = mailbox_key(session_id, agent_id)
        mail = await self._door.take(
            session_id,
            kept_bytes(raw, payload),
            now,
            marks={MARKS[name](session_id): stamp(now)} if name in MARKS else None,
            mailbox=mailbox if name in CARRIERS and hears else None,
            urgent=hears and _is_urgent(name, payload),
        )
        resp.content_type, resp.data = "application/json", NOTHING
        if not waits:
            return
        if begins := hears and name == "SubagentStart" and bool(agent_id):
            mail = await self._door.collect(mailbox)
        if begins or (hears and name in CARRIERS):
            told = await self._letters(mailbox, mail, agent_id or session_id, speaker(req).shown)
            resp.data = _context(name, told) if told else NOTHING
        elif name == "PreCompact":
            resp.content_type, resp.data = "text/plain; charset=utf-8", TO_KEEP.encode()
        elif name == "SessionStart" and payload.get("source") in BRIEFED and hears:
            with figures.BRIEF_WAIT.time():
                brief = await self._brief(session_id, payload, now)
            resp.data = _context(name, brief) if brief else NOTHING

    async def _letters(self, mailbox: str, mail: bytes | None, reader: str, shown: Sequence[bytes]) -> str:
        """What an agent is told: of its own mailbox, and of those that what it shows opens."""
        boxes = {mailbox: mail}
        for box in (proved_mailbox_key(proof, mailbox) for proof in shown):
            boxes[box] = await self._door.emptied(box)
        letters = {box: held for box, held in boxes.items() if held}
        return await self._mail.told(letters, reader, shown) if letters else ""

    async def _brief(self, session_id: str, payload: Mapping[str, Any], now: int) -> str | None:
        if payload["source"] != "compact":
            return await self._briefs.resumed(session_id)
        path = payload.get("transcript_path")
        return await self._briefs.of(
            session_id, datetime.fromtimestamp(now / 1e9, UTC), path if isinstance(path, str) else ""
        )


async def _told(req: Request, caller: Caller) -> tuple[Mapping[str, Any], bytes]:
    """The payload, and as it is kept: without the files that another machine names."""
    raw = await read_body(req)
    payload = check(parse_json(raw))
    if caller.owns_files or PLACES.isdisjoint(payload):
        return payload, raw
    payload = of_elsewhere(payload)
    return payload, _written(payload)


def _written(payload: Mapping[str, Any]) -> bytes:
    try:
        return json.dumps(payload, separators=(",", ":")).encode()
    except RecursionError:
        raise InvalidInput(TOO_DEEP) from None


def _moment(req: Request) -> int:
    """When the event happened, in nanoseconds: now, or when a relay says that it took it."""
    now = time.time_ns()
    told = req.get_header(TIME_HEADER)
    return now if told is None else told_time(told, now)


def _is_urgent(name: str, payload: Mapping[str, Any]) -> bool:
    """Whether it asks for a brief that must hold all of its session: under load that is stored before all else."""
    return name == "PreCompact" or (name == "SessionStart" and payload.get("source") in BRIEFED)


def _context(event: str, text: str) -> bytes:
    """The answer that puts a text into the conversation."""
    return json.dumps({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}).encode()
