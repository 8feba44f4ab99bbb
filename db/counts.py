"""How many rows there are, without counting them: triggers note each change, the clock folds the notes.

`recount` must be called after whatever no statement trigger sees: a partition that is dropped or detached, a
TRUNCATE, a restore with triggers off, and rows written to a partition by its own name.
"""

from dataclasses import dataclass

from psycopg.rows import class_row

from db.pool import Conn

FOLD_LOCK = 0x44434D05
"""One at a time folds or recounts."""


@dataclass(frozen=True, slots=True)
class Count:
    """Rows of one table that share a part (agent type, topic) and a state (status, read or unread)."""

    part: str
    state: str
    value: int


def of(conn: Conn, *names: str) -> dict[str, int]:
    """{name: rows} of `projects`, `requests`, `subtasks`, `actions`, `agent_messages`, `agent_contexts`, `sessions`.

    Those in a state as `subtasks.running`, `sessions.active`, `requests.completed`, `agent_messages.unread`,
    `agent_contexts.running`. `keyword_tool_scores` and `keywords` (distinct ones); `tools_used`, `tools_success`
    and `tools_errors` are the sums over all sessions.
    """
    rows = conn.execute(
        """
        SELECT n.name, coalesce(sum(c.value), 0)::bigint
        FROM unnest(%(names)b::text[]) AS n (name)
        LEFT JOIN (
            SELECT what, state, value FROM counts_now WHERE what = ANY(%(tables)s)
            UNION ALL
            SELECT 'keyword_tool_scores', '', sum(pairs) FROM tool_scores_now
            WHERE 'keyword_tool_scores' = ANY(%(tables)s)
            UNION ALL
            SELECT 'keywords', '', sum(CASE WHEN coalesce(k.pairs, 0) = 0 THEN (p.pairs > 0)::int
                                            ELSE -(k.pairs + p.pairs = 0)::int END)
            FROM (SELECT keyword, sum(pairs) AS pairs FROM keyword_changes GROUP BY 1) AS p
            LEFT JOIN keywords k ON k.keyword = p.keyword
            WHERE 'keywords' = ANY(%(tables)s)
        ) AS c ON c.what = split_part(n.name, '.', 1)
              AND (c.state = split_part(n.name, '.', 2) OR strpos(n.name, '.') = 0)
        GROUP BY n.name
        """,
        {"names": list(names), "tables": [name.partition(".")[0] for name in names]},
    ).fetchall()
    return {row[0]: row[1] for row in rows}


def split(conn: Conn, name: str) -> list[Count]:
    """The rows of a table by part and state, the most first."""
    with conn.cursor(row_factory=class_row(Count)) as cursor:
        return cursor.execute(
            """
            SELECT part, state, value FROM counts_now WHERE what = %(name)s ORDER BY value DESC, part, state
            """,
            {"name": name},
        ).fetchall()


def of_tools(conn: Conn, tool_type: str | None, tool_name: str | None) -> int:
    """How many actions are of this type and name, of any where None is given."""
    row = conn.execute(
        """
        SELECT coalesce(sum(total), 0)::bigint
        FROM (SELECT tool_type, tool_name, total FROM action_hours
              UNION ALL SELECT tool_type, tool_name, total FROM action_changes) AS both_of_them
        WHERE (%(tool_type)s::text IS NULL OR tool_type = %(tool_type)s)
          AND (%(tool_name)s::text IS NULL OR tool_name = %(tool_name)s)
        """,
        {"tool_type": tool_type, "tool_name": tool_name},
    ).fetchone()
    return int(row[0]) if row else 0


def fold(conn: Conn) -> None:
    """Add what triggers have noted to the figures; does nothing while another one folds."""
    with conn.transaction():
        row = conn.execute("SELECT pg_try_advisory_xact_lock(%s)", [FOLD_LOCK]).fetchone()
        if row and row[0]:
            _fold_counts(conn)
            _fold_actions(conn)
            _fold_scores(conn)
            _fold_keywords(conn)


