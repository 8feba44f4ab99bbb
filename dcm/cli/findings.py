"""What a look at one thing finds: whether it is well, and how it is mended."""

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "warning", "broken"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at. `mend` is empty when it is well."""

    check: str
    state: State
    says: str
    mend: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of DCM: whether it works, and what is to be said of it."""

    name: str
    works: bool
    says: str


def ok(check: str, says: str) -> Finding:
    """It is well."""
    return Finding(check, "ok", says)


def warning(check: str, says: str, mend: str) -> Finding:
    """It works, but not for long or not for everything."""
    return Finding(check, "warning", says, mend)


def broken(check: str, says: str, mend: str) -> Finding:
    """It does not work."""
    return Finding(check, "broken", says, mend)
