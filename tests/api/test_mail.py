"""Messages that are told in a brief and by letter: each once."""

import uuid
from typing import Any

from api_server import ApiServer

from db import briefs
from db.pool import Conn
from dcm.broker import compaction_key, mailbox_key
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
