"""Settling whose compaction it was, by the boundary that was written, and giving the main one a late brief."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
import redis
from stories import agent_tool, at, event, rows, store, subagent, tool

from db import briefs, compact, compactions, messages
from db.pool import Conn
from dcm.broker import mailbox_key
from dcm.domain.compactions import NO_COMPACTIONS, Running, Subject
from dcm.domain.instants import instant
from dcm.domain.mail import opened
from dcm.settings import Settings
from workers import compactions as settling
from workers import mail
from workers.briefs import make_brief
from workers.compactions import settle_compaction

SNAPSHOT = "SELECT role_context ->> 'saved_at' FROM agent_contexts WHERE agent_id = 'compact-snapshot-s1'"


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Boundaries are there at once in a test, or never."""
    monkeypatch.setattr(settling, "BOUNDARY_PATIENCE", 0.1)
    monkeypatch.setattr(settling, "BOUNDARY_PAUSE", 0.01)


class Scene:
    """A session `s1` with a transcript, a subagent in the background, and a compaction that began at 10 s."""

    def __init__(self, conn: Conn, folder: Path, valkey_url: str) -> None:
        self.conn, self.main = conn, folder / "s1.jsonl"
        self.valkey = redis.Redis.from_url(valkey_url)
        self.write(self.main, None)
        store(conn, tool(1, transcript_path=str(self.main), cwd="/w"), subagent(2, "SubagentStart", cwd="/w"))

    def write(self, path: Path, boundary: datetime | None) -> None:
        """A line of work, and then a compaction boundary of that time as the client writes it."""
        records: list[dict[str, object]] = [{"type": "assistant", "message": {"content": "working"}}]
        if boundary:
            stamp = boundary.isoformat(timespec="milliseconds").replace("+00:00", "Z")
            records.append({"type": "system", "subtype": "compact_boundary", "timestamp": stamp})
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("a") as file:
            file.writelines(json.dumps(record) + "\n" for record in records)

    def subagents(self, name: str = "a1") -> Path:
        return self.main.with_suffix("") / "subagents" / f"agent-{name}.jsonl"

    def compact(self, second: float, trigger: str = "auto") -> None:
        store(self.conn, event(second, "PreCompact", trigger=trigger))
        make_brief("s1", at(second).isoformat(), trigger)

    def settle(self, second: float, trigger: str = "auto") -> list[tuple[Any, ...]]:
        """(subject, whether settled) of each compaction, after the PostCompact at that second."""
        settle_compaction("s1", at(second).isoformat(), trigger)
        return rows(self.conn, "SELECT subject, settled_at IS NOT NULL FROM briefs ORDER BY made_for")

    def give(self, second: float) -> None:
        """The brief was given to its conversation at that second."""
        compactions.give(self.conn, "s1", at(10))
        self.conn.execute("UPDATE briefs SET given_at = %s WHERE given_at IS NOT NULL", [at(second)])

    def mail(self) -> str | None:
        """What waits for the main conversation."""
        found = self.valkey.get(mailbox_key("s1"))
        return "\n\n".join(letter.text for letter in opened(found, 0)) if found else None


@pytest.fixture
def scene(worker: Settings, conn: Conn, tmp_path: Path) -> Scene:
    return Scene(conn, tmp_path, worker.redis_url)


def test_a_boundary_in_the_main_transcript_makes_it_the_main_conversations(scene: Scene) -> None:
    scene.compact(10)
    assert rows(scene.conn, "SELECT subject FROM briefs") == [("unknown",)]
    assert rows(scene.conn, SNAPSHOT) == []
    scene.write(scene.main, at(11))
    assert scene.settle(12) == [("main", True)]
    assert rows(scene.conn, SNAPSHOT) == [(instant(at(10)),)]
    assert (scene.mail() or "").startswith("# Where this session stood in /w")
    assert 0 < scene.valkey.ttl(mailbox_key("s1")) <= mail.MAIL_SECONDS
    assert compactions.last_given(scene.conn, "s1") is not None


