"""The end of an Agent call: of a subagent that was reported, of one that was not, and of one that failed."""

from itertools import permutations

import pytest
from stories import agent_tool, at, event, rows, store, subagent
from test_order import picture

from db.pool import Conn
from dcm.domain.hook_events import HookEvent
from dcm.domain.ids import call_id, subtask_id

STATES = "SELECT agent_id, description, status, result ->> 'summary' FROM subtasks ORDER BY created_at"
TOLD = "SELECT topic FROM agent_messages ORDER BY created_at"


def failed(number: float, error: str = "The agent was interrupted.", **fields: object) -> HookEvent:
    return agent_tool(number, "PostToolUseFailure", error=error, **fields)


@pytest.mark.contract("HOOK an agent's call becomes a subtask")
@pytest.mark.parametrize("tool_name", ["Task", "Agent"])
@pytest.mark.parametrize(
    "response",
    [
        {"content": [{"type": "text", "text": "three"}, {"type": "text", "text": "are slow"}]},
        [{"type": "text", "text": "three\nare slow"}],
        "three\nare slow",
        {"content": "three\nare slow", "status": "completed"},
    ],
)
def test_a_call_whose_subagent_nobody_reported_is_a_subtask_of_its_own(
    conn: Conn, tool_name: str, response: object
) -> None:
    call = agent_tool(5, "PostToolUse", tool_name=tool_name, tool_response=response)
    store(conn, call)
    store(conn, call)
    assert rows(conn, STATES) == [(None, "find slow queries", "completed", "three\nare slow")]
    assert rows(conn, "SELECT id, agent_type, completed_at FROM subtasks") == [
        (call_id("s1", "toolu_agent"), "Explore", at(5))
    ]
    assert rows(conn, TOLD) == [("agent.completed",)]


def test_a_call_in_the_background_runs_on(conn: Conn) -> None:
    asked = {"subagent_type": "Explore", "description": "look", "run_in_background": True}
    store(conn, agent_tool(5, "PostToolUse", tool_input=asked, tool_response={}))
    assert rows(conn, STATES) == [(None, "look", "running", None)]


def test_a_call_that_does_not_name_its_subagent_is_of_the_one_that_was_started_for_it_in_every_order(
    conn: Conn,
) -> None:
    answer = {"content": [{"type": "text", "text": "three are slow"}]}
    story = [agent_tool(1, "PreToolUse"), subagent(2, "SubagentStart"),
             subagent(4, "SubagentStop", last_assistant_message="three are slow"),
             agent_tool(5, "PostToolUse", tool_response=answer)]  # fmt: skip
    for size in (2, 3, 4):
        for order in permutations(story[4 - size :]):
            picture(conn, [[one] for one in order])
            names = [one.name for one in order]
            assert rows(conn, STATES) == [("a1", "find slow queries", "completed", "three are slow")], names
            assert rows(conn, TOLD) == [("agent.completed",)], names
    picture(conn, [story])
    assert rows(conn, "SELECT id FROM subtasks") == [(subtask_id("s1", "a1"),)]


def test_two_calls_that_name_no_subagent_have_one_subtask_each(conn: Conn) -> None:
    answer = {"content": [{"type": "text", "text": "done"}]}
    first = [subagent(1, "SubagentStart"), agent_tool(3, "PostToolUse", "t1", tool_response=answer)]
    second = [subagent(5, "SubagentStart", "a2"), agent_tool(7, "PostToolUse", "t2", tool_response=answer)]
    for batches in ([first, second], [first + second], [[first[0]], [second[0]], [second[1]], [first[1]]],
                    [[first[1]], [second[1]], [first[0]], [second[0]]]):  # fmt: skip
        picture(conn, batches)
        assert rows(conn, "SELECT agent_id, tool_use_id, status FROM subtasks ORDER BY 1") == [
            ("a1", "t1", "completed"), ("a2", "t2", "completed")]  # fmt: skip


def test_a_call_that_failed_fails_its_subagent_at_once_in_every_order(conn: Conn) -> None:
    story = [agent_tool(1, "PreToolUse"), subagent(2, "SubagentStart"), failed(5)]
    for size in (2, 3):
        for order in permutations(story[3 - size :]):
            picture(conn, [[one] for one in order])
            expected = [("a1", "find slow queries", "failed", "The agent was interrupted.")]
            assert rows(conn, STATES) == expected, [one.name for one in order]
            assert rows(conn, "SELECT completed_at FROM subtasks") == [(at(5),)]
            assert rows(conn, TOLD) == [("agent.failed",)]


@pytest.mark.parametrize(
    ("stop", "status", "result"),
    [
        ({"number": 6, "last_assistant_message": "three are slow"}, "completed", "three are slow"),
        ({"number": 6}, "failed", "The agent was interrupted."),
        ({"number": 4, "last_assistant_message": "three"}, "failed", "The agent was interrupted."),
    ],
)
def test_only_a_result_that_comes_later_completes_a_subagent_whose_call_failed(
    conn: Conn, stop: dict[str, object], status: str, result: str
) -> None:
    ended = subagent(name="SubagentStop", **stop)  # type: ignore[arg-type]
    for order in permutations([agent_tool(1, "PreToolUse"), subagent(2, "SubagentStart"), failed(5), ended]):
        picture(conn, [[one] for one in order])
        expected = [("a1", "find slow queries", status, result)]
        assert rows(conn, STATES) == expected, [(one.name, one.at) for one in order]


def test_a_result_completes_a_subagent_that_the_clock_had_closed(conn: Conn) -> None:
    store(conn, subagent(1, "SubagentStart"))
    conn.execute("""UPDATE subtasks SET status = 'failed', completed_at = now() + interval '9 years',
                    result = '{"summary": "It never reported its end."}'""")
    store(conn, subagent(2, "SubagentStop"))
    assert rows(conn, "SELECT status FROM subtasks") == [("failed",)]
    store(conn, subagent(3, "SubagentStop", last_assistant_message="three are slow"))
    assert rows(conn, STATES) == [("a1", None, "completed", "three are slow")]


def test_of_two_calls_that_run_at_once_the_one_that_failed_is_the_one_that_is_left(conn: Conn) -> None:
    for number, (call, task) in enumerate([("t1", "find slow queries"), ("t2", "read the docs")]):
        store(
            conn, agent_tool(number, "PreToolUse", call, tool_input={"subagent_type": "Explore", "description": task})
        )
    store(conn, subagent(3, "SubagentStart", "a2"))
    store(conn, subagent(4, "SubagentStart", "a1"))
    store(conn, agent_tool(5, "PostToolUse", "t1", "a1"))
    store(conn, failed(6, call="t2"))
    assert rows(conn, "SELECT agent_id, tool_use_id, status FROM subtasks ORDER BY 1") == [
        ("a1", "t1", "completed"), ("a2", "t2", "failed")]  # fmt: skip


def test_a_call_of_a_subagent_that_fails_is_no_end_of_the_session_s_own(conn: Conn) -> None:
    store(conn, subagent(1, "SubagentStart"), failed(2, agent_id="a1", agent_type="Explore"), event(3, "Notification"))
    assert rows(conn, "SELECT agent_id, status FROM subtasks") == [("a1", "running")]
