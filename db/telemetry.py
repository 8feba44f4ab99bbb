"""What OpenTelemetry of Claude Code told; all of it is stored once, however often it is told.

Of a session that was deleted what is of the time before is left out: a cumulative stream that began then, whole.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

from psycopg.rows import class_row
from psycopg.types.json import Jsonb

from db.pool import Conn
from dcm.domain.telemetry import CompactionSize, ModelRequest, UsageSum


@dataclass(frozen=True, slots=True)
class Sum:
    """What the metrics of a session say of one part of one model's use."""

    model: str
    part: str
    value: float


def keep_requests(conn: Conn, requests: Sequence[ModelRequest]) -> None:
    """Store requests to the model."""
    conn.execute(
        """
        INSERT INTO model_requests
        SELECT * FROM jsonb_to_recordset(%(rows)s) AS r (
            session_id text, key text, request_id text, prompt_id text, model text, source text, agent_name text,
            created_at timestamptz, input_tokens bigint, output_tokens bigint, cache_read_tokens bigint,
            cache_creation_tokens bigint, cost double precision, duration_ms bigint, status integer, error text)
        WHERE NOT EXISTS (
            SELECT FROM forgotten_sessions f WHERE f.session_id = r.session_id AND f.forgotten_at >= r.created_at)
        ORDER BY session_id, key
        ON CONFLICT (session_id, key) DO NOTHING
        """,
        {"rows": Jsonb([asdict(request) for request in requests])},
    )


def keep_compactions(conn: Conn, compactions: Sequence[CompactionSize]) -> None:
    """Store how large conversations were before and after their compactions."""
    conn.execute(
        """
        INSERT INTO compaction_sizes
        SELECT * FROM jsonb_to_recordset(%(rows)s) AS r (
            session_id text, key text, created_at timestamptz, trigger text, success boolean, pre_tokens bigint,
            post_tokens bigint, duration_ms bigint, error text)
        WHERE NOT EXISTS (
            SELECT FROM forgotten_sessions f WHERE f.session_id = r.session_id AND f.forgotten_at >= r.created_at)
        ORDER BY session_id, key
        ON CONFLICT (session_id, key) DO NOTHING
        """,
        {"rows": Jsonb([asdict(compaction) for compaction in compactions])},
    )


def keep_sums(conn: Conn, sums: Sequence[UsageSum]) -> None:
    """Store points of metrics; those of a cumulative stream take the place of what it told before."""
    conn.execute(
        """
        INSERT INTO usage_sums AS s
        SELECT DISTINCT ON (session_id, stream, started_at, told_at) *
        FROM jsonb_to_recordset(%(rows)s) AS r (
            session_id text, stream text, started_at timestamptz, told_at timestamptz, model text, source text,
            agent_name text, part text, value double precision)
        WHERE NOT EXISTS (
            SELECT FROM forgotten_sessions f WHERE f.session_id = r.session_id AND f.forgotten_at >= r.told_at)
        ORDER BY session_id, stream, started_at, told_at, value DESC
        ON CONFLICT (session_id, stream, started_at, told_at) DO UPDATE SET value = greatest(s.value, excluded.value)
        """,
        {"rows": Jsonb([asdict(point) for point in sums])},
    )


def sums(conn: Conn, session_id: str) -> list[Sum]:
    """What the metrics of a session add up to."""
    with conn.cursor(row_factory=class_row(Sum)) as cursor:
        return cursor.execute(
            "SELECT model, part, sum(value) AS value FROM usage_sums WHERE session_id = %(session)s GROUP BY 1, 2",
            {"session": session_id},
        ).fetchall()


def failed_requests(conn: Conn, session_id: str) -> int:
    """How many requests of a session failed."""
    row = conn.execute(
        "SELECT count(*) FROM model_requests WHERE session_id = %(session)s AND error IS NOT NULL",
        {"session": session_id},
    ).fetchone()
    return int(row[0]) if row else 0
