"""What transcripts tell that no hook reported."""

from collections.abc import Sequence

from db import intake
from db.intake import PastEvent
from db.pool import Conn
from dcm.domain.hook_events import HookEvent


def missed(conn: Conn, told: Sequence[HookEvent]) -> list[HookEvent]:
    """The events told by transcripts that nothing reported, in the order they happened."""
    identities = [_identity(position, event) for position, event in enumerate(told)]
    known = intake.stored(conn, identities)
    first: dict[object, int] = {}
    for one in identities:
        first.setdefault(_name(one), one.position)
    return [told[one.position] for one in identities if one.position not in known and first[_name(one)] == one.position]


def _name(one: PastEvent) -> object:
    """What an event is known by among those told at once; a subagent may end more than once."""
    if one.tool_use_id:
        return one.session_id, one.tool_use_id
    named = one.agent_id if one.event == "SubagentStart" else one.prompt_id if not one.agent_id else ""
    return (one.session_id, one.event, named) if named else one.position


def _identity(position: int, event: HookEvent) -> PastEvent:
    tool_use_id = event.tool_use_id if event.ends_tool else ""
    return PastEvent(
        position,
        event.session_id,
        event.name,
        tool_use_id,
        event.prompt_id,
        event.agent_id,
        event.text("prompt"),
        event.at,
    )
