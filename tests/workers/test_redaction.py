"""No secret of an event reaches the database or a notification, and what an event is known by stays as it was."""

import json
from pathlib import Path

import psycopg
import pytest
import redis
from psycopg import sql
from stories import event, queue, rows, subagent, tool

from db.pool import Conn
from dcm.broker import stream_key
from dcm.domain.hook_events import parse, with_payload
from dcm.settings import Settings
from workers import briefs, running
from workers.ingest import drain

TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"


@pytest.fixture
def valkey(worker: Settings) -> redis.Redis:
    return redis.Redis.from_url(worker.redis_url)


def everything(conn: Conn) -> str:
    """All rows of all tables as text."""
    tables = rows(conn, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    return "\n".join(
        str(conn.execute(sql.SQL("SELECT t::text FROM {} t").format(sql.Identifier(name))).fetchall())
        for (name,) in tables
    )


def test_no_secret_of_any_event_is_stored_or_told(valkey: redis.Redis, conn: Conn, database_url: str) -> None:
    with psycopg.connect(database_url, autocommit=True) as listener:
        listener.execute("LISTEN dcm_events")
        queue(
            valkey,
            [
                event(1, "UserPromptSubmit", prompt=f"use {TOKEN} <private>swordfish</private>", prompt_id="p1"),
                tool(2, f"curl -H 'Authorization: Bearer {TOKEN}' https://a.example"),
                tool(3, f"export PW={TOKEN}", error=f"Exit code 1\nno access with {TOKEN}"),
                tool(4, "cat .env", tool_response={"stdout": "STRIPE=swordfish\n"}),
                subagent(5, "SubagentStart"),
                subagent(6, "SubagentStop", last_assistant_message=f"the token is {TOKEN}"),
                event(7, "Stop", last_assistant_message="password: swordfish7"),
            ],
        )
        drain(0)
        told = [notice.payload for notice in listener.notifies(timeout=0.2)]
    assert rows(conn, "SELECT count(*) FROM actions") == [(3,)]
    assert TOKEN not in everything(conn)
    assert "swordfish" not in everything(conn)
    assert TOKEN.lower() not in everything(conn).lower()
    assert "[redacted:github-token:" in everything(conn)
    assert "[private]" in everything(conn)
    assert told
    assert TOKEN not in "".join(told)


def test_what_is_set_aside_has_no_secret_either(valkey: redis.Redis, conn: Conn) -> None:
    valkey.xadd(stream_key(0), {"t": "1763726400000000000", "payload": f'{{"session_id": "s1", "x": "{TOKEN}"'})
    broken = json.dumps({"session_id": "s1", "hook_event_name": "New", "cwd": 3, "x": f"\ud83d {TOKEN}"})
    valkey.xadd(stream_key(0), {"t": "1763726400000000000", "p": broken})
    drain(0)
    assert TOKEN not in everything(conn)


def test_an_event_is_known_by_what_it_was_before_its_secrets_were_taken_out() -> None:
    payload = {"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": f"use {TOKEN}"}
    came = parse("1-0", event(1, "Stop").at, payload)
    stored = with_payload(came, running.redactor().payload(payload))
    assert stored.payload != came.payload
    assert stored.key == came.key


def test_the_same_prompt_delivered_twice_is_stored_once(valkey: redis.Redis, conn: Conn) -> None:
    twice = [event(number, "UserPromptSubmit", prompt=f"use {TOKEN}") for number in (1, 2)]
    queue(valkey, twice)
    drain(0)
    queue(valkey, twice)
    drain(0)
    assert rows(conn, "SELECT count(*) FROM requests") == [(1,)]


def test_two_prompts_that_differ_in_a_private_part_alone_stay_two(valkey: redis.Redis, conn: Conn) -> None:
    queue(valkey, [event(n, "UserPromptSubmit", prompt=f"<private>{n}</private>") for n in (1, 2)])
    drain(0)
    assert rows(conn, "SELECT count(*) FROM requests") == [(2,)]


def test_what_is_read_of_a_transcript_has_no_secret(valkey: redis.Redis, conn: Conn, tmp_path: Path) -> None:
    transcript = tmp_path / "s1.jsonl"
    said = {"type": "assistant", "message": {"content": [{"type": "text", "text": f"I used {TOKEN}"}]}}
    transcript.write_text(json.dumps(said) + "\n", encoding="utf-8")
    start = event(1, "SessionStart", source="startup", cwd="/w", transcript_path=str(transcript))
    queue(valkey, [start, tool(2)])
    drain(0)
    briefs.make_brief("s1", event(9, "Stop").at.isoformat(), "manual")
    assert rows(conn, "SELECT count(*) FROM briefs") == [(1,)]
    assert "I used [redacted:github-token:" in everything(conn)
    assert TOKEN not in everything(conn)


def test_a_start_whose_call_ended_with_it_leaves_nothing_and_one_that_did_not_is_kept_without_its_secrets(
    conn: Conn, valkey: redis.Redis
) -> None:
    asked = {"tool_name": "Bash", "tool_input": {"command": f"export KEY={TOKEN}"}}
    queue(
        valkey,
        [
            event(1, "PreToolUse", tool_use_id="ended", **asked),
            tool(2, tool_use_id="ended"),
            event(3, "PreToolUse", tool_use_id="open", **asked),
        ],
    )
    drain(0)
    [(call, payload)] = rows(conn, "SELECT tool_use_id, payload::text FROM hook_events")
    assert call == "open"
    assert TOKEN not in payload


def test_of_clients_that_name_no_tool_call_the_start_is_kept_whole(conn: Conn, valkey: redis.Redis) -> None:
    asked = {"tool_name": "Bash", "tool_input": {"command": "make"}}
    queue(valkey, [event(1, "PreToolUse", **asked), tool(2, tool_use_id="")])
    drain(0)
    assert rows(conn, "SELECT payload -> 'tool_input' ->> 'command' FROM hook_events") == [("make",)]
