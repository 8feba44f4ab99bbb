"""Prompts, as briefs read them, and what the other readers of tables give."""

from datetime import UTC, datetime, timedelta

from db import actions, cleanup, hook_events, messages, partitions, requests
from db.pool import Conn
from dcm.domain import actions as action_rules
from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.requests import seen

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)


def at(second: int) -> datetime:
    return BEGAN + timedelta(seconds=second)


def event(second: int, name: str, **fields: object) -> HookEvent:
    return parse(f"{second}-0", at(second), {"session_id": "s1", "hook_event_name": name, **fields})


def prompt(second: int) -> HookEvent:
    return event(second, "UserPromptSubmit", prompt=f"do {second}", prompt_id=f"p{second}")


def test_a_brief_reads_the_first_prompt_and_the_newest_and_no_placeholder(conn: Conn) -> None:
    told = requests.upsert(conn, seen([prompt(n) for n in range(1, 10)]))
    assert len(told) == 9
    assert requests.upsert(conn, seen([prompt(3), event(20, "SubagentStart", agent_id="a", prompt_id="p20")])) == set()

    def read(until: int, limit: int) -> list[str]:
        return [found.text for found in requests.prompts(conn, "s1", at(until), limit)]

    assert read(99, 2) == ["do 1", "do 8", "do 9"]
    assert [found.number for found in requests.prompts(conn, "s1", at(99), 2)] == [1, 8, 9]
    assert read(99, 99) == [f"do {n}" for n in range(1, 10)]
    assert read(5, 1) == ["do 1", "do 5"]
    assert read(0, 5) == []
    assert requests.upsert(conn, []) == set()


def test_the_newest_calls_of_a_session_are_read_oldest_first_with_all_that_they_said(conn: Conn) -> None:
    partitions.ensure(conn, [BEGAN])
    paths = ["/w/a b.py", '/w/ü,{}".py']
    calls = [event(n, "PostToolUse", tool_name="Edit", tool_use_id=f"t{n}", tool_response={"big": "x" * 5000},
                   tool_input={"file_path": paths[0], "path": paths[1]}) for n in range(5)]  # fmt: skip
    actions.insert(conn, [action_rules.of_event(call) for call in calls])
    actions.insert(conn, [])
    found = actions.traces(conn, "s1", at(3), 2, with_output=["Edit"])
    assert [trace.at for trace in found] == [at(2), at(3)]
    assert [trace.at for trace in actions.traces(conn, "s1", at(3), 2, always=["Edit"])] == [at(n) for n in range(4)]
    assert found[0].file_paths == paths
    assert action_rules.unpacked(found[0].output) == '{"big":"' + "x" * 5000 + '"}'
    assert actions.known(conn, ["t1", "t9"]) == {("s1", "t1")}
    page = actions.page(conn, tool_type=None, tool_name="Edit", session_id="s1", limit=2, offset=1)
    assert [row["created_at"] for row in page] == [at(3), at(2)]
    assert actions.page(conn, tool_type="agent", tool_name=None, session_id=None, limit=2, offset=0) == []


def test_hook_events_are_found_by_their_key_and_read_oldest_first(conn: Conn) -> None:
    partitions.ensure(conn, [BEGAN])
    stops = [event(n, "Stop", last_assistant_message=f"word {n}") for n in range(4)]
    hook_events.insert(conn, [*stops, event(9, "Notification")])
    hook_events.insert(conn, [])
    assert hook_events.known(conn, [stops[1].key, "other"]) == {("s1", "Stop", stops[1].key): [at(1)]}
    newest = hook_events.latest(conn, "s1", ["Stop"], at(2), 2)
    assert [payload["last_assistant_message"] for payload in newest] == ["word 1", "word 2"]


def test_unread_messages_are_those_for_the_session_that_have_not_expired_urgent_ones_first(conn: Conn) -> None:
    conn.execute("""
        WITH p AS (INSERT INTO projects (path) VALUES ('/w') RETURNING id),
             s AS (INSERT INTO sessions (id, project_id) SELECT 's1', id FROM p)
        INSERT INTO agent_messages (project_id, topic, message_type, payload, priority, session_id, to_agent_id,
                                    read_by, expires_at, created_at)
        SELECT p.id, m.* FROM p, (VALUES
            ('old', 'n', '{}'::jsonb, 0, 's2', NULL, '{}'::text[], NULL::timestamptz, now() - interval '9 minutes'),
            ('new', 'n', '{}', 0, NULL, NULL, '{}', now() + interval '1 hour', now()),
            ('urgent', 'n', '{}', 5, 's2', 's1', '{}', NULL, now() - interval '1 hour'),
            ('expired', 'n', '{}', 0, 's2', NULL, '{}', now() - interval '1 second', now()),
            ('read', 'n', '{}', 0, 's2', NULL, '{s1}', NULL, now()),
            ('own', 'n', '{}', 0, 's1', NULL, '{}', NULL, now()),
            ('for another', 'n', '{}', 0, 's2', 's3', '{}', NULL, now())) AS m""")
    assert [message.topic for message in messages.unread(conn, "s1", 9)] == ["urgent", "new", "old"]
    assert [message.topic for message in messages.unread(conn, "s1", 1)] == ["urgent"]
    assert cleanup.clean_messages(conn) == 1
