"""The kinds of values that bodies, queries and answers are made of."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    StringConstraints,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from dcm.domain.instants import instant

NAME_LIMIT = 300
"""Characters of the longest id, name or topic that is taken."""

INTEGER_LIMIT = 2**31 - 1
"""The largest whole number that is stored."""


def _storable(text: str) -> str:
    if "\0" in text:
        raise ValueError("give text without NUL characters")
    return text


def _utc(text: str) -> datetime:
    """A moment as the contract takes it: ISO 8601 with Z."""
    if not text.endswith("Z"):
        raise ValueError("give an ISO 8601 time that ends in Z, such as 2026-01-31T12:00:00.000Z")
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError):
        raise ValueError("give an ISO 8601 time that ends in Z, such as 2026-01-31T12:00:00.000Z") from None


def clamped(low: int, high: int) -> Callable[[int], int]:
    """Keeps a number between two bounds."""
    return lambda value: max(low, min(value, high))


Text = Annotated[str, AfterValidator(_storable)]
"""Text of any length the body limit allows."""

Words = Annotated[str, StringConstraints(min_length=1), AfterValidator(_storable)]
"""Text that is not empty."""

Name = Annotated[str, StringConstraints(min_length=1, max_length=NAME_LIMIT), AfterValidator(_storable)]
"""An id, a name, a type: not empty, not long."""

Instant = Annotated[
    str,
    AfterValidator(_utc),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": "Z$"}),
]
"""A moment, ISO 8601 in UTC with Z; a datetime once checked."""

Count = Annotated[int, Field(ge=0, le=INTEGER_LIMIT)]
"""A number of things."""

Integer = Annotated[int, Field(ge=-INTEGER_LIMIT - 1, le=INTEGER_LIMIT)]

Offset = Annotated[
    int,
    AfterValidator(clamped(0, 10**9)),
    WithJsonSchema({"type": "integer", "description": "How many are left out first."}),
]


Metadata = Annotated[dict[str, JsonValue], Field(default_factory=dict)]
"""Facts a caller keeps beside a row; empty when none are given."""


def _size(most: int) -> dict[str, Any]:
    return {"type": "integer", "description": f"How many at most, 1 to {most}."}


UpTo50 = Annotated[int, AfterValidator(clamped(1, 50)), WithJsonSchema(_size(50))]
UpTo100 = Annotated[int, AfterValidator(clamped(1, 100)), WithJsonSchema(_size(100))]
UpTo1000 = Annotated[int, AfterValidator(clamped(1, 1000)), WithJsonSchema(_size(1000))]
UpTo5000 = Annotated[int, AfterValidator(clamped(1, 5000)), WithJsonSchema(_size(5000))]
"""The size of a page: what is asked for is brought between its bounds."""


class Body(BaseModel):
    """What a caller sends; fields nobody knows are left alone. Null is taken by the fields of `NULLABLE` alone."""

    model_config = ConfigDict(extra="ignore", frozen=True)
    NULLABLE: ClassVar[frozenset[str]] = frozenset()

    @field_validator("*", mode="before")
    @classmethod
    def _not_null(cls, value: object, about: ValidationInfo) -> object:
        if value is None and about.field_name not in cls.NULLABLE:
            raise ValueError("give a value or leave the field out: null is not taken")
        return value

    @classmethod
    def __get_pydantic_json_schema__(cls, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        schema = handler(core)
        parts = handler.resolve_ref_schema(schema).get("properties", {})
        for name in parts.keys() - cls.NULLABLE:
            parts[name] = without_null(parts[name])
        return schema

    def given(self) -> dict[str, Any]:
        """The fields the caller sent, by name."""
        return {name: getattr(self, name) for name in self.model_fields_set}


class Query(BaseModel):
    """What a caller asks for in the address."""

    model_config = ConfigDict(extra="ignore", frozen=True)


def without_null(schema: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of a value that is given, of a field that may also be left out."""
    kept = {name: value for name, value in schema.items() if name not in {"anyOf", "title"}}
    if kept.get("default", ...) is None:
        del kept["default"]
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    if not kinds:
        return kept
    return kept | (kinds[0] if len(kinds) == 1 else {"anyOf": kinds})


class Answer(BaseModel):
    """What a caller is told. Answers are described with these, not made of them."""

    model_config = ConfigDict(extra="allow")


class Refusal(Answer):
    """Why something was refused: a sentence, and where fields are wrong, what is wrong with each."""

    error: str
    details: dict[str, list[str]] | None = None


def now() -> str:
    """This moment, as answers have it."""
    return instant(datetime.now(UTC))
