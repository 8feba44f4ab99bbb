"""Making briefs: what a session's hooks, and its transcript where it can be read, put into one."""

import json
import os
from pathlib import Path

import psycopg
import pytest
from stories import a_session, agent_tool, at, event, rows, store, subagent, tool

from db import briefs
from db.pool import Conn
from dcm import transcript_ends
from dcm.domain.instants import instant
from dcm.settings import Settings
from workers import briefs as making
from workers.briefs import assemble, make_brief


def transcript(folder: Path, *records: dict[str, object], name: str = "s1.jsonl") -> str:
    """A transcript of these records; its path."""
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"".join(json.dumps(record).encode() + b"\n" for record in records))
    return str(path)


def said(text: str, **fields: object) -> dict[str, object]:
    return {
        "type": "assistant",
        "message": {"content": [{"type": "text", "text": text}]},
        "gitBranch": "speed",
    } | fields


def brief_of(conn: Conn, session: str = "s1") -> str:
    found = briefs.newest(conn, session)
    assert found
    return found.content


def section(brief: str, head: str) -> list[str]:
    """The lines of a section."""
    return brief.partition(f"\n## {head}\n")[2].partition("\n\n## ")[0].splitlines()


def test_the_brief_of_a_session_is_complete_from_its_hooks_alone(worker: Settings, conn: Conn) -> None:
    store(conn, *a_session())
    make_brief("s1", at(21).isoformat(), "auto")
    brief = brief_of(conn)
    assert brief.startswith("# Where this session stood in /w/shop\n")
    assert "after 6 tool calls" in brief
    assert section(brief, "What the user asked") == ["2. now the tests", "1. make the cart faster"]
    assert section(brief, "Required, forbidden, decided") == ["- Which cache? → none"]
    assert section(brief, "Errors still open") == [
        "- `pytest -q` failed at 12:00:",
        "  E   assert 2 == 3",
    ]
    assert section(brief, "Files changed") == ["- ./: cart.py"]
    assert section(brief, "Subagents") == ["- Explore “find slow queries”: three are slow"]
    assert section(brief, "What the agent said last") == ["The cart is faster."]


def test_a_brief_holds_nothing_of_what_came_after_its_moment(worker: Settings, conn: Conn) -> None:
    store(conn, *a_session())
    make_brief("s1", at(4).isoformat(), "auto")
    brief = brief_of(conn)
    assert section(brief, "What the user asked") == ["1. make the cart faster"]
    assert section(brief, "Errors still open")[0] == "- `pytest -q` failed at 12:00:"
    for head in ("Required, forbidden, decided", "Files changed", "Subagents", "What the agent said last"):
        assert f"## {head}" not in brief


def test_what_was_settled_long_ago_is_in_the_brief_of_a_long_session(
    worker: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "CALLS_LIMIT", 3)
    store(conn, *a_session(), *(tool(30 + n, f"run {n}") for n in range(5)))
    make_brief("s1", at(50).isoformat(), "auto")
    brief = brief_of(conn)
    assert section(brief, "Required, forbidden, decided") == ["- Which cache? → none"]
    assert section(brief, "Files changed") == ["- ./: cart.py"]
    assert section(brief, "Commands run and how they ended") == [f"- `run {n}` → ok" for n in (4, 3, 2)]


def test_a_block_of_a_session_or_of_an_agent_at_work_in_it_is_in_the_brief(worker: Settings, conn: Conn) -> None:
    store(conn, *a_session()[:6])
    for agent, reason in (("s1", "the database moves"), ("Explore", None), ("somebody", "x")):
        conn.execute(
            "INSERT INTO blocked_agents (blocked_by, blocked_agent, reason) VALUES ('dba', %s, %s)", [agent, reason]
        )
    make_brief("s1", at(7).isoformat(), "auto")
    assert sorted(section(brief_of(conn), "Blocked")) == [
        "- Explore is blocked by dba: no reason given",
        "- s1 is blocked by dba: the database moves",
    ]


def test_what_the_user_refused_and_said_with_it_is_in_the_brief(worker: Settings, conn: Conn) -> None:
    call = {"tool_name": "Bash", "tool_input": {"command": "rm -rf data"}}
    edit = {"tool_name": "Edit", "tool_input": {"file_path": "/w/shop/a.py"}, "tool_use_id": "t9"}
    words = "The user doesn't want to proceed with this tool use. To tell you how to proceed, the user said:\nnot here"
    store(
        conn,
        event(1, "UserPromptSubmit", prompt="tidy up", prompt_id="p1"),
        event(2, "PermissionDenied", **call, reason="archive it to s3 instead"),
        event(3, "PostToolUseFailure", **edit, error=words),
    )
    found = assemble(conn, "s1", at(9), "auto")
    assert found
    assert [decision.text for decision in found.decisions] == [
        "Refused Edit /w/shop/a.py: not here", "Refused `rm -rf data`: archive it to s3 instead",
    ]  # fmt: skip


def test_an_error_that_was_put_right_is_not_in_the_brief(worker: Settings, conn: Conn) -> None:
    store(conn, *a_session(), tool(21, "pytest", tool_use_id="t21"))
    make_brief("s1", at(22).isoformat(), "auto")
    assert "Errors still open" not in brief_of(conn)


def test_a_transcript_that_can_be_read_adds_to_the_brief(worker: Settings, conn: Conn, tmp_path: Path) -> None:
    path = transcript(tmp_path, said("Next: the index. \ud83d\x00"), said("a subagent's", isSidechain=True))
    store(conn, *a_session(transcript_path=path))
    make_brief("s1", at(21).isoformat(), "auto")
    brief = brief_of(conn)
    assert section(brief, "What the agent said last") == ["Next: the index. ?\ufffd"]
    assert brief.startswith("# Where this session stood in /w/shop, branch speed\n")