def test_the_session_then_counts_as_compacted(scene: Scene) -> None:
    store(scene.conn, event(1, "UserPromptSubmit", prompt="Mend the parser", prompt_id="p1"))
    scene.compact(10)
    scene.write(scene.main, at(11))
    scene.settle(12)
    marks = compact.marks(scene.conn, "s1") or {}
    assert (marks["compacted_at"], marks["compact_summary"], marks["compact_agent"]) == (instant(at(12)), None, "main")


def test_the_summary_that_the_client_wrote_is_kept_of_the_main_conversations_compaction(scene: Scene) -> None:
    store(scene.conn, event(1, "UserPromptSubmit", prompt="Mend the parser", prompt_id="p1"))
    for second, path, boundary in ((10, scene.main, 11), (20, scene.subagents(), 21)):
        scene.compact(second)
        store(
            scene.conn, event(second + 2, "PostCompact", trigger="auto", compact_summary=f"what was done by {second}")
        )
        scene.write(path, at(boundary))
        scene.settle(second + 2)
        store(scene.conn, event(second + 3, "UserPromptSubmit", prompt="and the lexer", prompt_id=f"p{second}"))
        marks = compact.marks(scene.conn, "s1") or {}
        assert (marks["compacted_at"], marks["compact_summary"]) == (instant(at(12)), "what was done by 10")
    kept = [(row["made_for"], row["summary"]) for row in briefs.page(scene.conn, "s1", 5)]
    assert kept == [(at(20), None), (at(10), "what was done by 10")]


def test_a_compaction_right_after_another_has_a_brief_and_a_summary_of_its_own(scene: Scene) -> None:
    for second in (10, 11):
        scene.compact(second)
        scene.write(scene.main, at(second + 0.3))
        store(scene.conn, event(second + 0.5, "PostCompact", trigger="auto", compact_summary=f"done by {second}"))
        scene.settle(second + 0.5)
    assert rows(scene.conn, "SELECT count(*) FROM hook_events WHERE event = 'PreCompact'") == [(2,)]
    assert [row["summary"] for row in briefs.page(scene.conn, "s1", 5)] == ["done by 11", "done by 10"]


def test_of_several_compactions_the_last_is_told_whatever_was_asked_since(scene: Scene) -> None:
    for second in (10, 20):
        store(scene.conn, event(second - 5, "UserPromptSubmit", prompt="more", prompt_id=f"p{second}"))
        assert ("compacted_at" in (compact.marks(scene.conn, "s1") or {})) is (second == 20)
        scene.compact(second)
        scene.write(scene.main, at(second + 1))
        scene.settle(second + 2)
    store(scene.conn, event(30, "UserPromptSubmit", prompt="more", prompt_id="p30"))
    assert (compact.marks(scene.conn, "s1") or {})["compacted_at"] == instant(at(22))


def test_a_main_conversation_of_which_there_is_nothing_to_tell_gets_no_brief(scene: Scene) -> None:
    store(scene.conn, event(1, "PreCompact", "s2", trigger="manual"))
    make_brief("s2", at(1).isoformat(), "manual")
    settle_compaction("s2", at(2).isoformat(), "manual")
    assert rows(scene.conn, "SELECT subject, settled_at IS NOT NULL FROM briefs") == [("main", True)]
    assert scene.valkey.get(mailbox_key("s2")) is None


def test_the_messages_in_a_brief_that_is_mailed_are_read(scene: Scene) -> None:
    message = {"project_id": None, "from_agent": "planner", "to_agent": "s1", "topic": "task.created",
               "content": {"message": "the port is 8080"}, "priority": 0, "ttl_s": 60}  # fmt: skip
    sent = str(messages.send(scene.conn, message)["id"])
    scene.compact(10)
    scene.write(scene.main, at(11))
    scene.settle(12)
    assert "the port is 8080" in (scene.mail() or "")
    assert messages.not_for(scene.conn, [sent], "s1", []) == {sent}


def test_a_main_conversation_that_got_its_brief_gets_no_second_one(scene: Scene) -> None:
    scene.compact(10)
    scene.give(12.5)
    scene.write(scene.main, at(11))
    assert scene.settle(12) == [("main", True)]
    assert scene.mail() is None


def test_a_brief_given_long_before_this_compaction_does_not_count(scene: Scene) -> None:
    scene.compact(10)
    scene.give(5)
    scene.write(scene.main, at(11))
    scene.settle(12)
    assert scene.mail() is not None


