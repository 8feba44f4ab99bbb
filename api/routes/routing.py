"""Routing: which tools the words of a task lead to (contract, section 3.8)."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import Field

from api.database import Database
from api.fields import Answer, Body, Name, Query, Text, UpTo50, Words
from api.operations import operation
from db import scores
from dcm.domain.errors import InvalidInput
from dcm.domain.scores import CHOSEN, PASSED_OVER


class SuggestionAsked(Query):
    """The words of a task, by commas; `exclude_types`, by commas, counts when no `tool_type` is given."""

    keywords: Words
    limit: UpTo50 = 10
    min_score: float = 0.5
    tool_type: Text | None = None
    exclude_types: Text | None = None


class Suggestion(Answer):
    """A tool the words lead to; `success_rate` in percent."""

    tool_name: str
    tool_type: str
    score: float
    usage_count: int
    success_rate: int
    keyword_matches: list[str]


class Suggestions(Answer):
    """The tools the words lead to, best first; `compat_output` has `name|type|score` a line."""

    keywords: list[str]
    suggestions: list[Suggestion]
    count: int
    compat_output: str


class RoutingTotals(Answer):
    """Figures over all pairs of keyword and tool."""

    total_records: int
    unique_keywords: int
    unique_tools: int
    avg_score: float
    avg_usage: float


class ToolScore(Answer):
    """The mean score of a tool."""

    tool_name: str
    tool_type: str
    avg_score: float


class ToolUsage(Answer):
    """How often a tool was used."""

    tool_name: str
    tool_type: str
    total_usage: int


class TypeCount(Answer):
    """How many tools a type has."""

    tool_type: str
    tool_count: int


class RoutingStats(Answer):
    """What the scores say."""

    totals: RoutingTotals
    top_by_score: list[ToolScore]
    top_by_usage: list[ToolUsage]
    type_distribution: list[TypeCount]


class Feedback(Body):
    """Whether a tool that was suggested was the right one."""

    tool_name: Name
    keywords: Annotated[list[Name], Field(min_length=1, max_length=100)]
    chosen: bool = False


class FeedbackTaken(Answer):
    """What the feedback did."""

    success: Literal[True]
    message: str
    adjustment: float


def _listed(text: str | None) -> list[str]:
    return [word for part in (text or "").split(",") if (word := part.strip().lower())]


class Suggest:
    """/api/routing/suggest"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=Suggestions)
    async def on_get(self, query: SuggestionAsked) -> dict[str, Any]:
        """The tools the words of a task lead to."""
        keywords = _listed(query.keywords)
        if not keywords:
            raise InvalidInput("Invalid query parameters", {"keywords": ["give at least one keyword"]})
        found = await self._database.read(
            lambda conn: scores.suggest(
                conn,
                keywords,
                tool_type=query.tool_type,
                exclude_types=[] if query.tool_type else _listed(query.exclude_types),
                min_score=query.min_score,
                limit=query.limit,
            )
        )
        lines = "\n".join(f"{tool.tool_name}|{tool.tool_type}|{tool.score}" for tool in found)
        return {
            "keywords": keywords,
            "suggestions": [asdict(tool) for tool in found],
            "count": len(found),
            "compat_output": lines,
        }


class RoutingStatistics:
    """/api/routing/stats"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=RoutingStats)
    async def on_get(self) -> dict[str, Any]:
        """What the scores say."""
        return await self._database.read(scores.statistics)


class RoutingFeedback:
    """/api/routing/feedback"""

    def __init__(self, database: Database) -> None:
        self._database = database

    @operation(answer=FeedbackTaken)
    async def on_post(self, body: Feedback) -> dict[str, Any]:
        """Say whether a suggestion was right: its known pairs move by 0.2 up or 0.1 down."""
        keywords = sorted({word.lower() for word in body.keywords})
        adjustment = CHOSEN if body.chosen else PASSED_OVER
        known = await self._database.write(lambda conn: scores.feedback(conn, body.tool_name, keywords, body.chosen))
        said = f"Feedback recorded for {len(keywords)} keywords and {body.tool_name}; {known} pairs are known and moved"
        return {"success": True, "message": said, "adjustment": adjustment}
