"""Keyword scores: which tool a word leads to."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from psycopg.rows import class_row, dict_row

from db import counts
from db.columns import columns
from db.pool import Conn
from dcm.domain.scores import CHOSEN, HIGHEST, LOWEST, PASSED_OVER, Score

WRITER_LOCK = 0x44434D03
"""One writer at a time: an UPDATE ... FROM locks its rows in no order, so two could deadlock."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tool that words lead to. `score` is the mean over the words that matched, `success_rate` a percentage."""

    tool_name: str
    tool_type: str
    score: float
    usage_count: int
    success_rate: int
    keyword_matches: list[str]


def apply(conn: Conn, scores: Sequence[Score]) -> None:
    """Move the scores of a batch: known pairs by their clamped delta, unknown ones start at their first score."""
    if not scores:
        return
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER_LOCK])
    conn.execute(
        """
        WITH e AS MATERIALIZED (
            SELECT * FROM unnest(%(keyword)b::text[], %(tool_name)b::text[], %(tool_type)b::text[],
                                 %(delta)b::real[], %(low)b::real[], %(high)b::real[], %(first)b::real[],
                                 %(uses)b::int[], %(successes)b::int[])
                AS e (keyword, tool_name, tool_type, delta, low, high, first, uses, successes)
        ), moved AS (
            UPDATE keyword_tool_scores AS k SET
                score = least(e.high, greatest(e.low, k.score + e.delta)),
                usage_count = k.usage_count + e.uses,
                success_count = k.success_count + e.successes,
                last_used = now()
            FROM e WHERE k.keyword = e.keyword AND k.tool_name = e.tool_name
            RETURNING k.keyword, k.tool_name
        )
        INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, score, usage_count, success_count)
        SELECT keyword, tool_name, tool_type, first, uses, successes FROM e
        WHERE NOT EXISTS (SELECT FROM moved m WHERE m.keyword = e.keyword AND m.tool_name = e.tool_name)
        """,
        columns(scores),
    )


def feedback(conn: Conn, tool_name: str, keywords: Sequence[str], chosen: bool) -> int:
    """Move the scores of a tool that was suggested for words (contract, section 6.3); returns how many pairs exist."""
    with conn.transaction():
        conn.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER_LOCK])
        return conn.execute(
            """
            UPDATE keyword_tool_scores
            SET score = least(%(high)s::real, greatest(%(low)s::real, score + %(step)s::real)), last_used = now()
            WHERE tool_name = %(tool)s AND keyword = ANY(%(keywords)s)
            """,
            {
                "tool": tool_name,
                "keywords": [keyword.lower() for keyword in keywords],
                "step": CHOSEN if chosen else PASSED_OVER,
                "low": LOWEST,
                "high": HIGHEST,
            },
        ).rowcount


def suggest(
    conn: Conn,
    keywords: Sequence[str],
    *,
    tool_type: str | None = None,
    exclude_types: Sequence[str] = (),
    min_score: float = 0.5,
    limit: int = 10,
) -> list[Suggestion]:
    """The tools these words lead to, best first (contract, section 6.4). A `tool_type` makes `exclude_types` moot."""
    with conn.cursor(row_factory=class_row(Suggestion)) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, tool_type, round(avg(score::float8)::numeric, 3)::float8 AS score,
                   sum(usage_count)::bigint AS usage_count,
                   coalesce(round(100.0 * sum(success_count) / nullif(sum(usage_count), 0)), 0)::int AS success_rate,
                   array_agg(DISTINCT keyword ORDER BY keyword) AS keyword_matches
            FROM keyword_tool_scores
            WHERE keyword = ANY(%(keywords)s) AND score >= %(min_score)s::real
              AND CASE WHEN %(tool_type)s::text IS NULL THEN tool_type <> ALL(%(exclude_types)s)
                       ELSE tool_type = %(tool_type)s END
            GROUP BY tool_name, tool_type
            ORDER BY count(DISTINCT keyword) DESC, avg(score::float8) DESC, sum(usage_count) DESC, tool_name
            LIMIT %(limit)s
            """,
            {
                "keywords": list(keywords),
                "tool_type": tool_type,
                "exclude_types": list(exclude_types),
                "min_score": min_score,
                "limit": limit,
            },
        ).fetchall()


def statistics(conn: Conn) -> dict[str, Any]:
    """The blocks of GET /api/routing/stats (contract, section 3.8): totals, the best tools, their types."""
    found = counts.of(conn, "keyword_tool_scores", "keywords")
    with conn.cursor(row_factory=dict_row) as cursor:
        means = cursor.execute(
            """
            SELECT count(DISTINCT tool_name) AS unique_tools,
                   coalesce(round((sum(score) / sum(pairs))::numeric, 3), 0)::float8 AS avg_score,
                   coalesce(round(sum(usage) / sum(pairs), 1), 0)::float8 AS avg_usage
            FROM tool_scores_now
            """
        ).fetchone()
    return {
        "totals": {
            "total_records": found["keyword_tool_scores"],
            "unique_keywords": found["keywords"],
            **(means or {}),
        },
        "top_by_score": _top_by_score(conn),
        "top_by_usage": _top_by_usage(conn),
        "type_distribution": _types(conn),
    }


def _top_by_score(conn: Conn) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, tool_type, round((score / pairs)::numeric, 3)::float8 AS avg_score
            FROM tool_scores_now ORDER BY score / pairs DESC, tool_name, tool_type LIMIT 10
            """
        ).fetchall()


def _top_by_usage(conn: Conn) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, tool_type, usage AS total_usage
            FROM tool_scores_now ORDER BY usage DESC, tool_name, tool_type LIMIT 10
            """
        ).fetchall()


def _types(conn: Conn) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_type, count(DISTINCT tool_name) AS tool_count
            FROM tool_scores_now GROUP BY 1 ORDER BY 2 DESC, 1
            """
        ).fetchall()
