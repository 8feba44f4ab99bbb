"""GET /api/compact/briefs/{session_id}: the briefs of a session's compactions beside what the client wrote of them."""

from typing import Any, Literal

from api.database import Database
from api.fields import Answer, Instant, Query, UpTo100
from api.operations import operation
from db import briefs
from dcm.domain.briefs.difference import only_in


class BriefsAsked(Query):
    """How many, the newest first."""

    limit: UpTo100 = 10


class Difference(Answer):
    """Lines that one of the two texts has and the other does not."""

    only_in_brief: list[str]
    only_in_summary: list[str]


class BriefShown(Answer):
    """A brief, what and whom it was made for, and the client's summary of that compaction where it was told.

    `trigger` is auto or manual for a compaction; else it is proactive, resume, restore or save. `pre_tokens`,
    `post_tokens` and `duration_ms` of the compaction are what the client's telemetry told, null without it.
    """

    id: str
    trigger: str
    subject: Literal["main", "subagent", "unknown"]
    made_for: Instant
    given_at: Instant | None
    settled_at: Instant | None
    brief: str
    summary: str | None
    pre_tokens: int | None
    post_tokens: int | None
    duration_ms: int | None
    difference: Difference | None


class BriefsShown(Answer):
    """The newest briefs of a session; `count` is how many are here."""

    session_id: str
    briefs: list[BriefShown]
    count: int


class CompactBriefs:
    """/api/compact/briefs/{session_id}"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=BriefsShown)
    async def on_get(self, session_id: str, query: BriefsAsked) -> dict[str, Any]:
        """What was made of a session for each of its compactions, with the client's summary and the difference."""
        found = await self._database.read(lambda conn: briefs.page(conn, session_id, query.limit))
        shown = [row | {"difference": _difference(row["brief"], row["summary"])} for row in found]
        return {"session_id": session_id, "briefs": shown, "count": len(shown)}


def _difference(brief: str, summary: str | None) -> dict[str, list[str]] | None:
    if summary is None:
        return None
    return {"only_in_brief": only_in(brief, summary), "only_in_summary": only_in(summary, brief)}
