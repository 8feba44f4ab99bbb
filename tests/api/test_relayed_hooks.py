"""Hooks that a relay passes on: when they happened, and that nobody waits for the answer to those that were kept."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from access_tokens import bearer, owner, token
from api_server import HOOKS, Answer, ApiServer, OwnValkey, serving
from other_machine import ask_from_outside

from db import briefs
from db.pool import Conn
from dcm.broker import compaction_key, mailbox_key, stream_key
from dcm.domain.compactions import Subject
from dcm.domain.mail import Letter, sealed
from dcm.domain.relayed import NO_ANSWER, TIME_HEADER
from dcm.domain.snapshots import Snapshot
from dcm.domain.streams import moment


@pytest.fixture(scope="module")
def module_server(module_database: str, module_valkey: OwnValkey) -> Iterator[ApiServer]:
    """A server that other machines reach."""
    with serving(module_valkey, module_database, HOST="0.0.0.0") as running:
        yield running


def relayed(server: ApiServer, at: datetime | str, name: str = "PostToolUse", *, late: bool = False) -> Answer:
    """A hook as a relay passes it on."""
    told = {TIME_HEADER: at if isinstance(at, str) else at.isoformat(), **(dict([NO_ANSWER]) if late else {})}
    body = json.dumps({"session_id": "s1", "hook_event_name": name, "source": "compact", "agent_id": ""})
    return server.ask("POST", HOOKS, body, told)


def times(server: ApiServer) -> list[datetime]:
    """When the events in the stream happened."""
    return [moment(fields[b"t"]) for _, fields in server.valkey.client.xrange(stream_key(0))]


def briefs_asked(server: ApiServer) -> int:
    """How many briefs the workers were asked for, which the caller then waits for."""
    return sum(b"make_brief" in message for message in server.valkey.client.hvals("dcm:dramatiq:default.msgs"))


def test_an_event_lies_in_the_stream_with_the_time_the_relay_took_it(server: ApiServer) -> None:
    at = datetime.now(UTC) - timedelta(days=3)
    assert relayed(server, at).status == 200
    assert times(server) == [at]


def test_an_event_from_a_clock_that_is_ahead_is_taken_for_one_of_now(server: ApiServer) -> None:
    assert relayed(server, datetime.now(UTC) + timedelta(hours=1)).status == 200
    assert abs(times(server)[0] - datetime.now(UTC)) < timedelta(minutes=1)


@pytest.mark.parametrize("at", ["yesterday", "2026-11-21T12:00:00", "1999-01-01T00:00:00+00:00"])
def test_what_is_no_time_is_refused_and_nothing_is_taken(server: ApiServer, at: str) -> None:
    answer = relayed(server, at)
    assert (answer.status, TIME_HEADER in answer.json["error"]) == (400, True)
    assert times(server) == []


@pytest.mark.parametrize("name", ["PreToolUse", "SubagentStart", "UserPromptSubmit"])
def test_an_event_that_was_kept_leaves_the_mail_for_one_that_somebody_waits_for(server: ApiServer, name: str) -> None:
    server.valkey.client.set(mailbox_key("s1"), sealed(Letter("the build is red")))
    assert relayed(server, datetime.now(UTC), name, late=True).body == b"{}"
    assert "the build is red" in relayed(server, datetime.now(UTC), "PreToolUse").body.decode()


def test_a_session_start_that_was_kept_is_given_no_brief_and_nobody_waits_for_one(server: ApiServer) -> None:
    answer = relayed(server, datetime.now(UTC), "SessionStart", late=True)
    assert (answer.status, answer.body) == (200, b"{}")
    assert briefs_asked(server) == 0
    assert relayed(server, datetime.now(UTC), "SessionStart").status == 200
    assert briefs_asked(server) == 1


def test_a_compaction_that_was_kept_began_when_the_relay_saw_it(server: ApiServer) -> None:
    at = datetime.now(UTC) - timedelta(minutes=5)
    assert relayed(server, at, "PreCompact", late=True).body == b"{}"
    mark = server.valkey.client.get(compaction_key("s1"))
    assert isinstance(mark, bytes)
    assert moment(mark) == at


def elsewhere(server: ApiServer, headers: dict[str, str], name: str, **fields: Any) -> bytes:
    """What a hook on another machine is answered."""
    body = json.dumps({"session_id": "s1", "hook_event_name": name, **fields})
    answer = ask_from_outside(server, "POST", HOOKS, body, headers)
    assert answer.status == 200, answer.body
    return answer.body


@pytest.mark.parametrize("name", ["PreToolUse", "SubagentStart", "UserPromptSubmit"])
def test_who_may_only_report_gets_no_mail_and_takes_none_away(server: ApiServer, conn: Conn, name: str) -> None:
    reporter, reader = bearer(token(server, "ingest")), bearer(token(server, "ingest", "read", name="desk"))
    server.valkey.client.set(mailbox_key("s1", "a1"), sealed(Letter("the build is red")))
    assert elsewhere(server, reporter, name, agent_id="a1") == b"{}"
    assert b"the build is red" in elsewhere(server, reader, name, agent_id="a1")


@pytest.mark.parametrize("source", ["compact", "resume"])
def test_who_may_only_report_gets_no_brief(server: ApiServer, conn: Conn, source: str) -> None:
    reporter, reader = bearer(token(server, "ingest")), bearer(token(server, "ingest", "read", name="desk"))
    server.hook({"session_id": "s1", "hook_event_name": "PreCompact"})
    began = moment(server.valkey.client.get(compaction_key("s1")))
    briefs.keep(conn, Snapshot("s1", "auto", began), "the port is 8080", Subject.MAIN)
    assert elsewhere(server, reporter, "SessionStart", source=source) == b"{}"
    if source == "compact":
        assert b"the port is 8080" in elsewhere(server, reader, "SessionStart", source=source)


def test_a_file_that_another_machine_names_is_not_told_on_and_one_of_this_machine_is(
    server: ApiServer, conn: Conn
) -> None:
    named = {"transcript_path": "/t/x.jsonl", "agent_transcript_path": "/t/y.jsonl"}
    stop = {"session_id": "s1", "hook_event_name": "Stop", **named}
    reporter = bearer(token(server, "ingest", "read"))
    assert elsewhere(server, reporter, "Stop", **named) == b"{}"
    past = json.dumps({"payloads": [{"at": datetime.now(UTC).isoformat(), "payload": stop}]})
    assert ask_from_outside(server, "POST", "/api/import", past, reporter).json["accepted"] == 1
    assert [json.loads(payload).keys() & named for payload in server.valkey.payloads()] == [set(), set()]
    elsewhere(server, owner(server), "Stop", **named)
    server.hook(stop)
    assert [json.loads(payload).keys() & named for payload in server.valkey.payloads()[2:]] == [named.keys()] * 2
