"""The tokens that answers took, and how large conversations are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.costs import Answered
from dcm.domain.usage import ContextUse, MessageUse


@dataclass(frozen=True, slots=True)
class Context:
    """How large a session's main conversation was; `told_model` is what its start said: it names the window."""

    tokens: int | None
    model: str
    told_at: datetime
    told_model: str | None


def keep(conn: Conn, uses: Sequence[MessageUse]) -> None:
    """Count answers, one use a message; what was told of one before only grows, and stays with its session."""
    if not uses:
        return
    conn.execute(
        """
        INSERT INTO message_usage AS u (message_id, session_id, agent_id, model, created_at, input_tokens,
                                        output_tokens, cache_read_tokens, cache_creation_tokens,
                                        cache_creation_1h_tokens, request_id)
        SELECT * FROM unnest(%(messages)b::text[], %(sessions)b::text[], %(agents)b::text[], %(models)b::text[],
                             %(times)b::timestamptz[], %(input)b::bigint[], %(output)b::bigint[], %(read)b::bigint[],
                             %(creation)b::bigint[], %(hour)b::bigint[], %(requests)b::text[])
                 AS e (message, session, agent, model, at)
        WHERE NOT EXISTS (
            SELECT FROM forgotten_sessions f WHERE f.session_id = e.session AND f.forgotten_at >= e.at)
        ON CONFLICT (message_id) DO UPDATE SET
            input_tokens = greatest(u.input_tokens, excluded.input_tokens),
            output_tokens = greatest(u.output_tokens, excluded.output_tokens),
            cache_read_tokens = greatest(u.cache_read_tokens, excluded.cache_read_tokens),
            cache_creation_tokens = greatest(u.cache_creation_tokens, excluded.cache_creation_tokens),
            cache_creation_1h_tokens = greatest(u.cache_creation_1h_tokens, excluded.cache_creation_1h_tokens),
            request_id = coalesce(u.request_id, excluded.request_id)
            WHERE u.session_id = excluded.session_id
        """,
        {
            "messages": [use.message_id for use in uses],
            "sessions": [use.session_id for use in uses],
            "agents": [use.agent_id for use in uses],
            "models": [use.model for use in uses],
            "times": [use.at for use in uses],
            "input": [use.tokens.input for use in uses],
            "output": [use.tokens.output for use in uses],
            "read": [use.tokens.cache_read for use in uses],
            "creation": [use.tokens.cache_creation for use in uses],
            "hour": [use.tokens.cache_creation_1h for use in uses],
            "requests": [use.request_id for use in uses],
        },
    )


def elsewhere(conn: Conn, session_id: str, message_ids: Collection[str]) -> set[str]:
    """Those of the answers that another session told."""
    rows = conn.execute(
        "SELECT message_id FROM message_usage WHERE message_id = ANY(%(ids)b) AND session_id <> %(session)s",
        {"ids": list(message_ids), "session": session_id},
    ).fetchall()
    return {row[0] for row in rows}


def keep_context(conn: Conn, found: ContextUse) -> None:
    """Keep how large a conversation is, unless something newer is known."""
    conn.execute(
        """
        INSERT INTO context_usage AS c (session_id, tokens, model, told_at)
        SELECT %(session)s, %(tokens)s::bigint, %(model)s, %(at)s::timestamptz
        WHERE NOT EXISTS (
            SELECT FROM forgotten_sessions f WHERE f.session_id = %(session)s AND f.forgotten_at >= %(at)s)
        ON CONFLICT (session_id) DO UPDATE SET
            tokens = excluded.tokens, told_at = excluded.told_at,
            model = CASE WHEN excluded.model = '' THEN c.model ELSE excluded.model END
            WHERE excluded.told_at >= c.told_at
        """,
        {"session": found.session_id, "tokens": found.tokens, "model": found.model, "at": found.at},
    )


def of_session(conn: Conn, session_id: str) -> list[Answered]:
    """What the answers of a session took, by model and by who asked, its subagents' included.

    Transcripts and telemetry tell the same answers: those of one request id are one, and where the transcript has no
    id, those of the same numbers. Each counts once, with the most that either tells; telemetry knows the cost, and
    whose session it was.
    """
    with conn.cursor(row_factory=class_row(Answered)) as cursor:
        return cursor.execute(_OF_SESSION, {"session": session_id}).fetchall()


_OF_SESSION = """
    WITH told AS (
        SELECT *, row_number() OVER (
            PARTITION BY request_id IS NULL, input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens
            ORDER BY created_at, message_id) AS n
        FROM message_usage u
        WHERE session_id = %(session)s AND NOT EXISTS (
            SELECT FROM model_requests r
            WHERE r.request_id = u.request_id AND r.session_id <> u.session_id AND r.error IS NULL)
    ), asked AS (
        SELECT * FROM model_requests WHERE session_id = %(session)s AND error IS NULL
    ), named AS (
        SELECT DISTINCT ON (key) message_id, key FROM told JOIN asked USING (request_id) ORDER BY key, message_id
    ), nameless AS (
        SELECT *, row_number() OVER (
            PARTITION BY input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens
            ORDER BY created_at, key) AS n
        FROM asked WHERE key NOT IN (SELECT key FROM named)
    ), pairs AS (
        SELECT message_id, key FROM named
        UNION ALL
        SELECT t.message_id, a.key
        FROM told t JOIN nameless a USING (input_tokens, output_tokens, cache_read_tokens, cache_creation_tokens, n)
        WHERE t.request_id IS NULL
    )
    SELECT coalesce(t.model, a.model) AS model, coalesce(t.agent_id, '') AS agent_id,
           coalesce(a.agent_name, '') AS agent_name, coalesce(a.source, '') AS source,
           a.cost IS NOT NULL AS told, count(*) AS messages,
           sum(greatest(t.input_tokens, a.input_tokens))::bigint AS input_tokens,
           sum(greatest(t.output_tokens, a.output_tokens))::bigint AS output_tokens,
           sum(greatest(t.cache_read_tokens, a.cache_read_tokens))::bigint AS cache_read_tokens,
           sum(greatest(t.cache_creation_tokens, a.cache_creation_tokens))::bigint AS cache_creation_tokens,
           coalesce(sum(t.cache_creation_1h_tokens), 0)::bigint AS cache_creation_1h_tokens,
           coalesce(sum(a.cost), 0) AS cost
    FROM told t FULL JOIN pairs p USING (message_id) FULL JOIN asked a USING (key)
    GROUP BY 1, 2, 3, 4, 5
    ORDER BY 1, 2, 3, 4, 5
"""


def context(conn: Conn, session_id: str) -> Context | None:
    """How large a session's main conversation is, None where no transcript told it."""
    with conn.cursor(row_factory=class_row(Context)) as cursor:
        return cursor.execute(
            """
            SELECT c.tokens, c.model, c.told_at, s.model AS told_model
            FROM context_usage c LEFT JOIN sessions s ON s.id = c.session_id
            WHERE c.session_id = %(session)s
            """,
            {"session": session_id},
        ).fetchone()
