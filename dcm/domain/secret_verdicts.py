"""Whether a value behind a name that tells is a secret, and not what stands for one, a type, or code."""

import re
from typing import NamedTuple

from dcm.domain.placeholders import MARK, is_code, is_identity, is_path, is_placeholder, is_random
from dcm.domain.secret_names import KEY, PASSWORD, SECRET, TOKEN, WEAK
from dcm.domain.secret_shapes import Found

LONGEST_LOOK, LONGEST = 500, 4096
"""Characters of a value without quotes, and of one in quotes, by which it is judged."""

_USER = re.compile(r"(?i)(?:user|uid|login|server|host|data source|database|endpoint)[\w ]{0,12}\"?=")


class Value(NamedTuple):
    """Where a value stands, what it is, and whether quotes say that it is meant literally."""

    start: int
    end: int
    text: str
    quoted: bool


class Place(NamedTuple):
    """Where a name stands in a text, and what joins it to what follows."""

    text: str
    name: str
    start: int
    joint: re.Match[str]


class Asked(NamedTuple):
    """What a name says, the value that follows it, and where; nowhere when they are two fields of a pair."""

    said: str
    value: Value
    place: Place | None

    def is_secret(self) -> bool:
        """Whether the value is a secret, judged by all that is known."""
        return _tells(self.place, self.value, self.said) if self.place else _is_pair(self.value, self.said)

    def found(self) -> Found:
        """The value as a secret."""
        return Found(self.value.start, self.value.end, "secret" if self.said == WEAK else self.said)


def is_env(name: str, joint: re.Match[str]) -> bool:
    """NAME=value, as a shell or a file of settings has it."""
    bare = name.strip("$.-")
    return bare.upper() == bare and joint[0] in {"=", ": "}


def _is_pair(value: Value, said: str) -> bool:
    """name: API_KEY, value: x."""
    if is_placeholder(value.text) or is_path(value.text):
        return False
    return len(value.text) >= 5 and (said == PASSWORD or is_random(value.text, 8) or value.text.isdigit())


def _tells(place: Place, value: Value, said: str) -> bool:
    """Whether a value is a secret, and not what stands for one, a type, or code."""
    text, name, start, joint = place
    if not _may_be(value, name):
        return False
    if joint["sign"] in {"==", "===", "!=", "!=="}:
        return value.quoted and is_random(value.text, 8)
    if joint[0] == ":" and text[start - 1 : start] == ":":
        return False
    if joint["tag"] or joint["comma"]:
        in_tag = text[start - 1 : start] == "<" and text[value.end : value.end + 2] == "</"
        return in_tag if joint["tag"] else text[max(0, start - 2) : start - 1] == "(" and is_random(value.text, 6)
    if joint["sign"] is None and joint["call"] is None and ":" not in joint[0]:
        return _after_gap(place, value, said)
    return _is_literal(value.text, said, joint) if value.quoted else _is_bare(place, value, said)


def _may_be(value: Value, name: str) -> bool:
    if len(value.text) < 4 or MARK.search(value.text) or is_placeholder(value.text) or is_path(value.text):
        return False
    said = _letters(name.rpartition(".")[2])
    return len(value.text) > LONGEST_LOOK or not said.endswith(_letters(value.text) or "-")


def _letters(text: str) -> str:
    return "".join(character for character in text.lower() if character.isalnum())


def _is_literal(value: str, said: str, joint: re.Match[str]) -> bool:
    """A value in quotes."""
    if any(character.isspace() for character in value):
        words = value.split(" ")
        return said == PASSWORD and len(words) == 4 and all(word.isalpha() and word.islower() for word in words)
    if joint["call"] and said != PASSWORD:
        return is_random(value, 12)
    if said == PASSWORD:
        bare = value.replace("_", "").replace("-", "")
        return not (bare.isalpha() and (value.istitle() or len(value) < 6 or "_" in value or not value.isascii()))
    if said == SECRET and value.isalnum():
        return is_random(value, 6) or len(value) >= (12 if value.isalpha() else 6)
    if said == WEAK:
        return is_random(value, 16) and not is_identity(value)
    return is_random(value, 6) or (is_identity(value) and len(value) >= 6)


def _after_gap(place: Place, value: Value, said: str) -> bool:
    """--password x, `password x` of a netrc, "the password is x"."""
    text, name, start, joint = place
    if said == WEAK or name.lower() == "pass":
        return False
    flag = name.startswith(("-", "/")) or text[max(0, start - 2) : start] == "--"
    if flag:
        return _is_of_flag(value.text, said)
    if value.quoted and not joint["gap"]:
        return False
    if joint["gap"]:
        digits = said == PASSWORD and not value.text.replace("-", "").isalpha() and len(value.text) >= 6
        return (digits or is_random(value.text, 6)) and not is_code(value.text)
    machine = said == PASSWORD and re.search(r"\blogin\s+\S+\s+\Z", text[max(0, start - 80) : start])
    if machine:
        return True
    shortest = 6 if said == PASSWORD else 16
    return is_random(value.text, shortest) and not is_code(value.text) and _ends_well(text, value)


def _ends_well(text: str, value: Value) -> bool:
    return text[value.end : value.end + 1] not in {"(", "=", ":", "["}


def _is_of_flag(value: str, said: str) -> bool:
    if value.startswith("-") or value.isupper():
        return len(value) >= 16 and is_random(value, 16)
    return said == PASSWORD or is_random(value, 8) or (said == SECRET and len(value) >= 8)


def _is_bare(place: Place, value: Value, said: str) -> bool:
    """A value without quotes: of a shell, a file of settings, a log, an address; or code."""
    text, joint = place.text, place.joint
    env = is_env(place.name, joint)
    after = text[value.end : value.end + 1]
    if after in {"(", "["} or (not env and (after == "." or is_code(value.text))):
        return False
    if said == WEAK:
        return is_random(value.text, 16) and not is_identity(value.text)
    if said in {TOKEN, KEY, SECRET}:
        wordy = said == SECRET and env and len(value.text) >= 8
        return wordy or is_random(value.text, 8) or (is_identity(value.text) and len(value.text) >= 8)
    if value.text.replace("_", "").isalpha():
        return _is_word_a_password(place, value, env=env)
    return len(value.text) >= 6 or (env and len(value.text) >= 4)


def _is_word_a_password(place: Place, value: Value, *, env: bool) -> bool:
    """A password of letters alone is believed only where no type and no variable can stand."""
    text, name, start, joint = place
    flag = name.startswith("--")
    if env or flag:
        return len(value.text) >= 5 and not (value.text.istitle() and joint["sign"] == ":")
    if (
        "." in name.strip(".")
        and joint[0] in {": ", "=", " = "}
        and text[value.end : value.end + 1] in {"", "\n", "\r"}
    ):
        return len(value.text) >= 8
    before = text[max(0, start - 160) : start].rpartition("\n")[2]
    in_string = joint[0] == "=" and (before.endswith(("?", "&", ";", " ")) and bool(_USER.search(before)))
    return in_string and "(" not in before and text[value.end : value.end + 1] not in {",", ")"}
