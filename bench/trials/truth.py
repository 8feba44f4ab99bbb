"""What the stores hold, beside what was promised."""

import contextlib
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from typing import Any, cast

import redis

from db.pool import Conn
from dcm import dead_messages
from dcm.broker import stream_key
from trials.ledger import TOOL, Key

FIGURES = {
    "counts": """
        (SELECT * FROM counts_now WHERE what <> 'keywords' EXCEPT SELECT * FROM countable)
        UNION ALL (SELECT * FROM countable WHERE value <> 0 EXCEPT SELECT * FROM counts_now)""",
    "keywords": """
        SELECT keyword, pairs FROM (
            SELECT keyword, sum(pairs) AS pairs
            FROM (SELECT * FROM keywords UNION ALL SELECT * FROM keyword_changes) AS told GROUP BY 1
        ) AS kept FULL JOIN (SELECT keyword, count(*) AS real FROM keyword_tool_scores GROUP BY 1) AS k USING (keyword)
        WHERE coalesce(pairs, 0) <> coalesce(real, 0)""",
    "hours": """
        SELECT hour, tool_name, tool_type, kept, real FROM (
            SELECT hour, tool_name, tool_type, row(sum(total), sum(success), sum(duration_ms), sum(timed))::text AS kept
            FROM (SELECT hour, tool_name, tool_type, total, success, duration_ms, timed FROM action_hours
                  UNION ALL SELECT hour, tool_name, tool_type, total, success, duration_ms, timed FROM action_changes
                 ) AS told GROUP BY 1, 2, 3
        ) AS h FULL JOIN (
            SELECT date_trunc('hour', created_at, 'UTC') AS hour, tool_name, tool_type,
                   row(count(*)::numeric, (count(*) FILTER (WHERE success))::numeric,
                       coalesce(sum(duration_ms), 0)::numeric, count(duration_ms)::numeric)::text AS real
            FROM actions GROUP BY 1, 2, 3
        ) AS a USING (hour, tool_name, tool_type)
        WHERE kept IS DISTINCT FROM real""",
    "sessions": """
        SELECT session_id, kept, real FROM (
            SELECT session_id, row(sum(total), sum(success), max(last_at))::text AS kept
            FROM (SELECT session_id, total, success, last_at FROM session_actions
                  UNION ALL SELECT session_id, total, success, last_at FROM action_changes) AS told
            WHERE session_id IS NOT NULL GROUP BY 1
        ) AS s FULL JOIN (
            SELECT session_id, row(count(*)::numeric, (count(*) FILTER (WHERE success))::numeric, max(created_at))::text
                AS real
            FROM actions WHERE session_id IS NOT NULL GROUP BY 1
        ) AS a USING (session_id)
        WHERE kept IS DISTINCT FROM real""",
    "tools of sessions": """
        SELECT s.id, s.total_tools_used, s.total_success, s.total_errors, a.*
        FROM sessions s LEFT JOIN (
            SELECT session_id, count(*) AS used, count(*) FILTER (WHERE success) AS good FROM actions GROUP BY 1
        ) AS a ON a.session_id = s.id
        WHERE (s.total_tools_used, s.total_success, s.total_errors)
              <> (coalesce(used, 0), coalesce(good, 0), coalesce(used - good, 0))""",
    "scores": """
        SELECT tool_name, tool_type, t.*, k.* FROM tool_scores_now AS t FULL JOIN (
            SELECT tool_name, tool_type, count(*) AS real_pairs, sum(score::double precision) AS real_score,
                   sum(usage_count) AS real_usage
            FROM keyword_tool_scores GROUP BY 1, 2
        ) AS k USING (tool_name, tool_type)
        WHERE (pairs, score, usage) IS DISTINCT FROM (real_pairs, real_score, real_usage)""",
    "words of tool calls": """
        SELECT a.id, count(e.ref) FROM actions a LEFT JOIN search_entries e ON e.kind = 'action' AND e.ref = a.id
        GROUP BY a.id HAVING count(e.ref) <> 1""",
    "words without a tool call": """
        SELECT ref FROM search_entries e WHERE kind = 'action'
        AND NOT EXISTS (SELECT FROM actions a WHERE a.id = e.ref AND a.created_at = e.at)""",
    "words of prompts": """
        SELECT r.id, count(e.ref) FROM requests r LEFT JOIN search_entries e ON e.kind = 'prompt' AND e.ref = r.id
        WHERE NOT r.metadata ? 'placeholder' GROUP BY r.id HAVING count(e.ref) <> 1""",
    "events set aside": "SELECT entry_id, event, reason FROM rejected_events",
}
"""Each gives the rows in which a figure differs from what it is a figure of: none when all is well."""

NAME = """CASE WHEN event = 'PreToolUse' THEN tool_use_id WHEN event IN ('UserPromptSubmit', 'Stop') THEN prompt_id
          WHEN event IN ('SubagentStart', 'SubagentStop') THEN agent_id WHEN event = 'SessionEnd' THEN 'end'
          WHEN event = 'SessionStart' THEN coalesce(payload ->> 'source', 'startup') ELSE payload ->> 'mark' END"""
"""What an event is known by in its session."""

TIMES = """CASE WHEN event IN ('SessionStart', 'SubagentStop')
                THEN greatest(1, count(*) FILTER (WHERE NOT recovered)) ELSE count(*) END"""
"""How often. What a transcript tells beside a hook is none too many: a clock may have been set back."""