def recount(conn: Conn) -> None:
    """Set every figure to what the tables hold; takes seconds with a million rows, and stops no writer."""
    conn.execute("SELECT pg_advisory_lock(%s)", [FOLD_LOCK])
    try:
        with conn.transaction():
            conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
            conn.execute("SELECT recount()")
    finally:
        conn.execute("SELECT pg_advisory_unlock(%s)", [FOLD_LOCK])


def _fold_counts(conn: Conn) -> None:
    conn.execute(
        """
        WITH gone AS (DELETE FROM count_changes RETURNING *)
        INSERT INTO counts AS c SELECT what, part, state, sum(value) FROM gone GROUP BY 1, 2, 3 HAVING sum(value) <> 0
        ON CONFLICT (what, part, state) DO UPDATE SET value = c.value + excluded.value
        """
    )
    conn.execute("DELETE FROM counts WHERE value = 0")


def _fold_actions(conn: Conn) -> None:
    """Fold hours and sessions; a session that lost actions has its latest looked up, as no sum can tell it.

    OFFSET 0 has it looked for among the session's own: without it Postgres may go through all by their time.
    """
    conn.execute(
        """
        WITH gone AS MATERIALIZED (DELETE FROM action_changes RETURNING *), hours AS (
            INSERT INTO action_hours AS h
            SELECT hour, tool_name, tool_type, sum(total), sum(success), sum(duration_ms), sum(timed)
            FROM gone GROUP BY 1, 2, 3
            ON CONFLICT (hour, tool_name, tool_type) DO UPDATE SET
                total = h.total + excluded.total, success = h.success + excluded.success,
                duration_ms = h.duration_ms + excluded.duration_ms, timed = h.timed + excluded.timed
        )
        INSERT INTO session_actions AS s
        SELECT g.session_id, sum(g.total), sum(g.success), sum(g.duration_ms), sum(g.timed),
               CASE WHEN min(g.total) > 0 THEN greatest(max(g.last_at), max(known.last_at))
                    ELSE coalesce((SELECT max(own.created_at) FROM (
                                       SELECT a.created_at FROM actions a WHERE a.session_id = g.session_id OFFSET 0
                                   ) AS own), '-infinity') END
        FROM gone g LEFT JOIN session_actions known ON known.session_id = g.session_id
        WHERE g.session_id IS NOT NULL GROUP BY g.session_id
        ON CONFLICT (session_id) DO UPDATE SET
            total = s.total + excluded.total, success = s.success + excluded.success,
            duration_ms = s.duration_ms + excluded.duration_ms, timed = s.timed + excluded.timed,
            last_at = excluded.last_at
        """
    )
    conn.execute("DELETE FROM session_actions WHERE last_at = '-infinity'")


def _fold_scores(conn: Conn) -> None:
    conn.execute(
        """
        WITH gone AS (DELETE FROM tool_score_changes RETURNING *)
        INSERT INTO tool_scores AS t
        SELECT tool_name, tool_type, sum(pairs), sum(score), sum(usage) FROM gone GROUP BY 1, 2
        ON CONFLICT (tool_name, tool_type) DO UPDATE SET
            pairs = t.pairs + excluded.pairs, score = t.score + excluded.score, usage = t.usage + excluded.usage
        """
    )


def _fold_keywords(conn: Conn) -> None:
    """Fold the keywords, and count those that came and those that went for good."""
    conn.execute(
        """
        WITH gone AS (DELETE FROM keyword_changes RETURNING *), moved AS MATERIALIZED (
            SELECT g.keyword, coalesce(k.pairs, 0) AS was, coalesce(k.pairs, 0) + g.pairs AS pairs
            FROM (SELECT keyword, sum(pairs) AS pairs FROM gone GROUP BY 1) AS g
            LEFT JOIN keywords k ON k.keyword = g.keyword
        ), folded AS (
            INSERT INTO keywords (keyword, pairs) SELECT keyword, pairs FROM moved
            ON CONFLICT (keyword) DO UPDATE SET pairs = excluded.pairs
        )
        INSERT INTO counts AS c (what, value)
        SELECT 'keywords', sum((pairs > 0)::int - (was > 0)::int) FROM moved HAVING count(*) > 0
        ON CONFLICT (what, part, state) DO UPDATE SET value = c.value + excluded.value
        """
    )
