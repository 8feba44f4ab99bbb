"""Keyword scores: which tool a word leads to."""

from collections.abc import Sequence

from db.columns import columns
from db.pool import Conn
from dcm.domain.scores import Score

WRITER_LOCK = 0x44434D03
"""One writer at a time: an UPDATE ... FROM locks its rows in no order, so two could deadlock."""


def apply(conn: Conn, scores: Sequence[Score]) -> None:
    """Move the scores of a batch: known pairs by their clamped delta, unknown ones start at their first score."""
    if not scores:
        return
    conn.execute("SELECT pg_advisory_xact_lock(%s)", [WRITER_LOCK])
    conn.execute(
        """
        WITH e AS MATERIALIZED (
            SELECT * FROM unnest(%(keyword)s::text[], %(tool_name)s::text[], %(tool_type)s::text[],
                                 %(delta)s::real[], %(low)s::real[], %(high)s::real[], %(first)s::real[],
                                 %(uses)s::int[], %(successes)s::int[])
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
