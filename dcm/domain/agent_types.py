"""Agent types: their category, the type an agent's id speaks of, and what specialists look for.

Tables: contract, appendices B and C.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

CATEGORIES: Mapping[str, frozenset[str]] = {
    "orchestrator": frozenset(
        {"orchestrator", "project-supervisor", "tech-lead", "step-orchestrator", "fullstack-coordinator"}
    ),
    "developer": frozenset(
        {
            "backend-laravel", "frontend-react", "laravel-api", "database-admin", "react-native-dev",
            "react-native-ui", "react-native-api", "supabase-backend", "supabase-edge", "devops-infra",
            "migration-specialist", "performance-engineer",
        }
    ),
    "validator": frozenset({"qa-testing", "regression-guard", "validator", "code-reviewer"}),
    "specialist": frozenset(
        {
            "security-specialist", "gdpr-dpo", "legal-compliance", "accessibility-specialist", "seo-specialist",
            "i18n-specialist", "impact-analyzer",
        }
    ),
    "researcher": frozenset({"explore-codebase", "explore-docs", "market-researcher", "business-analyst"}),
    "writer": frozenset({"technical-writer", "fix-grammar", "customer-success", "product-manager"}),
}  # fmt: skip
"""The category of each known type; any other is a developer."""

TYPE_OF_WORD: Mapping[str, str] = {
    "supervisor": "project-supervisor",
    "lead": "tech-lead",
    "orchestrator": "step-orchestrator",
    "backend": "backend-laravel",
    "frontend": "frontend-react",
    "database": "database-admin",
    "qa": "qa-testing",
    "test": "qa-testing",
    "security": "security-specialist",
    "gdpr": "gdpr-dpo",
    "seo": "seo-specialist",
    "validator": "validator",
    "reviewer": "code-reviewer",
}
"""The type an agent is taken for when its id has the word; the first that fits."""

_BEFORE, _NUMBER, _WORKER = re.compile(r"^agent[-_]"), re.compile(r"[-_]\d+$"), re.compile(r"[-_]worker$")


def category(agent_type: str) -> str:
    """The category of a type."""
    return next((name for name, types in CATEGORIES.items() if agent_type in types), "developer")


def inferred(agent_id: str) -> str:
    """The type an agent's id speaks of, `developer` when it speaks of none."""
    bare = _WORKER.sub("", _NUMBER.sub("", _BEFORE.sub("", agent_id.lower())))
    return next((kind for word, kind in TYPE_OF_WORD.items() if word in bare), "developer")


@dataclass(frozen=True, slots=True)
class Profile:
    """What a specialist looks at. `words` name it in an agent's id, `task_words` in a task's description."""

    name: str
    words: tuple[str, ...]
    focus: str
    task_words: tuple[str, ...]
    guidelines: tuple[str, ...]
    note: str = ""


PROFILES = (
    Profile(
        "Security", ("security",), "vulnerabilities, risk",
        ("security", "vulnerability", "auth", "permission", "xss", "sql"),
        ("OWASP top 10", "Input validation", "Authentication and authorisation", "Exposure of data", "Dependencies"),
        "Standards: findings refer to OWASP and CWE where they apply.",
    ),
    Profile(
        "GDPR/Privacy", ("gdpr", "dpo"), "data protection", ("gdpr", "privacy", "consent", "personal data", "dpo"),
        ("Consent", "Retention", "Access control", "Erasure", "Record of processing"),
        "Compliance: personal data is in scope wherever it is stored or sent.",
    ),
    Profile(
        "Accessibility", ("accessibility", "a11y"), "WCAG 2.1",
        ("a11y", "accessibility", "wcag", "aria", "screen reader"),
        ("Keyboard", "ARIA", "Contrast", "Screen readers", "Forms"),
    ),
    Profile(
        "SEO", ("seo",), "search ranking", ("seo", "search", "meta", "sitemap", "schema"),
        ("Meta and title", "Structured data", "URLs", "Speed", "Mobile"),
    ),
    Profile(
        "Legal Compliance", ("legal", "compliance"), "regulation",
        ("legal", "compliance", "contract", "license", "regulation"),
        ("Terms", "Cookies", "Licences", "Third parties", "Status record"),
    ),
    Profile(
        "Impact Analysis", ("impact",), "effect of changes", ("impact", "analysis", "change", "dependency", "risk"),
        ("Affected parts", "Dependency map", "Risk", "Breaking changes", "Mitigation"),
    ),
)  # fmt: skip

ANY_SPECIALIST = Profile(
    "Specialist", (), "domain expertise", (), ("Apply knowledge", "Document", "Recommend", "Flag what is critical")
)


def profile(agent_id: str) -> Profile:
    """The profile an agent's id speaks of."""
    lowered = agent_id.lower()
    return next((known for known in PROFILES if any(word in lowered for word in known.words)), ANY_SPECIALIST)
