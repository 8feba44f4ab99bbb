"""A request to the API, as data: what is sent, and of which type the answer is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from urllib.parse import quote

from dcm.client.errors import ClientError

Answer = TypeVar("Answer")

Value = str | int | float | bool | Sequence[str] | None
"""A value of a query; None is left out, a list is joined by commas."""


@dataclass(frozen=True, slots=True)
class Call(Generic[Answer]):
    """One request. `repeatable`: to send it twice has the effect of once. `answers`: statuses that are no error.

    `is_loose`: its answer may be a text or nothing, where others are an object.
    """

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    body: Mapping[str, Any] | None = None
    repeatable: bool = False
    answers: frozenset[int] = frozenset()
    is_loose: bool = False


def get(path: str, /, *, answers: frozenset[int] = frozenset(), repeatable: bool = True, **query: Value) -> Call[Any]:
    """A read."""
    return Call("GET", path, query=_texts(query), repeatable=repeatable, answers=answers)


def post(path: str, /, *, repeatable: bool = False, **fields: Any) -> Call[Any]:
    """A write; fields that are None are left out."""
    return Call("POST", path, body=given(fields), repeatable=repeatable)


def patch(path: str, /, **fields: Any) -> Call[Any]:
    """A change; fields that are None stay as they are."""
    return Call("PATCH", path, body=given(fields))


def delete(path: str, /, **query: Value) -> Call[Any]:
    """A removal."""
    return Call("DELETE", path, query=_texts(query))


def part(text: str) -> str:
    """A piece of a path.

    Raises:
        ClientError: a path would lead elsewhere with it.
    """
    if text in {"", ".", ".."}:
        raise ClientError(f"{text!r} is not an id: a path cannot carry it.")
    return quote(encodable(text), safe="")


def encodable(text: str) -> str:
    """A text as it is.

    Raises:
        ClientError: it holds half of a character, which no address can carry.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ClientError(f"{text!r} holds half of a character: an address cannot carry it.") from None
    return text


def given(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields that say something."""
    return {name: value for name, value in fields.items() if value is not None}


def _texts(query: Mapping[str, Value]) -> dict[str, str]:
    return {name: _text(value) for name, value in query.items() if value is not None}


def _text(value: Value) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return encodable(str(value))
    return encodable(",".join(value or ()))
