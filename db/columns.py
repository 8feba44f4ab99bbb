"""Rows turned into columns, for statements that take a whole batch as arrays."""

from collections.abc import Sequence
from dataclasses import fields
from typing import Any


def columns(rows: Sequence[Any]) -> dict[str, list[Any]]:
    """{field: values} of dataclass rows of one kind; the rows must not be empty."""
    return {item.name: [getattr(row, item.name) for row in rows] for item in fields(rows[0])}
