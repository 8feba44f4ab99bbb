"""SessionStart after a compaction: the brief that is ready, the one that soon will be, or the last there is."""

import json
import uuid
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from api_server import Answer, ApiServer, database_away, wait_for

from api.restore import PATIENCE
from db import briefs
from db.pool import Conn
from dcm.broker import compaction_key, mailbox_key
from dcm.domain.briefs import AGE_NOTE, HOOK_LIMIT, brief
from dcm.domain.compactions import Subject
from dcm.domain.instants import instant
from dcm.domain.mail import Letter, sealed
from dcm.domain.snapshots import Decision, Note, Snapshot
from dcm.domain.streams import moment


def ago() -> datetime:
    """Seven minutes and a half before this moment."""
    return datetime.now(UTC) - timedelta(minutes=7, seconds=30)


@pytest.fixture
def asking(server: ApiServer, conn: Conn) -> Iterator["Asking"]:
    """Sessions that ask for their brief."""
    with ThreadPoolExecutor(10) as threads:
        yield Asking(server, threads)


class Asking:
    """Begins compactions and asks for briefs beside the test."""

    def __init__(self, server: ApiServer, threads: ThreadPoolExecutor) -> None:
        self.server, self.threads = server, threads

    def begin(self, session: str = "s1") -> datetime:
        """A PreCompact; gives when the server says it began."""
        assert self.server.hook({"session_id": session, "hook_event_name": "PreCompact"}).status == 200
        return moment(self.server.valkey.client.get(compaction_key(session)))

    def start(self, session: str = "s1", source: str = "compact", **fields: str) -> Future[Answer]:
        """A SessionStart; it is taken when this returns, and perhaps not answered."""
        before = len(self.server.valkey.payloads())
        payload = {"session_id": session, "hook_event_name": "SessionStart", "source": source, **fields}
        answer = self.threads.submit(self.server.hook, payload)
        wait_for(lambda: len(self.server.valkey.payloads()) > before or answer.done(), "taking the event")
        return answer


def keep(
    conn: Conn,
    made_for: datetime,
    content: str = "the brief",
    *,
    session: str = "s1",
    subject: Subject = Subject.MAIN,
    trigger: str = "auto",
) -> None:
    snapshot = Snapshot(session_id=session, trigger=trigger, saved_at=made_for, folder="/src")
    briefs.keep(conn, snapshot, content, subject)


def given(answer: Answer) -> str:
    """The text put into the conversation."""
    assert answer.status == 200
    output = answer.json["hookSpecificOutput"]
    assert output["hookEventName"] == "SessionStart"
    text: str = output["additionalContext"]
    return text


def test_a_brief_that_is_ready_is_given_at_once_and_noted_as_given(asking: Asking, conn: Conn) -> None:
    keep(conn, asking.begin(), "what was done — é")
    answer = asking.start().result()
    assert given(answer) == "what was done — é"
    assert answer.seconds < PATIENCE
    assert conn.execute("SELECT count(given_at) FROM briefs").fetchall() == [(1,)]


@pytest.mark.parametrize(("seconds", "told"), [(0.1, False), (-60, True)])
def test_what_this_compactions_summary_says_makes_room_and_no_older_ones(
    asking: Asking, conn: Conn, tmp_path: Path, seconds: float, told: bool
) -> None:
    began = asking.begin()
    decisions = [Decision(f"never touch module {number * 7919}", began, 1) for number in range(300)]
    snapshot = Snapshot(session_id="s1", trigger="auto", saved_at=began, folder="/src", decisions=decisions)
    briefs.keep(conn, snapshot, brief(snapshot), Subject.MAIN)
    summary = {"role": "user", "content": "- never touch module 0\n- never touch module 7919"}
    record = {"type": "user", "isCompactSummary": True, "message": summary, "sessionId": "s1"}
    record["timestamp"] = instant(began + timedelta(seconds=seconds))
    transcript = tmp_path / "s1.jsonl"
    transcript.write_text(f"{json.dumps(record)}\n", encoding="utf-8")
    text = given(asking.start(transcript_path=str(transcript)).result())
    assert ("never touch module 0 (1.)" in text) is told
    assert "never touch module 15838 (1.)" in text
    assert conn.execute("SELECT content FROM briefs").fetchall() == [(text,)]


def test_a_brief_that_gets_ready_meanwhile_is_given_as_soon_as_it_is_kept_and_once(asking: Asking, conn: Conn) -> None:
    began = asking.begin()
    keep(conn, ago(), "an older one")
    waiting, fired_twice = asking.start(), asking.start()
    keep(conn, datetime.now(UTC), "another session's", session="s2")
    assert not waiting.done()
    keep(conn, began, "the one made for it")
    kept = datetime.now(UTC)
    answers = [waiting.result(), fired_twice.result()]
    assert [given(answer) for answer in answers if answer.body != b"{}"] == ["the one made for it"]
    assert datetime.now(UTC) - kept < timedelta(seconds=0.5)


