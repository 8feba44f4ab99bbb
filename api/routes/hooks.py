"""POST /api/hooks/claude: any hook payload of Claude Code, as it comes."""

import json
import time
from datetime import UTC, datetime

from falcon.asgi import Request, Response

from api.bodies import kept_bytes, parse_json, read_body, storable
from api.ingest import Door
from api.restore import Briefs
from dcm.broker import compaction_key, mailbox_key
from dcm.domain.briefs import TO_KEEP
from dcm.domain.hook_events import check
from dcm.domain.streams import stamp

NOTHING = b"{}"
"""The answer to a hook that needs none."""


CARRIERS = frozenset({"UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"})
"""Events whose answer reaches the model: with the main conversation's next one its mail is delivered."""


class ClaudeHooks:
    """Take a hook event; answer those that must be answered."""

    def __init__(self, door: Door, briefs: Briefs) -> None:
        self._door = door
        self._briefs = briefs

    async def on_post(self, req: Request, resp: Response) -> None:
        """Validate, append to the stream, answer."""
        raw = await read_body(req)
        payload = check(parse_json(raw))
        now = time.time_ns()
        session_id, name = storable(payload["session_id"]), payload["hook_event_name"]
        mail = await self._door.take(
            session_id,
            kept_bytes(raw, payload),
            now,
            marks={compaction_key(session_id): stamp(now)} if name == "PreCompact" else None,
            mailbox=mailbox_key(session_id) if name in CARRIERS and not payload.get("agent_id") else None,
        )
        resp.content_type, resp.data = "application/json", NOTHING
        if mail:
            resp.data = _context(name, mail.decode())
        elif name == "PreCompact":
            resp.content_type, resp.data = "text/plain; charset=utf-8", TO_KEEP.encode()
        elif name == "SessionStart" and payload.get("source") == "compact":
            brief = await self._briefs.of(session_id, datetime.fromtimestamp(now / 1e9, UTC))
            resp.data = _context(name, brief) if brief else NOTHING


def _context(event: str, text: str) -> bytes:
    """The answer that puts a text into the conversation."""
    return json.dumps({"hookSpecificOutput": {"hookEventName": event, "additionalContext": text}}).encode()