def test_a_boundary_in_a_subagents_transcript_leaves_the_main_conversation_alone(scene: Scene) -> None:
    scene.write(scene.main, at(3))
    scene.compact(10)
    scene.write(scene.subagents("a0"), None)
    scene.write(scene.subagents("a1"), at(11))
    assert scene.settle(12) == [("subagent", True)]
    assert (scene.mail(), rows(scene.conn, SNAPSHOT)) == (None, [])


def test_without_a_boundary_it_stays_what_it_was_taken_for(scene: Scene) -> None:
    scene.compact(10)
    assert scene.settle(12) == [("unknown", True)]
    assert scene.mail() is not None
    assert rows(scene.conn, SNAPSHOT) == []


def test_a_subagents_compaction_without_a_boundary_gives_the_main_conversation_nothing(scene: Scene) -> None:
    store(scene.conn, agent_tool(5, "PreToolUse"))
    scene.compact(10)
    assert scene.settle(12) == [("subagent", True)]
    assert scene.mail() is None


def test_a_transcript_that_cannot_be_read_leaves_it_what_it_was_taken_for(scene: Scene) -> None:
    scene.main.unlink()
    store(scene.conn, subagent(3, "SubagentStop"))
    scene.compact(10)
    assert scene.settle(12) == [("main", True)]
    assert scene.mail() is not None


def test_each_end_settles_one_compaction_of_its_own_kind_the_last_that_began(scene: Scene) -> None:
    scene.compact(10)
    scene.compact(11, "manual")
    scene.compact(12)
    assert scene.settle(13, "manual") == [("unknown", False), ("unknown", True), ("unknown", False)]
    assert scene.settle(14) == [("unknown", False), ("unknown", True), ("unknown", True)]
    assert [settled for _, settled in scene.settle(15)] == [True, True, True]


@pytest.mark.parametrize("trigger", sorted(NO_COMPACTIONS))
def test_a_brief_that_somebody_asked_for_meanwhile_takes_no_summary_and_is_not_settled(
    scene: Scene, trigger: str
) -> None:
    scene.compact(10, "manual")
    make_brief("s1", at(11).isoformat(), trigger)
    store(scene.conn, event(12, "PostCompact", trigger="manual", compact_summary="what was done"))
    scene.write(scene.main, at(11.5))
    assert scene.settle(12, "manual") == [("main", True), ("main", False)]
    kept = [(row["trigger"], row["summary"]) for row in briefs.page(scene.conn, "s1", 5)]
    assert kept == [(trigger, None), ("manual", "what was done")]
    newest = briefs.newest(scene.conn, "s1", of_compactions=True)
    assert newest is not None
    assert newest.made_for == at(10)


def test_an_end_of_which_no_beginning_is_known_settles_nothing(scene: Scene) -> None:
    assert scene.settle(12) == []
    scene.compact(20)
    assert scene.settle(19) == [("unknown", False)]
    assert scene.settle(20 + 601) == [("unknown", False)]
    assert scene.mail() is None


def test_what_runs_while_a_compaction_begins(scene: Scene) -> None:
    conn = scene.conn

    def running(second: float) -> Running:
        return compactions.running(conn, "s1", at(second))

    assert running(10) == Running(subagents=1, agent_calls=0, others=0)
    store(conn, agent_tool(11, "PreToolUse"))
    assert running(10).agent_calls == 0
    assert running(12) == Running(subagents=1, agent_calls=1, others=0)
    store(conn, event(13, "UserPromptSubmit", prompt="stop that", prompt_id="p2"))
    assert running(14).agent_calls == 0
    store(conn, event(15, "PreCompact", trigger="auto"), event(16, "PreCompact", trigger="manual"))
    assert (running(15).others, running(16).others, running(16.5).others) == (1, 1, 2)
    assert running(700).others == 0
    make_brief("s1", at(15).isoformat(), "auto")
    compactions.settle(conn, "s1", at(15), Subject.MAIN)
    assert running(16).others == 0
    store(conn, subagent(17, "SubagentStop"))
    assert running(18).subagents == 0
