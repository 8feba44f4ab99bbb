"""The brief of an agent, by its category (contract, section 7)."""

from dataclasses import replace

from dcm.domain.agent_briefs import developer, orchestrator, specialist, validator
from dcm.domain.agent_briefs.facts import AgentFacts
from dcm.domain.agent_briefs.fitting import Fitted, fitted
from dcm.domain.agent_types import category, profile
from dcm.domain.briefs import restored_brief
from dcm.domain.briefs.fitting import CHARACTERS_A_TOKEN, leaves_out, size
from dcm.domain.instants import instant
from dcm.domain.snapshots import Snapshot
from dcm.domain.tools import shown_name

TEMPLATES = {
    "orchestrator": orchestrator.sections,
    "developer": developer.sections,
    "validator": validator.sections,
    "specialist": specialist.sections,
}

SAME_AS = {"researcher": "developer", "writer": "specialist"}
"""Categories without a template of their own."""


OF_THE_AGENT = 0.1
"""The share of the room that is left to the agent's own tasks and messages when its session has much to tell."""


def agent_brief(facts: AgentFacts, max_tokens: int, session: Snapshot | None = None) -> Fitted:
    """The brief of an agent within its tokens: where its session stood, and what is the agent's own."""
    kind = category(facts.agent_type)
    view = SAME_AS.get(kind, kind)
    label = f"Specialist ({profile(facts.agent_id).name})" if view == "specialist" else view.capitalize()
    head = "\n".join([
        f"# Context Brief - {label}",
        f"**Agent:** {shown_name(facts.agent_id)}",
        f"**Session:** {facts.session_id}",
        f"**Generated:** {instant(facts.generated_at)}",
    ])  # fmt: skip
    own = "\n\n".join(TEMPLATES[view](facts))
    if session is None:
        return fitted(f"{head}\n\n{own}", max_tokens)
    room = max(0, max_tokens * CHARACTERS_A_TOKEN - size(head) - 2 * len("\n\n"))
    before = restored_brief(session, room - min(size(own), int(room * OF_THE_AGENT)), view)
    rest = fitted(own, (room - size(before)) // CHARACTERS_A_TOKEN)
    whole = fitted(f"{head}\n\n{before}\n\n{rest.content}", max_tokens)
    return replace(whole, truncated=whole.truncated or rest.truncated or leaves_out(before))
