"""Hook events that are not finished tool calls, as they came."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

import orjson

from db.pool import Conn
from dcm.domain.hook_events import HookEvent
from dcm.domain.ids import derived

GIVING_WAY = frozenset({"UserPromptSubmit", "Stop", "SubagentStart", "SubagentStop"})
"""Events that have a name of their own to be known by, their prompt's or their subagent's."""


def known(conn: Conn, keys: Iterable[str]) -> dict[tuple[str, str, str], list[datetime]]:
    """{(session, event, key): times} of the events of these keys that are stored already."""
    rows = conn.execute(
        "SELECT session_id, event, event_key, created_at FROM hook_events WHERE event_key = ANY(%(keys)b)",
        {"keys": list(keys)},
    ).fetchall()
    found: dict[tuple[str, str, str], list[datetime]] = {}
    for session_id, event, key, at in rows:
        found.setdefault((session_id, event, key), []).append(at)
    return found


def compactions(conn: Conn, session_ids: Iterable[str], since: datetime) -> list[tuple[str, str, datetime]]:
    """(session, event, time) of what was told of the compactions of sessions since a moment."""
    return conn.execute(
        """
        SELECT session_id, event, created_at FROM hook_events
        WHERE session_id = ANY(%(sessions)s) AND event IN ('PreCompact', 'PostCompact') AND created_at >= %(since)s
        """,
        {"sessions": list(session_ids), "since": since},
    ).fetchall()


def insert(conn: Conn, events: Sequence[HookEvent]) -> None:
    """Store events; the caller knows that none of them is stored."""
    if not events:
        return
    conn.execute(
        """
        INSERT INTO hook_events (id, session_id, event, event_key, agent_id, prompt_id, tool_use_id, created_at,
                                 payload, recovered)
        SELECT id, session_id, event, event_key, agent_id, prompt_id, tool_use_id, created_at, payload::jsonb, recovered
        FROM unnest(%(ids)b::uuid[], %(sessions)b::text[], %(events)b::text[], %(keys)b::text[], %(agents)b::text[],
                    %(prompts)b::text[], %(tool_uses)b::text[], %(times)b::timestamptz[], %(payloads)b::text[],
                    %(recovered)b::boolean[])
            AS e (id, session_id, event, event_key, agent_id, prompt_id, tool_use_id, created_at, payload, recovered)
        """,
        {
            "ids": [derived("hook", event.session_id, event.name, event.key, event.at.isoformat()) for event in events],
            "sessions": [event.session_id for event in events],
            "events": [event.name for event in events],
            "keys": [event.key for event in events],
            "agents": [event.agent_id or None for event in events],
            "prompts": [event.prompt_id or None for event in events],
            "tool_uses": [event.tool_use_id or None for event in events],
            "times": [event.at for event in events],
            "payloads": [orjson.dumps(event.payload).decode() for event in events],
            "recovered": [event.recovered for event in events],
        },
    )


def end_tools(conn: Conn, ended: Sequence[tuple[str, str]]) -> None:
    """Forget the starts of tool calls (session, tool call) that ended: their actions hold all that the starts said."""
    if ended:
        conn.execute(
            """
            DELETE FROM hook_events h USING unnest(%(sessions)b::text[], %(ids)b::text[]) AS e (session_id, tool_use_id)
            WHERE h.event = 'PreToolUse' AND h.tool_use_id = e.tool_use_id AND h.session_id = e.session_id
            """,
            {"sessions": [session_id for session_id, _ in ended], "ids": [call for _, call in ended]},
        )


def at(conn: Conn, session_id: str, name: str, moment: datetime) -> dict[str, Any]:
    """The payload of a session's event of this name that came at this very moment; empty when there is none."""
    row = conn.execute(
        """
        SELECT payload FROM hook_events
        WHERE session_id = %(session)s AND event = %(name)s AND created_at = %(at)s LIMIT 1
        """,
        {"session": session_id, "name": name, "at": moment},
    ).fetchone()
    return row[0] if row else {}


def give_way(conn: Conn, reported: Sequence[HookEvent]) -> None:
    """Forget what a transcript told of turns and subagents whose hooks report it after all."""
    named = [event for event in reported if event.name in GIVING_WAY and (event.agent_id or event.prompt_id)]
    if named:
        conn.execute(
            """
            DELETE FROM hook_events h
            USING unnest(%(sessions)b::text[], %(names)b::text[], %(agents)b::text[], %(prompts)b::text[])
                AS e (session_id, event, agent_id, prompt_id)
            WHERE h.recovered AND h.session_id = e.session_id AND h.event = e.event
              AND coalesce(h.agent_id, '') = e.agent_id AND (e.agent_id <> '' OR h.prompt_id = e.prompt_id)
            """,
            {
                "sessions": [event.session_id for event in named],
                "names": [event.name for event in named],
                "agents": [event.agent_id for event in named],
                "prompts": [event.prompt_id for event in named],
            },
        )


def latest(conn: Conn, session_id: str, names: Sequence[str], until: datetime, limit: int) -> list[dict[str, Any]]:
    """The payloads of a session's newest events of these names up to a moment, oldest first."""
    return [payload for _, payload in dated(conn, session_id, names, until, limit)]


def dated(
    conn: Conn, session_id: str, names: Sequence[str], until: datetime, limit: int
) -> list[tuple[datetime, dict[str, Any]]]:
    """The same, each with its moment."""
    rows = conn.execute(
        """
        SELECT created_at, payload FROM hook_events
        WHERE session_id = %(session)s AND event = ANY(%(names)s) AND created_at <= %(until)s
        ORDER BY created_at DESC LIMIT %(limit)s
        """,
        {"session": session_id, "names": list(names), "until": until, "limit": limit},
    ).fetchall()
    return rows[::-1]
