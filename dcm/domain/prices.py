"""What models cost and how much they read: a table by the beginning of their names. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Protocol

from dcm.domain.errors import InvalidInput

MILLION = 1_000_000
LARGE = "[1m]"
"""Ends the name of a model that reads a million tokens."""


@dataclass(frozen=True, slots=True)
class Model:
    """US dollars for a million tokens, and the tokens it reads at most; None where it is not known."""

    window: int | None = None
    input: float | None = None
    output: float | None = None
    cache_read: float | None = None
    cache_write: float | None = None
    cache_write_1h: float | None = None


Table = Mapping[str, Model]

PARTS = frozenset(item.name for item in fields(Model))


class Used(Protocol):
    """Sums of tokens."""

    @property
    def input_tokens(self) -> int:
        """Tokens that were new."""

    @property
    def output_tokens(self) -> int:
        """Tokens that the model wrote."""

    @property
    def cache_read_tokens(self) -> int:
        """Tokens that were read from the cache."""

    @property
    def cache_creation_tokens(self) -> int:
        """Tokens that were put into the cache."""

    @property
    def cache_creation_1h_tokens(self) -> int:
        """Those of them that stay for an hour."""


def table(told: Mapping[str, Any]) -> dict[str, Model]:
    """The table that a parsed file holds.

    Raises:
        InvalidInput: it is not such a table; the message says where.
    """
    models = told.get("models", {})
    if not isinstance(models, Mapping):
        raise InvalidInput('models is not a table: give one like [models."claude-opus-5"].')
    return {str(name).lower(): _model(str(name), parts) for name, parts in models.items()}


def _model(name: str, parts: object) -> Model:
    if not isinstance(parts, Mapping):
        raise InvalidInput(f'models."{name}" is not a table of numbers.')
    for part, value in parts.items():
        if part not in PARTS:
            raise InvalidInput(f'models."{name}".{part} is not known: give {", ".join(sorted(PARTS))}.')
        if type(value) not in (int, float) or not 0 <= value < 10**9:
            raise InvalidInput(f'models."{name}".{part} is {value!r}: give a number from 0.')
    if type(parts.get("window", 1)) is not int or parts.get("window") == 0:
        raise InvalidInput(f'models."{name}".window is {parts["window"]!r}: give a whole number of tokens.')
    return Model(**parts)


def find(models: Table, name: str) -> Model | None:
    """The model of a name: the longest entry that it is, or that it continues with a date, a variant or a window."""
    name = name.lower()
    fits = [entry for entry in models if name == entry or (name.startswith(entry) and name[len(entry)] in "-[@:")]
    return models[max(fits, key=len)] if fits else None


def window(models: Table, names: Iterable[str], tokens: int) -> int | None:
    """The tokens that the first name that is known reads at most; a million where a name says so.

    A context larger than the table says was read by a model that was given the large window.
    """
    given = [name for name in names if name]
    found = next((model.window for name in given if (model := find(models, name)) and model.window), None)
    if any(name.lower().endswith(LARGE) for name in given):
        return max(MILLION, found or 0)
    return max(found, MILLION) if found and tokens > found else found


def percent(tokens: int | None, window: int | None) -> float | None:
    """How much of a window is used, None where one of them is not known."""
    return None if tokens is None or not window else round(100 * tokens / window, 1)


def cost(models: Table, name: str, used: Used) -> float | None:
    """US dollars, None when the table has no price for the model."""
    model = find(models, name)
    if model is None or model.input is None or model.output is None:
        return None
    short = max(0, used.cache_creation_tokens - used.cache_creation_1h_tokens)
    parts = (
        (used.input_tokens, model.input),
        (used.output_tokens, model.output),
        (used.cache_read_tokens, model.input if model.cache_read is None else model.cache_read),
        (short, model.input if model.cache_write is None else model.cache_write),
        (used.cache_creation_1h_tokens, model.input if model.cache_write_1h is None else model.cache_write_1h),
    )
    return round(sum(tokens * price for tokens, price in parts) / MILLION, 6)
