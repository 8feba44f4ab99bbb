"""Cutting fields that are too big to keep, and saying so in the text itself."""

from typing import Any

BODY_LIMIT = 1024 * 1024
"""Bytes of the largest body that is taken."""

FIELD_LIMIT = 16_384
"""Characters of a field that are kept whole."""

HEAD, TAIL = 10_000, 4_000
"""What is kept of a longer field: its beginning and its end, where errors stand."""

TEXT_LIMIT = 131_072
"""Characters kept whole of what a person or a model wrote."""

TEXTS = frozenset({"prompt", "compact_summary", "last_assistant_message", "plan"})


def cut_text(text: str, limit: int = FIELD_LIMIT) -> str:
    """The text, or its head and tail around a mark that tells how much is missing."""
    if len(text) <= limit:
        return text
    missing = len(text) - HEAD - TAIL
    return f"{text[:HEAD]}\n[... {missing} characters cut ...]\n{text[-TAIL:]}"


def cut_fields(value: Any, field: str = "") -> Any:
    """The JSON value with every text in it cut to what is kept."""
    if isinstance(value, str):
        return cut_text(value, TEXT_LIMIT if field in TEXTS else FIELD_LIMIT)
    if isinstance(value, dict):
        return {key: cut_fields(inner, str(key)) for key, inner in value.items()}
    if isinstance(value, list):
        return [cut_fields(inner, field) for inner in value]
    return value
