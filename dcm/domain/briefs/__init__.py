"""A brief: what an agent needs to go on after its conversation was compacted.

Facts, not orders: text that commands is taken for an injection. Items are whole or absent, and the same snapshot gives
the same text.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from dcm.domain.briefs.difference import is_said
from dcm.domain.briefs.fitting import CHARACTERS_A_TOKEN, Section, compose, leaves_out
from dcm.domain.briefs.sections import message_line, sections, subagent_sections
from dcm.domain.snapshots import Note, Snapshot
from dcm.domain.tools import one_line

HOOK_LIMIT = 9_900
"""Characters a hook may put into the conversation: the client shows a preview of what is over 10,000."""

AGE_NOTE = 120
"""Characters left free for saying how old a brief is."""

SUBAGENT_LIMIT = 2_400
"""Characters of a brief for a subagent."""

PLACE_LIMIT = 300
"""Characters kept of the folder and of the branch in the first line."""

TO_KEEP = """\
DCM restores this session's files, commands, errors and subagent results after the compaction. Worth keeping in the \
summary, word for word: what the user asked, required, forbade or decided and why; what was ruled out; what is next."""
"""What the summariser is told before a compaction."""


def limit_of(tokens: int) -> int:
    """The characters of a brief of so many tokens; no more than a hook may give."""
    return min(tokens * CHARACTERS_A_TOKEN, HOOK_LIMIT - AGE_NOTE)


def brief(snapshot: Snapshot, limit: int = HOOK_LIMIT - AGE_NOTE, summary: str = "") -> str:
    """The brief of a snapshot, at most `limit` characters; empty where nothing happened that could be told.

    Where room is short, what stands in the client's own `summary` of the same compaction makes room for the rest.
    """
    parts = sections(snapshot, limit)
    if not snapshot.tool_calls and not any(part.items for part in parts):
        return ""
    text = compose(_opening(snapshot), parts, limit)
    if not summary or not leaves_out(text):
        return text
    return compose(_opening(snapshot), [_without(part, summary) for part in parts], limit)


def _without(section: Section, summary: str) -> Section:
    """A section without the items that the summary holds."""
    return replace(section, items=[item for item in section.items if not is_said(item.text, summary)])


def told(content: str, notes: Sequence[Note]) -> list[Note]:
    """Those of a snapshot's messages that its brief had room for."""
    lines = set(content.split("\n"))
    return [note for note in notes if message_line(note) in lines]


def restored_brief(snapshot: Snapshot, limit: int, view: str) -> str:
    """The same as a part of a larger text."""
    where = f"\nIn {_place(snapshot)}." if snapshot.folder or snapshot.branch else ""
    return compose(f"## Restored Context{where}", sections(snapshot, limit, view), limit)


def for_subagent(snapshot: Snapshot, agent_id: str, task: str) -> str:
    """What the session that started a subagent knows of its task; empty when there is nothing."""
    told = subagent_sections(snapshot, agent_id, task)
    return compose(_SUBAGENT_OPENING, told, SUBAGENT_LIMIT) if any(section.items for section in told) else ""


_SUBAGENT_OPENING = "# What the session that started this agent knows\nRecorded by DCM from the session's own events."


def _opening(snapshot: Snapshot) -> str:
    where = f" in {_place(snapshot)}" if snapshot.folder or snapshot.branch else ""
    return (
        f"# Where this session stood{where}\n"
        f"Recorded by DCM from the session's own events up to {_time(snapshot.last_at or snapshot.saved_at)}, "
        f"after {snapshot.tool_calls} tool calls. Newest first unless numbered; names by how much they were used."
    )


def _place(snapshot: Snapshot) -> str:
    """The folder and the branch."""
    branch = f"branch {one_line(snapshot.branch, PLACE_LIMIT)}" if snapshot.branch else ""
    return ", ".join(part for part in (one_line(snapshot.folder, PLACE_LIMIT), branch) if part)


def _time(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def aged(content: str, made_for: datetime, now: datetime) -> str:
    """A brief that is not of this compaction, with its age said first."""
    minutes = max(0, int((now - made_for).total_seconds() // 60))
    age = "less than a minute" if minutes < 1 else f"{minutes} minutes" if minutes < 120 else f"{minutes // 60} hours"
    return f"(The newest brief there is was made {age} ago; what happened since is not in it.)\n{content}"