def test_a_compaction_that_is_announced_twice_has_the_brief_of_its_first_announcement(
    asking: Asking, conn: Conn
) -> None:
    began = asking.begin()
    keep(conn, began, "made for the first")
    assert asking.begin() > began
    answer = asking.start().result()
    assert given(answer) == "made for the first"
    assert answer.seconds < PATIENCE
    assert asking.start().result().body == b"{}"


def test_a_compaction_that_begins_right_after_another_has_ended_gets_a_brief_of_its_own(
    asking: Asking, conn: Conn
) -> None:
    for content in ("the first", "the second"):
        keep(conn, asking.begin(), content)
        assert given(asking.start().result()) == content
        assert asking.start().result().body == b"{}"
        assert asking.server.hook({"session_id": "s1", "hook_event_name": "PostCompact"}).status == 200


def test_when_nothing_gets_ready_in_two_seconds_the_newest_older_brief_is_given_with_its_age(
    asking: Asking, conn: Conn
) -> None:
    longest = "b" * (HOOK_LIMIT - AGE_NOTE)
    keep(conn, ago() - timedelta(hours=5), "an old one")
    keep(conn, ago(), longest)
    asking.begin()
    answer = asking.start().result()
    assert 1.9 < answer.seconds < 2.6
    text = given(answer)
    assert "made 7 minutes ago" in text.partition("\n")[0]
    assert text.endswith("\n" + longest)
    assert len(text) <= HOOK_LIMIT


def test_when_there_is_no_brief_at_all_the_answer_is_empty_after_two_seconds(asking: Asking) -> None:
    asking.begin()
    answer = asking.start().result()
    assert (answer.status, answer.body) == (200, b"{}")
    assert 1.9 < answer.seconds < 2.6


@pytest.mark.parametrize("subject", [Subject.SUBAGENT, Subject.UNKNOWN])
def test_a_compaction_that_is_or_may_be_a_subagents_gets_nothing(asking: Asking, conn: Conn, subject: Subject) -> None:
    began = asking.begin()
    keep(conn, ago(), "the main conversation's")
    keep(conn, began, subject=subject)
    answer = asking.start().result()
    assert answer.body == b"{}"
    assert answer.seconds < 0.5


def test_a_proactive_brief_that_is_made_meanwhile_does_not_decide_whose_compaction_it_is(
    asking: Asking, conn: Conn
) -> None:
    began = asking.begin()
    keep(conn, began, subject=Subject.UNKNOWN)
    keep(conn, datetime.now(UTC), "proactive", trigger="proactive")
    assert asking.start().result().body == b"{}"


def test_a_brief_is_not_given_when_another_compaction_began_meanwhile_beside_a_subagent(
    asking: Asking, conn: Conn
) -> None:
    keep(conn, asking.begin())
    conn.execute("INSERT INTO subtasks (session_id, agent_type, status) VALUES ('s1', 'Explore', 'running')")
    conn.execute(
        "INSERT INTO hook_events (id, session_id, event, event_key, created_at, payload) "
        "VALUES (%s, 's1', 'PreCompact', 'k', now(), '{}')",
        [uuid.uuid4()],
    )
    assert asking.start().result().body == b"{}"
    assert conn.execute("SELECT count(given_at) FROM briefs").fetchall() == [(0,)]


@pytest.mark.parametrize("source", ["startup", "resume", "clear"])
def test_a_session_that_starts_otherwise_waits_for_nothing(asking: Asking, conn: Conn, source: str) -> None:
    keep(conn, asking.begin())
    answer = asking.start(source=source).result()
    assert answer.body == b"{}"
    assert answer.seconds < PATIENCE


def test_a_compaction_whose_beginning_was_not_seen_asks_for_a_brief_of_its_own(asking: Asking, conn: Conn) -> None:
    waiting = asking.start()

    def messages() -> list[bytes]:
        found: list[bytes] = asking.server.valkey.client.hvals("dcm:dramatiq:default.msgs")
        return found

    [sent] = map(json.loads, wait_for(messages, "a request for a brief"))
    session, asked_at, trigger = sent["args"]
    assert (sent["actor_name"], session, trigger) == ("make_brief", "s1", "auto")
    keep(conn, datetime.fromisoformat(asked_at), "made when asked")
    assert given(waiting.result()) == "made when asked"
    assert waiting.result().seconds < 1.9