EVENTS_OF = f"""
    SELECT session_id, event, {NAME} AS name, {TIMES} FROM hook_events
    WHERE session_id = ANY(%(sessions)s) GROUP BY 1, 2, 3"""  # noqa: S608 - text of our own

EVENTS_DOUBLED = f"""
    SELECT session_id, event, {NAME} AS name, {TIMES} FROM hook_events GROUP BY 1, 2, 3 HAVING {TIMES} > 1"""  # noqa: S608

TOOLS_DOUBLED = """
    SELECT session_id, 'tool', tool_use_id, count(*) FROM actions GROUP BY 1, 2, 3 HAVING count(*) > 1"""


@contextlib.contextmanager
def at_one_moment(conn: Conn) -> Iterator[None]:
    """Have all that is read in a `with` block be of one moment."""
    with conn.transaction():
        conn.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        yield


def counted(conn: Conn, keys: Collection[Key]) -> Counter[Key]:
    """How often each of these events is stored."""
    found: Counter[Key] = Counter()
    tools = [key.name for key in keys if key.event in {TOOL, "PreToolUse"}]
    query = "SELECT session_id, tool_use_id, count(*) FROM actions WHERE tool_use_id = ANY(%s) GROUP BY 1, 2"
    for session_id, name, count in conn.execute(query, [tools]):
        found[Key(session_id, TOOL, name)] += count
    sessions = sorted({key.session_id for key in keys if key.event != TOOL})
    for session_id, event, name, count in conn.execute(EVENTS_OF.encode(), {"sessions": sessions}):
        found[Key(session_id, event, name)] += count
    for key in keys:
        if key.event == "PreToolUse" and not found[key]:
            found[key] = found[key._replace(event=TOOL)]  # the start of a call that ended is in its end
    return Counter({key: found[key] for key in keys if found[key]})


def doubled(conn: Conn) -> list[tuple[Any, ...]]:
    """The events that are stored more than once."""
    return [*conn.execute(TOOLS_DOUBLED).fetchall(), *conn.execute(EVENTS_DOUBLED.encode()).fetchall()]


def wrong_figures(conn: Conn) -> dict[str, list[tuple[Any, ...]]]:
    """Figures that differ from the rows, with the first rows that show it. One snapshot: the load may go on."""
    wrong = {}
    with at_one_moment(conn):
        for name, query in FIGURES.items():
            if rows := conn.execute(query.encode()).fetchmany(3):
                wrong[name] = rows
    return wrong


def messages(conn: Conn, marks: Iterable[str]) -> Counter[str]:
    """How often each message is stored."""
    rows = conn.execute(
        "SELECT payload ->> 'mark', count(*) FROM agent_messages WHERE payload ->> 'mark' = ANY(%s) GROUP BY 1",
        [list(marks)],
    ).fetchall()
    return Counter(dict(rows))


def kept_after(conn: Conn, event_id: int) -> list[int]:
    """The ids of the events that are kept, after one."""
    return [row[0] for row in conn.execute("SELECT id FROM events WHERE id > %s ORDER BY id", [event_id])]


def recovered(conn: Conn, keys: Collection[Key]) -> set[Key]:
    """Those of these events that a transcript told: hooks of the load name how long a tool call took."""
    tools = {key.name: key for key in keys if key.event == TOOL}
    query = "SELECT tool_use_id FROM actions WHERE tool_use_id = ANY(%s) AND duration_ms IS NULL"
    found = {tools[row[0]] for row in conn.execute(query, [list(tools)])}
    sessions = sorted({key.session_id for key in keys})
    query = f"SELECT session_id, event, {NAME} FROM hook_events WHERE recovered AND session_id = ANY(%s)"  # noqa: S608
    return found | {Key(*row) for row in conn.execute(query.encode(), [sessions])} & set(keys)


def newest_entry(queue: redis.Redis) -> str:
    """The id of the stream's newest entry, whether it is still there or not."""
    if not queue.exists(stream_key(0)):
        return "0-0"
    return cast("dict[str, bytes]", queue.xinfo_stream(stream_key(0)))["last-generated-id"].decode()


def drained(queue: redis.Redis, last: str) -> bool:
    """Whether the stream holds nothing up to an entry."""
    return not queue.xrange(stream_key(0), max=last, count=1)


def dead(queue: redis.Redis) -> list[dead_messages.DeadMessage]:
    """Messages that failed for good, the newest, but for a drain: what it left is drained by the next.

    A worker forgets a dead drain by itself, which a Valkey whose disk is full refuses.
    """
    return [dead for dead in dead_messages.newest(queue, 10) if dead.actor != "drain"]


def waiting(queue: redis.Redis) -> dict[str, int]:
    """What is not done: entries of streams, messages of queues and those that were taken and not acknowledged.

    Messages that failed for good do not wait: `dead` counts them.
    """
    sizes: dict[str, int] = {}
    for key in cast("list[bytes]", queue.keys("dcm:*")):
        name = key.decode()
        if name.startswith("dcm:events:"):
            sizes[name] = cast("int", queue.xlen(name))
        elif name.startswith("dcm:dramatiq:__acks__"):
            sizes[name] = cast("int", queue.scard(name))
        elif name.startswith("dcm:dramatiq:") and name.endswith(".msgs") and ".XQ" not in name:
            sizes[name] = cast("int", queue.hlen(name))
    return {name: size for name, size in sizes.items() if size}