def test_the_first_prompt_is_taken_from_the_transcript_when_no_hook_told_it(
    worker: Settings, conn: Conn, tmp_path: Path
) -> None:
    prompt = {"type": "user", "message": {"content": "make it faster"}}
    store(conn, tool(1, transcript_path=transcript(tmp_path, prompt)))
    make_brief("s1", at(2).isoformat(), "auto")
    assert section(brief_of(conn), "What the user asked") == ["1. make it faster"]


def test_a_transcript_that_cannot_be_read_is_done_without(worker: Settings, conn: Conn) -> None:
    for number, path in enumerate(["", "/nowhere/x.jsonl", "/", "\ufffd"]):
        store(conn, tool(1, "run", session_id=f"s{number}", tool_use_id=f"t{number}", transcript_path=path))
        make_brief(f"s{number}", at(21).isoformat(), "auto")
        assert "`run` → ok" in brief_of(conn, f"s{number}"), path


def test_what_is_no_file_is_not_taken_for_a_transcript(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.jsonl"
    os.mkfifo(pipe)
    for path in (str(pipe), "/dev/zero", str(tmp_path), "/a\0b"):
        assert transcript_ends.tail(path) == []


def test_a_session_nobody_knows_gets_no_brief(worker: Settings, conn: Conn) -> None:
    make_brief("unknown", at(1).isoformat(), "auto")
    assert briefs.newest(conn, "unknown") is None
    assert assemble(conn, "unknown", at(1), "auto") is None


def test_a_brief_made_again_for_the_same_moment_replaces_the_first_and_the_newest_moment_wins(
    worker: Settings, conn: Conn
) -> None:
    store(conn, tool(1, "first"))
    make_brief("s1", at(5).isoformat(), "auto")
    store(conn, tool(2, "second"))
    make_brief("s1", at(5).isoformat(), "auto")
    make_brief("s1", at(1).isoformat(), "auto")
    assert rows(conn, "SELECT count(*) FROM briefs") == [(2,)]
    assert section(brief_of(conn), "Commands run and how they ended") == ["- `second` → ok", "- `first` → ok"]


def test_a_brief_that_is_ready_is_told_to_those_who_wait_for_it(
    worker: Settings, conn: Conn, database_url: str
) -> None:
    store(conn, *a_session())
    with psycopg.connect(database_url, autocommit=True) as ear:
        ear.execute("LISTEN dcm_ready; LISTEN dcm_events")
        make_brief("s1", at(21).isoformat(), "manual")
        heard = [(n.channel, n.payload) for n in ear.notifies(timeout=10, stop_after=3)]
    assert ("dcm_ready", "s1") in heard
    assert [json.loads(payload)["event"] for channel, payload in heard if channel == "dcm_events"] == [
        "compact.saved",
        "brief.ready",
    ]


SNAPSHOT = "SELECT role_context, agent_type, progress_summary, tools_used FROM agent_contexts WHERE agent_id = %s"


@pytest.mark.contract("HOOK a compaction is preceded by a snapshot")
def test_the_snapshot_of_the_main_conversation_is_kept_where_restore_reads_it(worker: Settings, conn: Conn) -> None:
    store(conn, *a_session())
    for moment in (21, 22):
        make_brief("s1", at(moment).isoformat(), "manual")
    ((context, kind, summary, files),) = rows(conn, SNAPSHOT, "compact-snapshot-s1")
    assert (kind, summary, files) == ("compact-snapshot", "Pre-compact snapshot", ["/w/shop/cart.py"])
    assert (context["trigger"], context["saved_at"]) == ("manual", instant(at(22)))
    assert (context["modified_files"], context["key_decisions"]) == (["/w/shop/cart.py"], ["Which cache? → none"])
    assert context["agent_states"] == [
        {"agent_id": "a1", "agent_type": "Explore", "status": "completed", "summary": "three are slow"}
    ]


def test_a_session_of_which_nothing_is_known_but_its_start_has_an_empty_brief(worker: Settings, conn: Conn) -> None:
    store(conn, event(1, "SessionStart", source="compact", cwd="/w/shop"), tool(2, session_id="s2"))
    for session in ("s1", "s2"):
        make_brief(session, at(3).isoformat(), "auto")
    assert brief_of(conn) == ""
    assert "after 1 tool calls" in brief_of(conn, "s2")


def test_what_is_made_while_a_subagent_compacts_does_not_touch_the_main_snapshot(worker: Settings, conn: Conn) -> None:
    store(conn, *a_session()[:4])
    make_brief("s1", at(4).isoformat(), "auto")
    store(conn, agent_tool(5, "PreToolUse", cwd="/w/shop"), subagent(6, "SubagentStart", cwd="/w/shop"))
    store(conn, event(7, "PreCompact", trigger="auto"))
    make_brief("s1", at(7).isoformat(), "auto")
    assert rows(conn, "SELECT made_for, subject FROM briefs ORDER BY 1") == [(at(4), "main"), (at(7), "subagent")]
    ((context, *_),) = rows(conn, SNAPSHOT, "compact-snapshot-s1")
    assert context["saved_at"] == instant(at(4))


def test_messages_of_other_sessions_of_the_project_are_in_the_brief_and_ones_own_are_not(
    worker: Settings, conn: Conn
) -> None:
    store(conn, *a_session())
    store(conn, event(1, "SessionStart", "s2", cwd="/w/shop"), event(1, "SessionStart", "s3", cwd="/w/bank"))
    for session, head in (("s1", False), ("s2", True), ("s3", False)):
        make_brief(session, at(30).isoformat(), "auto")
        assert ("- Explore (agent.completed): three are slow" in brief_of(conn, session)) is head, session
