"""The brief of an agent, by its category (contract, section 7)."""

from dcm.domain.agent_briefs import developer, orchestrator, specialist, validator
from dcm.domain.agent_briefs.facts import AgentFacts
from dcm.domain.agent_briefs.fitting import Fitted, fitted
from dcm.domain.agent_types import category, profile

TEMPLATES = {
    "orchestrator": orchestrator.sections,
    "developer": developer.sections,
    "researcher": developer.sections,
    "validator": validator.sections,
    "specialist": specialist.sections,
    "writer": specialist.sections,
}

LABELS = {"orchestrator": "Orchestrator", "developer": "Developer", "researcher": "Developer", "validator": "Validator"}


def agent_brief(facts: AgentFacts, max_tokens: int, before: str = "") -> Fitted:
    """The brief of an agent within its tokens; `before` stands after its head, and first of all that is kept."""
    kind = category(facts.agent_type)
    label = LABELS.get(kind) or f"Specialist ({profile(facts.agent_id).name})"
    head = [
        f"# Context Brief - {label}",
        f"**Agent:** {facts.agent_id}",
        f"**Session:** {facts.session_id}",
        f"**Generated:** {facts.generated_at:%Y-%m-%dT%H:%M:%S}.{facts.generated_at.microsecond // 1000:03}Z",
    ]
    parts = ["\n".join(head), *([before] if before else []), *TEMPLATES[kind](facts)]
    return fitted("\n\n".join(parts), max_tokens)
