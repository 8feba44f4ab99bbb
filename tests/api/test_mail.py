"""Messages that are told in a brief and by letter: each once, and to whom they are for."""

import json
import uuid
from typing import Any

import pytest
from access_tokens import JSON, bearer, credential
from api_server import HOOKS, ApiServer, wait_for

from db import briefs
from db.pool import Conn
from dcm.broker import compaction_key, mailbox_key, proved_mailbox_key
from dcm.domain import access
from dcm.domain.compactions import Subject
from dcm.domain.mail import Letter, sealed
from dcm.domain.snapshots import Note, Snapshot
from dcm.domain.streams import moment


def told(server: ApiServer, name: str, **fields: Any) -> str:
    """What a hook of session s1 puts into the conversation."""
    answer = server.hook({"session_id": "s1", "hook_event_name": name, **fields})
    return str(answer.json["hookSpecificOutput"]["additionalContext"])


def test_messages_that_stood_in_a_brief_are_not_told_again_with_the_next_hooks(server: ApiServer, conn: Conn) -> None:
    shown, left_out = (str(uuid.uuid4()) for _ in range(2))
    conn.execute(
        "INSERT INTO agent_messages (id, to_agent_id, message_type, payload) "
        "SELECT unnest(%s::uuid[]), 's1', 't', '{}'",
        [[shown, left_out]],
    )
    server.hook({"session_id": "s1", "hook_event_name": "PreCompact"})
    began = moment(server.valkey.client.get(compaction_key("s1")))
    notes = [Note("planner", "t", "the port is 8080", shown), Note("planner", "t", "and 9090", left_out)]
    brief = "## Unread messages\n- planner (t): the port is 8080\n- … 1 more"
    briefs.keep(conn, Snapshot("s1", "auto", began, notes=notes), brief, Subject.MAIN)
    letters = [Letter("the port is 8080", shown), Letter("and 9090", left_out)]
    server.valkey.client.set(mailbox_key("s1"), b"".join(map(sealed, letters)))
    assert told(server, "SessionStart", source="compact") == brief
    assert told(server, "UserPromptSubmit") == "and 9090"
    wait_for(lambda: asked_for(server), "the note that it was read")


IMPOSTORS: list[tuple[str, dict[str, str]]] = [
    ("worker", {"session_id": "worker"}),
    ("worker", {"session_id": "x", "agent_id": "y1", "agent_type": "worker"}),
    ("y1", {"session_id": "x", "agent_id": "y1", "agent_type": "worker"}),
]
"""The name a message is sent to, and what a hook says of who it is of."""


def letter(conn: Conn, name: str, text: str) -> Letter:
    """A message to an agent, as a letter."""
    row = conn.execute(
        "INSERT INTO agent_messages (to_agent_id, message_type, payload) VALUES (%s, 't', '{}') RETURNING id::text",
        [name],
    ).fetchone()
    assert row
    return Letter(text, row[0])


@pytest.mark.parametrize(("name", "claim"), IMPOSTORS)
def test_what_is_sent_to_an_agent_with_a_credential_is_told_with_a_hook_that_shows_it_and_is_read_by_nobody_before(
    server: ApiServer, conn: Conn, name: str, claim: dict[str, str]
) -> None:
    before = letter(conn, name, "sent before it had one")
    own, others = credential(server, name), credential(server, "other")
    mailbox = mailbox_key(claim["session_id"], claim.get("agent_id", ""))
    server.valkey.client.set(mailbox, sealed(before))
    proved = proved_mailbox_key(access.digest(own), mailbox)
    server.valkey.client.set(proved, sealed(letter(conn, name, "the port is 8080")))

    def told(event: str, **shown: str) -> Any:
        body = json.dumps({"hook_event_name": event, **claim})
        answer = server.ask("POST", HOOKS, body, {**JSON, **shown})
        assert answer.status == 200
        return answer.json.get("hookSpecificOutput", {}).get("additionalContext")

    for shown in ({}, {"X-DCM-Agent-Token": others}, bearer(others)):
        for event in ("SubagentStart", "UserPromptSubmit", "PostToolUse"):
            assert told(event, **shown) is None
    assert asked_for(server) == []
    assert told("PostToolUse", **{"X-DCM-Agent-Token": own}) == "the port is 8080"
    wait_for(lambda: asked_for(server), "the note that it was read")
    assert told("PostToolUse", **bearer(own)) is None


def asked_for(server: ApiServer) -> list[Any]:
    """What the worker was asked to note as read."""
    held = server.valkey.client.hvals("dcm:dramatiq:default.msgs")
    return [found["args"] for found in map(json.loads, held) if found["actor_name"] == "mark_delivered"]
