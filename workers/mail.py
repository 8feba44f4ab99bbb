"""What agents are told with their next hook: messages to them, and what a subagent's parent knows."""

import json
import time
from datetime import datetime

import dramatiq

from db import messages, subagents
from db.pool import Conn
from dcm.broker import DEFAULT, MAIL_SECONDS, mailbox_key, proved_mailbox_key
from dcm.domain import briefs
from dcm.domain.actions import unpacked
from dcm.domain.ids import subtask_id
from dcm.domain.mail import Letter, said, sealed
from dcm.domain.tools import DECISION_TOOLS, LIST_TOOLS, one_line, shown_name
from workers import running
from workers.briefs import assemble

broker = running.broker()

MESSAGE_LIMIT = 400
"""Characters of a message that are put before an agent."""

LATE_SECONDS = 60
"""Seconds after which a subagent has found its own way."""

CALLS_FOR_SUBAGENT, READ_FOR_SUBAGENT = 150, DECISION_TOOLS | LIST_TOOLS
"""The newest calls of its parent that count for a subagent, whose hook waits 0.2 s; tools whose older ones do too."""

SUBAGENT = "subagent"
"""The trigger of a snapshot that is made for a subagent."""


def post(session_id: str, agent_id: str, letter: Letter, proof: bytes | None = None) -> None:
    """Put a letter into the mailbox of a session's main conversation, or of a subagent of it.

    `proof`: the hash of the credential that a hook has to show to be told it.
    """
    mailbox = mailbox_key(session_id, agent_id)
    key = proved_mailbox_key(proof, mailbox) if proof else mailbox
    running.valkey().append(key, sealed(letter))
    running.valkey().expire(key, MAIL_SECONDS)


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3)
def deliver_message(message_id: str) -> None:
    """Put a message to an agent into the mailbox of each agent at work that it names."""
    with running.pool().connection() as conn:
        found = messages.addressed(conn, message_id)
    for recipient in found:
        sender = shown_name(recipient.from_agent_id or "the system")
        topic = shown_name(recipient.topic or "general")
        text = one_line(said(recipient.payload), MESSAGE_LIMIT)
        until = recipient.expires_at.timestamp() if recipient.expires_at else 0.0
        sent = recipient.created_at.timestamp()
        letter = Letter(f"Message from {sender} ({topic}), told by DCM: {text}", message_id, until, sent)
        post(recipient.session_id, recipient.agent_id, letter, recipient.proof)


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3)
def tell_agent(agent_id: str, text: str, sent: float) -> None:
    """Put a text of that moment, in seconds since the epoch, into the mailbox of the agent at work that has this id."""
    with running.pool().connection() as conn:
        found = messages.at_work(conn, agent_id)
    for session_id, subagent_id in found:
        post(session_id, subagent_id, Letter(text, sent=sent))


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3)
def mark_delivered(message_ids: list[str], reader: str) -> None:
    """Note that an agent has got these messages."""
    with running.pool().connection() as conn:
        messages.mark_read(conn, message_ids, reader)


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=3, min_backoff=1000)
def brief_subagent(session_id: str, agent_id: str, began: str) -> None:
    """Tell a subagent that has begun what its parent knows of its task; later than a minute nobody waits for it."""
    moment = datetime.fromisoformat(began)
    if time.time() - moment.timestamp() > LATE_SECONDS:
        return
    with running.pool().connection() as conn:
        task = _task(conn, session_id, agent_id)
        snapshot = assemble(conn, session_id, moment, SUBAGENT, most=CALLS_FOR_SUBAGENT, always=READ_FOR_SUBAGENT)
    if snapshot and (text := briefs.for_subagent(snapshot, agent_id, task)):
        post(session_id, agent_id, Letter(text, until=time.time() + LATE_SECONDS))


def _task(conn: Conn, session_id: str, agent_id: str) -> str:
    """What the Agent call that started a subagent asks of it, empty when that is not known."""
    call = subagents.call_of(conn, subtask_id(session_id, agent_id))
    asked = call and (call.asked or json.loads(unpacked(call.packed) or "{}"))
    return f"{asked.get('description', '')}\n{asked.get('prompt', '')}" if isinstance(asked, dict) else ""
