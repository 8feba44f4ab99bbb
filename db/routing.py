"""Which tools keywords lead to (contract, sections 3.8, 6.3 and 6.4)."""

from collections.abc import Sequence
from typing import Any

from psycopg.rows import dict_row

from db.pool import Conn

Row = dict[str, Any]


def suggest(
    conn: Conn,
    keywords: Sequence[str],
    *,
    tool_type: str | None,
    exclude_types: Sequence[str],
    min_score: float,
    limit: int,
) -> list[Row]:
    """The tools these keywords lead to, those that most of them name first."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, tool_type, round(avg(score)::numeric, 3)::float8 AS score,
                   sum(usage_count) AS usage_count,
                   coalesce(round(100.0 * sum(success_count) / nullif(sum(usage_count), 0)), 0)::int AS success_rate,
                   array_agg(DISTINCT keyword ORDER BY keyword) AS keyword_matches
            FROM keyword_tool_scores
            WHERE keyword = ANY(%(keywords)s) AND score >= %(min_score)s
              AND (%(tool_type)s::text IS NULL OR tool_type = %(tool_type)s)
              AND NOT tool_type = ANY(%(exclude)s)
            GROUP BY tool_name, tool_type
            ORDER BY count(DISTINCT keyword) DESC, avg(score) DESC, sum(usage_count) DESC, tool_name
            LIMIT %(limit)s
            """,
            {"keywords": list(keywords), "tool_type": tool_type, "exclude": list(exclude_types),
             "min_score": min_score, "limit": limit},
        ).fetchall()  # fmt: skip


def feedback(conn: Conn, tool_name: str, keywords: Sequence[str], adjustment: float) -> int:
    """Move the scores of the pairs that are known; how many those are."""
    return conn.execute(
        """
        UPDATE keyword_tool_scores SET score = least(5.0, greatest(0.1, score + %(adjustment)s)), last_used = now()
        WHERE tool_name = %(tool)s AND keyword = ANY(%(keywords)s)
        """,
        {"tool": tool_name, "keywords": list(keywords), "adjustment": adjustment},
    ).rowcount


def totals(conn: Conn) -> Row:
    """Figures over all pairs."""
    with conn.cursor(row_factory=dict_row) as cursor:
        found = cursor.execute(
            """
            SELECT count(*) AS total_records, count(DISTINCT keyword) AS unique_keywords,
                   count(DISTINCT tool_name) AS unique_tools,
                   coalesce(round(avg(score)::numeric, 3), 0)::float8 AS avg_score,
                   coalesce(round(avg(usage_count), 1), 0)::float8 AS avg_usage
            FROM keyword_tool_scores
            """
        ).fetchone()
    return found or {}


def top_by_score(conn: Conn) -> list[Row]:
    """The ten tools with the best scores."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, tool_type, round(avg(score)::numeric, 3)::float8 AS avg_score FROM keyword_tool_scores
            GROUP BY tool_name, tool_type ORDER BY avg(score) DESC, tool_name LIMIT 10
            """
        ).fetchall()


def top_by_usage(conn: Conn) -> list[Row]:
    """The ten tools that were used most."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_name, tool_type, sum(usage_count) AS total_usage FROM keyword_tool_scores
            GROUP BY tool_name, tool_type ORDER BY total_usage DESC, tool_name LIMIT 10
            """
        ).fetchall()


def types(conn: Conn) -> list[Row]:
    """How many tools each type has."""
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute(
            """
            SELECT tool_type, count(DISTINCT tool_name) AS tool_count FROM keyword_tool_scores
            GROUP BY tool_type ORDER BY tool_count DESC, tool_type
            """
        ).fetchall()
