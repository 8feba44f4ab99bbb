"""Whatever order events come in and however they are cut into batches, the same rows result."""

from itertools import permutations, product
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from stories import a_session, agent_tool, event, rows, store, subagent, tool

from db.pool import Conn
from dcm.domain.hook_events import HookEvent, parse
from dcm.domain.requests import UNSEEN_PROMPT

ONE_DATABASE = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
PICTURE = (
    """SELECT s.id, p.path, started_at, last_seen_at, last_active_at, ended_at, cwd, worktree, transcript_path, model,
              source, end_reason, total_tools_used, total_success, total_errors
       FROM sessions s LEFT JOIN projects p ON p.id = s.project_id""",
    """SELECT r.id, p.path, prompt, prompt_id, status, r.created_at, completed_at, r.metadata
       FROM requests r LEFT JOIN projects p ON p.id = r.project_id ORDER BY r.id""",
    "SELECT id, request_id, status, completed_at FROM task_lists ORDER BY id",
    """SELECT id, task_list_id, agent_type, agent_id, description, status, started_at, completed_at, result,
              tool_use_id, last_seen_at FROM subtasks ORDER BY id""",
    """SELECT a.id, subtask_id, tool_name, file_paths, exit_code, success, error, created_at, metadata
       FROM actions a ORDER BY a.id""",
    "SELECT event, event_key, created_at, payload FROM hook_events ORDER BY created_at",
    """SELECT topic, from_agent_id, p.path FROM agent_messages m LEFT JOIN projects p ON p.id = m.project_id
       ORDER BY 2, 1""",
    "SELECT keyword, tool_name, usage_count, success_count FROM keyword_tool_scores ORDER BY 1, 2",
)
CLEAR = """DELETE FROM projects; DELETE FROM sessions; DELETE FROM requests; DELETE FROM actions;
           DELETE FROM hook_events; DELETE FROM agent_messages; DELETE FROM keyword_tool_scores"""


def picture(conn: Conn, batches: list[list[HookEvent]]) -> list[list[tuple[Any, ...]]]:
    """What the tables hold after these batches alone."""
    conn.execute(CLEAR)
    for batch in batches:
        store(conn, *batch)
    return [rows(conn, query) for query in PICTURE]


@st.composite
def tellings(draw: st.DrawFn, events: list[HookEvent]) -> list[list[HookEvent]]:
    """The events in any order, cut into any batches."""
    order = draw(st.permutations(events))
    cuts = sorted(draw(st.sets(st.integers(1, len(events) - 1))))
    return [order[start:end] for start, end in zip([0, *cuts], [*cuts, len(order)], strict=True)]


@pytest.mark.contract("HOOK a session is registered when it starts", "HOOK a session is closed when it ends")
@ONE_DATABASE
@given(tellings(a_session()))
def test_a_whole_session_gives_the_same_rows_in_any_order_and_any_batches(
    conn: Conn, batches: list[list[HookEvent]]
) -> None:
    assert picture(conn, batches) == picture(conn, [a_session()])


@ONE_DATABASE
@given(tellings(a_session()), tellings(a_session()))
def test_a_session_told_twice_gives_the_same_rows_as_told_once(
    conn: Conn, batches: list[list[HookEvent]], again: list[list[HookEvent]]
) -> None:
    assert picture(conn, batches + again) == picture(conn, [a_session()])


SUBAGENT = [
    agent_tool(1, "PreToolUse", cwd="/w"),
    subagent(2, "SubagentStart", cwd="/w"),
    subagent(4, "SubagentStop", last_assistant_message="three are slow", cwd="/w"),
    agent_tool(5, "PostToolUse", cwd="/w"),
]


@pytest.mark.contract("HOOK an agent's call becomes a subtask")
def test_a_subagent_is_started_named_and_ended_once_in_every_order(conn: Conn) -> None:
    for order in permutations(SUBAGENT):
        picture(conn, [[one] for one in order])
        names = [one.name for one in order]
        assert rows(conn, "SELECT description, status, result ->> 'summary' FROM subtasks") == [
            ("find slow queries", "completed", "three are slow")
        ], names
        assert rows(conn, "SELECT topic, from_agent_id FROM agent_messages") == [("agent.completed", "Explore")], names


@pytest.mark.contract("HOOK an agent's result is kept and told")
def test_the_end_of_a_subagent_is_told_once(conn: Conn) -> None:
    for order in (SUBAGENT, SUBAGENT[::-1]):
        conn.execute("DELETE FROM events")
        picture(conn, [[one] for one in order])
        told = [name for (name,) in rows(conn, "SELECT event FROM events ORDER BY id")]
        assert [told.count(name) for name in ("subtask.created", "subtask.completed", "agent.disconnected",
                                              "message.new")] == [1, 1, 1, 1]  # fmt: skip


