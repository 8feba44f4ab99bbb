"""POST /api/hooks/claude: any hook payload of Claude Code, as it comes."""

import json
import time
from datetime import UTC, datetime

from falcon.asgi import Request, Response

from api.bodies import kept_bytes, parse_json, read_body
from api.ingest import Door
from api.restore import Briefs
from dcm.broker import compaction_key
from dcm.domain.briefs import TO_KEEP
from dcm.domain.hook_events import Payload, check
from dcm.domain.streams import stamp

NOTHING = b"{}"
"""The answer to a hook that needs none."""


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
        session_id, name = payload["session_id"], payload["hook_event_name"]
        marks = {compaction_key(session_id): _begun(now)} if name == "PreCompact" else None
        await self._door.take(session_id, kept_bytes(raw, payload), now, marks)
        resp.content_type = "application/json"
        resp.data = NOTHING
        if name == "PreCompact":
            resp.content_type, resp.data = "text/plain; charset=utf-8", TO_KEEP.encode()
        elif name == "SessionStart" and payload.get("source") == "compact":
            resp.data = await self._restored(payload, now)

    async def _restored(self, payload: Payload, now: int) -> bytes:
        brief = await self._briefs.of(payload["session_id"], datetime.fromtimestamp(now / 1e9, UTC))
        if brief is None:
            return NOTHING
        output = {"hookEventName": "SessionStart", "additionalContext": brief}
        return json.dumps({"hookSpecificOutput": output}).encode()


def _begun(now: int) -> bytes:
    return json.dumps({"at": stamp(now).decode()}).encode()
