"""Patterns of a person's own: a line each, `kind = regular expression`; `allow = ...` names what is no secret.

`^` and `$` stand for the ends of a line: all texts of a payload are searched at once, a line or more each.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dcm.domain.errors import SettingsError
from dcm.domain.secret_shapes import Found

ALLOW = "allow"
_KIND = re.compile(r"[a-z][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class OwnPatterns:
    """What else is a secret, and what is none."""

    secrets: Sequence[tuple[str, re.Pattern[str]]] = ()
    allowed: re.Pattern[str] | None = None

    def find(self, text: str) -> Iterator[Found]:
        """The secrets in a text: the first group of a pattern, else all that it matches."""
        for kind, pattern in self.secrets:
            for match in pattern.finditer(text):
                start, end = match.span(1 if pattern.groups else 0)
                if start < end:
                    yield Found(start, end, kind)


def parse(text: str, source: str) -> OwnPatterns:
    """The patterns of a file; `source` names it in errors.

    Raises:
        SettingsError: a line cannot be used; the message says which and why.
    """
    secrets: list[tuple[str, re.Pattern[str]]] = []
    allowed: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        kind, pattern = _parse_line(line, f"{source}, line {number}")
        if kind == ALLOW:
            allowed.append(f"(?:{pattern.pattern})")
        else:
            secrets.append((kind, pattern))
    return OwnPatterns(tuple(secrets), re.compile("|".join(allowed)) if allowed else None)


def _parse_line(line: str, where: str) -> tuple[str, re.Pattern[str]]:
    kind, equals, expression = (part.strip() for part in line.partition("="))
    if not equals or not _KIND.fullmatch(kind):
        raise SettingsError(f"{where}: write `kind = pattern`, the kind in lower case letters, digits and dashes.")
    try:
        pattern = re.compile(expression, re.MULTILINE)
    except re.error as error:
        raise SettingsError(f"{where}: {expression!r} is not a regular expression: {error}.") from None
    if pattern.search(""):
        raise SettingsError(f"{where}: {expression!r} matches the empty text: say what has to be there.")
    return kind, pattern