def test_a_subagent_that_is_started_again_runs_again_and_each_end_is_broadcast(conn: Conn) -> None:
    again = [subagent(6, "SubagentStart"), subagent(8, "SubagentStop", last_assistant_message="two more")]
    for order in permutations([*SUBAGENT[1:3], *again]):
        picture(conn, [[one] for one in order])
        assert rows(conn, "SELECT status, completed_at FROM subtasks") == [("completed", again[1].at)]
    picture(conn, [SUBAGENT, again[:1]])
    assert rows(conn, "SELECT status, completed_at FROM subtasks") == [("running", None)]
    store(conn, again[1])
    assert rows(conn, "SELECT count(*) FROM agent_messages") == [(2,)]


def test_a_phantom_stop_is_no_subagent_and_closes_none(conn: Conn) -> None:
    phantom = event(3, "SubagentStop", agent_id="phantom", agent_type="", prompt_id="p1", last_assistant_message="sum")
    for batches in ([[SUBAGENT[1]], [phantom]], [[phantom], [SUBAGENT[1]]], [[phantom, SUBAGENT[1]]]):
        picture(conn, batches)
        assert rows(conn, "SELECT agent_id, status FROM subtasks") == [("a1", "running")]
        assert rows(conn, "SELECT count(*) FROM agent_messages") == [(0,)]


def test_a_prompt_takes_the_place_of_what_stood_for_it(conn: Conn) -> None:
    prompt = event(1, "UserPromptSubmit", prompt="make it faster", prompt_id="p1", cwd="/w/shop")
    work = subagent(2, "SubagentStart", cwd="/w/shop")
    for order in ([prompt, work], [work, prompt]):
        picture(conn, [[one] for one in order])
        assert rows(conn, "SELECT r.prompt, r.created_at, r.metadata, p.path FROM requests r JOIN projects p "
                          "ON p.id = r.project_id") == [("make it faster", prompt.at, {}, "/w/shop")]  # fmt: skip
        assert rows(conn, "SELECT agent_id, session_id, project_path FROM v_active_agents") == [("a1", "s1", "/w/shop")]


def test_a_placeholder_is_no_prompt_that_is_told(conn: Conn) -> None:
    conn.execute("LISTEN dcm_events")
    store(conn, subagent(1, "SubagentStart"))
    store(conn, event(2, "UserPromptSubmit", prompt="make it faster", prompt_id="p1"))
    store(conn, subagent(3, "SubagentStart", agent="a2"))
    conn.execute("NOTIFY dcm_events, 'over'")
    told = []
    for notification in conn.notifies(timeout=5):
        told.append(notification.payload)
        if notification.payload == "over":
            break
    assert sum('"request.created"' in payload for payload in told) == 1


def unnumbered(events: list[HookEvent]) -> list[HookEvent]:
    """The events as a client sends them that numbers no prompts."""
    return [parse(one.entry_id, one.at, {k: v for k, v in one.payload.items() if k != "prompt_id"}) for one in events]


PLACE = {"cwd": "/w/shop", "transcript_path": "/t/s1.jsonl"}
LATE = [
    subagent(0.5, "SubagentStart", "a0", **PLACE),
    subagent(3.5, "SubagentStop", "a0", last_assistant_message="all", **PLACE),
    subagent(17.5, "SubagentStart", "a2", **PLACE),
    agent_tool(18.5, "PostToolUse", "t9", tool_input={"subagent_type": "Plan"}, tool_response="done", **PLACE),
    subagent(21, "SubagentStop", "a2", **PLACE),
]
HOMES = """SELECT coalesce(s.agent_id, s.tool_use_id), r.prompt
           FROM subtasks s JOIN task_lists t ON t.id = s.task_list_id JOIN requests r ON r.id = t.request_id
           ORDER BY s.created_at"""


@ONE_DATABASE
@given(tellings(unnumbered(a_session() + LATE)))
def test_what_names_no_prompt_belongs_to_the_newest_before_it_in_any_order_and_any_batches(
    conn: Conn, batches: list[list[HookEvent]]
) -> None:
    assert picture(conn, batches) == picture(conn, [unnumbered(a_session() + LATE)])
    assert rows(conn, HOMES) == [
        ("a0", UNSEEN_PROMPT), ("a1", "make the cart faster"), ("a2", "now the tests"), ("t9", "now the tests"),
    ]  # fmt: skip


def test_no_placeholder_is_left_where_a_prompt_was_seen(conn: Conn) -> None:
    story = unnumbered([event(1, "UserPromptSubmit", prompt="make it faster"), *SUBAGENT[1:]])
    for order in permutations(story):
        picture(conn, [[one] for one in order])
        assert rows(conn, "SELECT prompt FROM requests") == [("make it faster",)]


def test_a_client_that_numbers_prompts_and_not_what_subagents_do_has_them_filed_under_the_prompt(conn: Conn) -> None:
    prompt = event(1, "UserPromptSubmit", prompt="make it faster", prompt_id="p1")
    for order in permutations([prompt, *unnumbered(SUBAGENT[1:])]):
        picture(conn, [[one] for one in order])
        assert rows(conn, HOMES) == [("a1", "make it faster")]


