"""The tokens that answers took, and how large conversations are."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg.rows import class_row

from db.pool import Conn
from dcm.domain.usage import ContextUse, MessageUse


@dataclass(frozen=True, slots=True)
class ModelUse:
    """What a session's answers of one model took."""

    model: str
    messages: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int


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
                                        cache_creation_1h_tokens)
        SELECT * FROM unnest(%(messages)b::text[], %(sessions)b::text[], %(agents)b::text[], %(models)b::text[],
                             %(times)b::timestamptz[], %(input)b::bigint[], %(output)b::bigint[], %(read)b::bigint[],
                             %(creation)b::bigint[], %(hour)b::bigint[])
        ON CONFLICT (message_id) DO UPDATE SET
            input_tokens = greatest(u.input_tokens, excluded.input_tokens),
            output_tokens = greatest(u.output_tokens, excluded.output_tokens),
            cache_read_tokens = greatest(u.cache_read_tokens, excluded.cache_read_tokens),
            cache_creation_tokens = greatest(u.cache_creation_tokens, excluded.cache_creation_tokens),
            cache_creation_1h_tokens = greatest(u.cache_creation_1h_tokens, excluded.cache_creation_1h_tokens)
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
        VALUES (%(session)s, %(tokens)s, %(model)s, %(at)s)
        ON CONFLICT (session_id) DO UPDATE SET
            tokens = excluded.tokens, told_at = excluded.told_at,
            model = CASE WHEN excluded.model = '' THEN c.model ELSE excluded.model END
            WHERE excluded.told_at >= c.told_at
        """,
        {"session": found.session_id, "tokens": found.tokens, "model": found.model, "at": found.at},
    )


def of_session(conn: Conn, session_id: str) -> list[ModelUse]:
    """What a session's answers took, its subagents' included, the model with most tokens first."""
    with conn.cursor(row_factory=class_row(ModelUse)) as cursor:
        return cursor.execute(
            """
            SELECT model, count(*) AS messages, sum(input_tokens)::bigint AS input_tokens,
                   sum(output_tokens)::bigint AS output_tokens, sum(cache_read_tokens)::bigint AS cache_read_tokens,
                   sum(cache_creation_tokens)::bigint AS cache_creation_tokens,
                   sum(cache_creation_1h_tokens)::bigint AS cache_creation_1h_tokens
            FROM message_usage WHERE session_id = %(session)s
            GROUP BY model
            ORDER BY sum(input_tokens + output_tokens + cache_read_tokens + cache_creation_tokens) DESC, model
            """,
            {"session": session_id},
        ).fetchall()


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
