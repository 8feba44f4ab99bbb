"""Writing batches of events."""

import pytest
from stories import a_session, agent_tool, at, event, rows, store, subagent, tool

from db.pool import Conn


@pytest.mark.contract("HOOK a tool call becomes an action")
def test_a_finished_tool_call_is_one_action_counted_once_in_its_session(conn: Conn) -> None:
    store(conn, tool(1), tool(2, error="Exit code 2\nno such file"))
    assert rows(conn, "SELECT tool_name, success, exit_code FROM actions ORDER BY created_at") == [
        ("Bash", True, 0),
        ("Bash", False, 2),
    ]
    assert rows(conn, "SELECT total_tools_used, total_success, total_errors FROM sessions") == [(2, 1, 1)]


def test_the_same_event_delivered_again_changes_nothing(conn: Conn) -> None:
    batch = [tool(1, "pytest -q"), event(2, "Notification", message="look"), event(3, "SessionEnd", reason="other")]
    store(conn, *batch)
    before = rows(conn, "SELECT * FROM sessions") + rows(conn, "SELECT * FROM keyword_tool_scores")
    store(conn, *batch)
    store(conn, *batch[::-1])
    assert rows(conn, "SELECT count(*) FROM actions") == [(1,)]
    assert rows(conn, "SELECT count(*) FROM hook_events") == [(2,)]
    assert rows(conn, "SELECT * FROM sessions") + rows(conn, "SELECT * FROM keyword_tool_scores") == before


def test_a_hook_that_is_registered_twice_is_stored_once_and_the_same_words_later_again(conn: Conn) -> None:
    store(conn, event(1, "Notification", message="look"), event(1.2, "Notification", message="look"))
    store(conn, event(1.4, "Notification", message="look"), event(30, "Notification", message="look"))
    assert rows(conn, "SELECT created_at FROM hook_events ORDER BY 1") == [(at(1),), (at(30),)]


def test_a_compaction_that_begins_three_seconds_after_another_is_another(conn: Conn) -> None:
    store(conn, event(1, "PreCompact", trigger="auto"), event(1.2, "PreCompact", trigger="auto"))
    store(conn, event(4.2, "PreCompact", trigger="auto"))
    assert rows(conn, "SELECT created_at FROM hook_events ORDER BY 1") == [(at(1),), (at(4.2),)]


@pytest.mark.parametrize("at_once", [True, False])
def test_a_compaction_that_begins_after_another_has_ended_is_another_however_soon(conn: Conn, at_once: bool) -> None:
    story = [event(1 + n / 10, name, trigger="auto")
             for n, name in enumerate(["PreCompact", "PreCompact", "PostCompact", "PostCompact"] * 2)]  # fmt: skip
    for batch in [story] if at_once else [[one] for one in story]:
        store(conn, *batch)
    stored = rows(conn, "SELECT created_at FROM hook_events ORDER BY 1")
    assert stored == [(one.at,) for one in story[::2]]


def test_a_tool_call_that_has_ended_leaves_no_start_behind_whichever_is_written_first(conn: Conn) -> None:
    start = event(1, "PreToolUse", tool_name="Bash", tool_use_id="toolu_2")
    other = event(1, "PreToolUse", tool_name="Bash", tool_use_id="toolu_4")
    store(conn, start)
    assert rows(conn, "SELECT count(*) FROM hook_events WHERE event = 'PreToolUse'") == [(1,)]
    store(conn, tool(2))
    store(conn, tool(4, error="Exit code 1"))
    store(conn, other)
    store(conn, event(5, "PreToolUse", tool_name="Bash", tool_use_id="toolu_6"), tool(6))
    assert rows(conn, "SELECT count(*) FROM hook_events") == [(0,)]
    assert rows(conn, "SELECT count(*) FROM actions") == [(3,)]


def test_a_tool_call_of_the_same_id_in_another_session_is_another(conn: Conn) -> None:
    store(conn, event(1, "PreToolUse", "s2", tool_name="Bash", tool_use_id="toolu_2"), tool(2))
    store(conn, tool(3, tool_use_id="toolu_2", session_id="s2"))
    assert rows(conn, "SELECT session_id FROM actions ORDER BY 1") == [("s1",), ("s2",)]
    store(conn, event(4, "PreToolUse", "s3", tool_name="Bash", tool_use_id="toolu_2"))
    assert rows(conn, "SELECT session_id FROM hook_events") == [("s3",)]