def test_a_turn_that_names_no_prompt_ends_the_newest_one_before_it_in_every_order(conn: Conn) -> None:
    story = [event(1, "UserPromptSubmit", prompt="one"), event(2, "Stop"), event(3, "UserPromptSubmit", prompt="two"),
             event(4, "StopFailure")]  # fmt: skip
    for order in permutations(story):
        picture(conn, [[one] for one in order])
        found = rows(conn, "SELECT prompt, status, completed_at FROM requests ORDER BY created_at")
        assert found == [("one", "completed", story[1].at), ("two", "failed", story[3].at)], [e.at for e in order]
        assert rows(conn, "SELECT status FROM task_lists ORDER BY created_at") == [("completed",), ("failed",)]


def test_the_end_of_a_turn_ends_its_request_in_either_order(conn: Conn) -> None:
    for (end, status), prompt_id in product([("Stop", "completed"), ("StopFailure", "failed")], ["p1", ""]):
        prompt, stop = (
            event(1, "UserPromptSubmit", prompt="do", prompt_id=prompt_id),
            event(2, end, prompt_id=prompt_id),
        )
        other = event(3, "UserPromptSubmit", prompt="more", prompt_id="p2")
        for order in permutations([prompt, stop, other]):
            picture(conn, [[one] for one in order])
            found = rows(conn, "SELECT prompt, status, completed_at FROM requests ORDER BY created_at")
            assert found == [("do", status, stop.at), ("more", "active", None)]
            assert rows(conn, "SELECT status FROM task_lists ORDER BY created_at") == [(status,), ("running",)]


def test_two_subagents_of_one_kind_that_start_one_after_the_other_have_the_names_of_their_own_calls(conn: Conn) -> None:
    for number, (call, agent, task) in enumerate([("t1", "a1", "find slow queries"), ("t2", "a2", "read the docs")]):
        asked = {"subagent_type": "Explore", "description": task}
        store(conn, agent_tool(number * 2 + 1, "PreToolUse", call, tool_input=asked))
        store(conn, subagent(number * 2 + 2, "SubagentStart", agent))
    named = "SELECT agent_id, description FROM subtasks ORDER BY 1"
    assert rows(conn, named) == [("a1", "find slow queries"), ("a2", "read the docs")]
    assert tool(9).tool_use_id not in str(rows(conn, "SELECT tool_use_id FROM subtasks"))


@pytest.mark.parametrize(("length", "kept"), [(500, "x" * 500), (501, "x" * 497 + "...")])
def test_a_long_description_is_cut_whichever_event_tells_it(conn: Conn, length: int, kept: str) -> None:
    asked = {"subagent_type": "Explore", "description": "x" * length}
    call = [agent_tool(1, "PreToolUse", tool_input=asked), subagent(2, "SubagentStart")]
    end = agent_tool(3, "PostToolUse", tool_input=asked)
    for batches in ([call], [[end]], [call, [end]]):
        picture(conn, batches)
        assert rows(conn, "SELECT description FROM subtasks") == [(kept,)]


def of_another_session(one: HookEvent) -> HookEvent:
    fields = dict(one.payload) | ({"tool_use_id": f"{one.tool_use_id}-2"} if one.tool_use_id else {})
    return parse(one.entry_id, one.at, fields | {"session_id": "s2"})


def test_sessions_that_run_at_once_keep_to_themselves(conn: Conn) -> None:
    mine, theirs = a_session("/w/shop"), [of_another_session(one) for one in a_session("/w/bank")]
    store(conn, *[one for pair in zip(mine, theirs, strict=True) for one in pair])
    assert rows(conn, "SELECT s.id, p.path, total_tools_used FROM sessions s JOIN projects p ON p.id = project_id "
                      "ORDER BY 1") == [("s1", "/w/shop", 6), ("s2", "/w/bank", 6)]  # fmt: skip


def busy_subagents() -> list[HookEvent]:
    """Two subagents that use many tools."""
    calls = [
        subagent(n / 2, "PreToolUse", "a1" if n % 2 else "a2", tool_name="Bash", tool_input={}, tool_use_id=f"t{n}")
        for n in range(2, 14)
    ]
    return [
        event(0, "UserPromptSubmit", prompt="look", prompt_id="p1"),
        subagent(0.5, "SubagentStart"),
        *calls,
        subagent(8, "SubagentStop", last_assistant_message="three are slow"),
    ]


@ONE_DATABASE
@given(tellings(busy_subagents()))
def test_signs_of_life_of_subagents_give_the_same_rows_in_any_batches(
    conn: Conn, batches: list[list[HookEvent]]
) -> None:
    one_by_one = [[each] for each in busy_subagents()]
    assert picture(conn, batches) == picture(conn, one_by_one)
