"""Passwords of addresses: taken out of what is shown, also where a driver repeats a part of one in its error."""

import re
from collections.abc import Iterator
from urllib.parse import unquote

SHORTEST = 4
"""Characters of the shortest part that is hidden wherever it stands: a shorter one would be found in any word."""

_OPTION, _QUOTED = r"((?:^|[?&\s])(?:ssl)?password\s*=\s*)", r"'(?:[^'\\]|\\.)*'"

_OF_USER = re.compile(r"(://[^:/@\s]*):(\S*)@")
_OF_OPTION = re.compile(rf"{_OPTION}({_QUOTED}|[^&\s]*)", re.IGNORECASE)
"""Where a password stands in an address of a text: it ends with the word."""

_OF_WHOLE_USER = re.compile(r"(://[^:/@]*):(.*)@", re.DOTALL)
_OF_WHOLE_OPTION = re.compile(rf"{_OPTION}({_QUOTED}|.*?(?=&|\s+\w+\s*=|\Z))", re.IGNORECASE | re.DOTALL)
"""The same where the text is one address: whoever forgot to quote a space in a password has it hidden all the same."""


def masked(text: str) -> str:
    """A text with the passwords of the addresses in it masked; one that holds an @ is masked up to the last."""
    return _OF_OPTION.sub(r"\1***", _OF_USER.sub(r"\1:***@", text))


def without(address: str) -> str:
    """An address without its password."""
    return _OF_WHOLE_OPTION.sub(r"\1***", _OF_WHOLE_USER.sub(r"\1:***@", address))


def shown(text: str) -> str:
    """A secret as it may be shown: a URL without its password, anything else not at all."""
    return without(text) if "://" in text else "***"


def hidden(text: str, *addresses: str) -> str:
    """A text without the passwords of these addresses, whole or in the parts that a parser makes of them."""
    parts = {part for address in addresses for part in _parts(address) if len(part) >= SHORTEST}
    for part in sorted(parts, key=len, reverse=True):
        text = text.replace(part, "***")
    return masked(text)


def _parts(address: str) -> Iterator[str]:
    for found in (*_OF_WHOLE_USER.finditer(address), *_OF_WHOLE_OPTION.finditer(address)):
        password = found[2].strip("'")
        for part in (password, *re.split(r"[@\s]+", password)):
            yield from (part, unquote(part))
