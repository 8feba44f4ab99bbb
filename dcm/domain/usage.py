"""The tokens a conversation used, as the model's answers say. Shapes: hooks specification, section 8."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from dcm.domain.texts import storable
from dcm.domain.turns import Record

NO_MODEL = "<synthetic>"
"""The model of what the client itself says in the model's place: an error, an interruption."""

MOST_TOKENS = 2**40
"""A number beyond this is no count of tokens."""

LONGEST_ID = 300
"""Characters of the longest message id; the provider's have 28."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens by what they cost; `cache_creation_1h` is the part of `cache_creation` that is kept for an hour."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_creation: int = 0
    cache_creation_1h: int = 0

    @property
    def context(self) -> int:
        """What the model was given to read."""
        return self.input + self.cache_read + self.cache_creation

    def at_least(self, other: "Tokens") -> "Tokens":
        """The larger of each: a message's first records may tell less than its last."""
        return Tokens(
            max(self.input, other.input),
            max(self.output, other.output),
            max(self.cache_read, other.cache_read),
            max(self.cache_creation, other.cache_creation),
            max(self.cache_creation_1h, other.cache_creation_1h),
        )


@dataclass(frozen=True, slots=True)
class MessageUse:
    """What one answer of a model took. Its id is the provider's own: copies of it in other files are the same."""

    message_id: str
    session_id: str
    agent_id: str
    model: str
    at: str
    tokens: Tokens
    request_id: str | None = None


@dataclass(frozen=True, slots=True)
class ContextUse:
    """How large a session's main conversation was at a moment; no tokens after a compaction, until it is known."""

    session_id: str
    at: str
    tokens: int | None
    model: str


def message_id(record: Record) -> str:
    """The id of the answer that a record is a part of, empty where it is no part of one."""
    message = record.get("message")
    if record.get("type") != "assistant" or not isinstance(message, Mapping):
        return ""
    found = message.get("id") or record.get("requestId")
    return storable(found) if isinstance(found, str) and len(found) <= LONGEST_ID else ""


def request_id(record: Record) -> str | None:
    """The provider's id of the request that a record answers, None where it has none."""
    found = record.get("requestId")
    return storable(found) if isinstance(found, str) and 0 < len(found) <= LONGEST_ID else None


def tokens(record: Record) -> Tokens | None:
    """The tokens an assistant's record tells, None when it tells none."""
    message = record.get("message")
    usage = message.get("usage") if isinstance(message, Mapping) else None
    if not isinstance(usage, Mapping):
        return None
    parts = usage.get("cache_creation")
    found = Tokens(
        input=_count(usage, "input_tokens"),
        output=_count(usage, "output_tokens"),
        cache_read=_count(usage, "cache_read_input_tokens"),
        cache_creation=_count(usage, "cache_creation_input_tokens"),
        cache_creation_1h=_count(parts, "ephemeral_1h_input_tokens") if isinstance(parts, Mapping) else 0,
    )
    return found if found != Tokens() else None


def together(uses: Iterable[MessageUse]) -> list[MessageUse]:
    """One use a message, sorted by its id: a message is split into records that each repeat its usage.

    It stays with the session that told it first.
    """
    found: dict[str, MessageUse] = {}
    for use in uses:
        known = found.setdefault(use.message_id, use)
        if known.session_id == use.session_id:
            found[use.message_id] = replace(use, at=known.at, tokens=use.tokens.at_least(known.tokens))
    return [found[message_id] for message_id in sorted(found)]


def _count(usage: Record, name: str) -> int:
    value = usage.get(name)
    return value if type(value) is int and 0 <= value < MOST_TOKENS else 0