def test_while_postgres_is_away_the_answer_is_empty_in_time_and_briefs_are_told_again_when_it_is_back(
    asking: Asking, conn: Conn
) -> None:
    conn.close()
    url = asking.server.database_url
    with database_away(url):
        answer = asking.start("s0").result()
        assert (answer.status, answer.body) == (200, b"{}")
        assert answer.seconds < 2.6
    listening = "SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dcm listen dcm_ready'"
    with psycopg.connect(url, autocommit=True) as again:
        wait_for(lambda: again.execute(f"{listening} AND datname = current_database()").fetchone()[0], "listening")
        began = asking.begin()
        waiting = asking.start()
        keep(again, began, "after the outage")
        assert given(waiting.result()) == "after the outage"
        assert waiting.result().seconds < 1.9


def test_a_session_of_which_there_is_nothing_to_tell_gets_nothing_at_once(asking: Asking, conn: Conn) -> None:
    keep(conn, asking.begin(), "")
    answer = asking.start().result()
    assert (answer.body, answer.seconds < 0.5) == (b"{}", True)
    keep(conn, ago(), "", session="s2")
    asking.begin("s2")
    assert asking.start("s2").result().body == b"{}"


def test_a_compaction_whose_beginning_was_not_seen_never_gets_the_brief_of_the_one_before_as_its_own(
    asking: Asking, conn: Conn
) -> None:
    began = asking.begin()
    keep(conn, began, "the one before")
    assert given(asking.start().result()) == "the one before"
    conn.execute("UPDATE briefs SET given_at = now() - interval '1 minute'")
    assert "ago" in given(asking.start().result()).partition("\n")[0]


def test_an_older_brief_is_not_given_while_a_subagent_may_be_the_one_that_asks(asking: Asking, conn: Conn) -> None:
    keep(conn, ago(), "an older one")
    conn.execute("INSERT INTO subtasks (session_id, agent_id, status) VALUES ('s1', 'a1', 'running')")
    asking.begin()
    assert asking.start().result().body == b"{}"


def test_messages_that_stood_in_a_brief_are_not_told_again_with_the_next_hooks(asking: Asking, conn: Conn) -> None:
    shown, left_out = (uuid.uuid4() for _ in range(2))
    conn.execute(
        "INSERT INTO agent_messages (id, to_agent_id, message_type, payload) "
        "SELECT unnest(%s::uuid[]), 's1', 't', '{}'",
        [[shown, left_out]],
    )
    notes = [Note("planner", "t", "the port is 8080", str(shown)), Note("planner", "t", "and 9090", str(left_out))]
    began = asking.begin()
    snapshot = Snapshot(session_id="s1", trigger="auto", saved_at=began, folder="", notes=notes)
    briefs.keep(conn, snapshot, "## Unread messages\n- planner (t): the port is 8080\n- … 1 more", Subject.MAIN)
    letters = [Letter("the port is 8080", str(shown)), Letter("and 9090", str(left_out))]
    asking.server.valkey.client.set(mailbox_key("s1"), b"".join(map(sealed, letters)))
    given(asking.start().result())
    answer = asking.server.hook({"session_id": "s1", "hook_event_name": "UserPromptSubmit"})
    assert answer.json["hookSpecificOutput"]["additionalContext"] == "and 9090"


def prompted(conn: Conn) -> None:
    """A prompt in session s1, at this moment."""
    conn.execute("INSERT INTO sessions (id) VALUES ('s1') ON CONFLICT DO NOTHING")
    conn.execute("INSERT INTO requests (session_id, prompt) VALUES ('s1', 'go on')")
    conn.execute(
        "INSERT INTO hook_events (id, session_id, event, event_key, created_at, payload) "
        "VALUES (%s, 's1', 'UserPromptSubmit', 'k1', now(), '{}')",
        [uuid.uuid4()],
    )


def test_a_session_that_goes_on_gets_a_brief_of_what_happened_since_its_last_one(asking: Asking, conn: Conn) -> None:
    def asked() -> list[list[str]]:
        sent = map(json.loads, asking.server.valkey.client.hvals("dcm:dramatiq:default.msgs"))
        return [one["args"] for one in sent]

    prompted(conn)
    waiting = asking.start(source="resume")
    [(session, asked_at, trigger)] = wait_for(asked, "a request for a brief")
    assert (session, trigger) == ("s1", "resume")
    keep(conn, datetime.fromisoformat(asked_at), "where it stood", trigger="resume")
    assert given(waiting.result()) == "where it stood"

    again = asking.start(source="resume").result()
    assert again.body == b"{}"
    assert again.seconds < 0.3
    assert len(asked()) == 1