def test_an_open_tool_call_is_told_redelivered_and_not_stored_again(conn: Conn) -> None:
    start = event(1, "PreToolUse", tool_name="Bash", tool_use_id="t")
    store(conn, start)
    assert [e.name for e in store(conn, start).events] == ["PreToolUse"]
    assert rows(conn, "SELECT count(*) FROM hook_events") == [(1,)]


def test_a_tool_call_that_names_none_is_stored_each_time_it_is_made(conn: Conn) -> None:
    store(conn, tool(1, tool_use_id=""), tool(2, tool_use_id=""))
    store(conn, tool(1, tool_use_id=""))
    assert rows(conn, "SELECT count(*) FROM actions") == [(2,)]


def test_unknown_events_and_unknown_fields_are_kept(conn: Conn) -> None:
    store(conn, event(1, "BrandNew", novelty={"a": [1, None]}), tool(2, novelty={"b": 2}))
    assert rows(conn, "SELECT event, payload -> 'novelty' FROM hook_events") == [("BrandNew", {"a": [1, None]})]
    assert rows(conn, "SELECT metadata FROM actions") == [({"novelty": {"b": 2}},)]


def test_an_action_of_a_subagent_belongs_to_its_subtask(conn: Conn) -> None:
    store(conn, subagent(1, "SubagentStart"), tool(2, agent_id="a1", agent_type="Explore"), tool(3))
    assert rows(conn, "SELECT a.agent_id, s.agent_id FROM actions a LEFT JOIN subtasks s ON s.id = a.subtask_id "
                      "ORDER BY a.created_at") == [("a1", "a1"), (None, None)]  # fmt: skip


def test_events_of_any_month_find_their_partition(conn: Conn) -> None:
    month = 31 * 86_400
    store(conn, tool(-40 * month), tool(1), event(40 * month, "Notification"))
    assert rows(conn, "SELECT count(*) FROM actions") == [(2,)]
    assert rows(conn, "SELECT count(*) FROM actions_202611") == [(1,)]


def test_a_session_that_was_ended_is_open_again_when_it_goes_on(conn: Conn) -> None:
    store(conn, tool(1), event(2, "SessionEnd", reason="other"))
    assert rows(conn, "SELECT ended_at, end_reason FROM sessions") == [(at(2), "other")]
    store(conn, event(3, "Notification"))
    assert rows(conn, "SELECT ended_at FROM sessions") == [(at(2),)]
    store(conn, tool(4))
    assert rows(conn, "SELECT ended_at FROM sessions") == [(None,)]


def test_words_that_lead_to_a_tool_are_scored(conn: Conn) -> None:
    store(conn, tool(1, "pytest cart"), tool(2, "pytest cart", error="Exit code 1"))
    store(conn, tool(3, "pytest"))
    query = (
        "SELECT keyword, tool_name, tool_type, score, usage_count, success_count FROM keyword_tool_scores ORDER BY 1"
    )
    assert rows(conn, query) == [
        ("cart", "Bash", "builtin", pytest.approx(0.95), 2, 1),
        ("pytest", "Bash", "builtin", pytest.approx(1.05), 3, 2),
    ]


def test_what_was_written_is_told_in_the_words_of_the_contract(conn: Conn) -> None:
    conn.execute("LISTEN dcm_events")
    store(conn, *a_session())
    told = [notification.payload for notification in conn.notifies(timeout=5, stop_after=11)]
    for name in ("session.created", "session.ended", "request.created", "subtask.created", "subtask.completed",
                 "message.new", "action.created"):  # fmt: skip
        assert any(f'"event": "{name}"' in payload for payload in told), name
    assert {name for (name,) in rows(conn, "SELECT event FROM events")} >= {"subtask.created", "message.new"}


def test_a_batch_that_is_delivered_again_tells_nothing_new(conn: Conn) -> None:
    store(conn, *a_session())
    before = rows(conn, "SELECT max(id) FROM events")
    store(conn, *a_session())
    assert rows(conn, "SELECT max(id) FROM events") == before


def test_an_agent_tool_that_is_the_first_thing_heard_of_a_session_is_stored(conn: Conn) -> None:
    store(conn, agent_tool(1, "PostToolUse"))
    assert rows(conn, "SELECT description, status FROM subtasks") == [("find slow queries", "completed")]
    assert rows(conn, "SELECT status FROM requests") == [("active",)]
