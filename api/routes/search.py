"""GET /api/search: prompts, results, messages, file names and commands by their words."""

import json
from typing import Any, Literal
from uuid import UUID

from api.database import Database
from api.fields import Answer, Instant, Offset, Query, Text, UpTo100, Words
from api.operations import operation
from api.speaking import Speaker
from db import search
from db.search import Hit
from dcm.domain.actions import unpacked
from dcm.domain.search import snippet, tsquery
from dcm.domain.tools import values_text


class SearchFilter(Query):
    """What to search for, and where. `project` is a path.

    Every word of `q` must stand there; the last may be the beginning of one.
    """

    q: Words
    kind: Literal["prompt", "result", "message", "action"] | None = None
    project_id: UUID | None = None
    project: Text | None = None
    session_id: Text | None = None
    since: Instant | None = None
    until: Instant | None = None
    limit: UpTo100 = 20
    offset: Offset = 0


class Found(Answer):
    """Something that was found; `marks` are the (start, end) of the words in the snippet."""

    kind: Literal["prompt", "result", "message", "action"]
    id: UUID
    session_id: str | None
    project_name: str | None
    at: Instant
    rank: float
    snippet: str
    marks: list[tuple[int, int]]


class SearchResults(Answer):
    """What was found, best first; `count` is how many are on this page."""

    query: str
    results: list[Found]
    count: int
    limit: int
    offset: int


class Search:
    """/api/search"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=SearchResults)
    async def on_get(self, query: SearchFilter, speaker: Speaker) -> dict[str, Any]:
        """Search prompts, subagents' results, messages and tool calls by their words.

        Messages to an agent with a credential are found by who shows it alone.
        """
        wanted = tsquery(query.q)
        where = query.model_dump(exclude={"q"})
        hits = await self._database.read(lambda conn: search.find(conn, wanted, **where, shown=speaker.shown))
        results = [_found(hit, query.q) for hit in hits]
        return {"query": query.q, "results": results, "count": len(results), "limit": query.limit,
                "offset": query.offset}  # fmt: skip


def _found(hit: Hit, query: str) -> dict[str, Any]:
    shown = snippet(f"{hit.text} {_asked(hit.input)}", query)
    return {
        "kind": hit.kind,
        "id": hit.ref,
        "session_id": hit.session_id,
        "project_name": hit.project_name,
        "at": hit.at,
        "rank": round(hit.rank, 4),
        "snippet": shown.text,
        "marks": shown.marks,
    }


def _asked(stored: bytes | None) -> str:
    """What a tool call was given, without the names of its fields."""
    text = unpacked(stored)
    try:
        return values_text(json.loads(text))
    except ValueError:
        return text
