"""Passwords of addresses: taken out of what is shown, also where a driver repeats a part of one in its error."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

SHORTEST = 4
"""Characters of the shortest part that is hidden wherever it stands: a shorter one would be found in any word."""

_OF_USER = re.compile(r"(://[^:/@\s]*):(\S*)@")
_OF_OPTION = re.compile(r"((?:^|[?&\s])(?:ssl)?password\s*=\s*)('(?:[^'\\]|\\.)*'|[^&\s]*)", re.IGNORECASE)


def masked(text: str) -> str:
    """A text with the passwords of the addresses in it masked; one that holds an @ is masked up to the last."""
    return _OF_OPTION.sub(r"\1***", _OF_USER.sub(r"\1:***@", text))


def shown(text: str) -> str:
    """A secret as it may be shown: a URL without its password, anything else not at all."""
    return masked(text) if "://" in text else "***"


def hidden(text: str, *addresses: str) -> str:
    """A text without the passwords of these addresses, whole or in the parts that a parser makes of them."""
    parts = {part for address in addresses for part in _parts(address) if len(part) >= SHORTEST}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return masked(text)


def _parts(address: str) -> Iterator[str]:
    for found in (*_OF_USER.finditer(address), *_OF_OPTION.finditer(address)):
        password = found[2].strip("'")
        for part in (password, *password.split("@")):
            yield from (part, unquote(part))
