"""Values behind a name that says a secret follows: NAME=value, "name": "value", --name value, name('value')."""

import re
import string
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from dcm.domain.placeholders import MARK, is_code, is_identity, is_path, is_placeholder, is_random
from dcm.domain.secret_names import KEY, NONE, PASSWORD, SECRET, TOKEN, WEAK, strength
from dcm.domain.secret_shapes import Found

_NAME_SIGNS = string.ascii_letters + string.digits + "_-.$"
_LONGEST_NAME = 64
_REST = re.compile(r"[\w-]{0,48}(?:\.[a-z]{2,8}\b)?")

_JOINT = re.compile(
    r"""
    (?P<close>\\{0,3}["'`])? (?:\[\d{0,4}\]|\])? \)?
    (?:
        [ \t]{0,8} : [ \t]? [A-Za-z_][\w.\[\]| ]{0,40}? [ \t]? = [ \t]{0,8} (?=["'`])       # password: str = "x"
      | [ \t]{0,8} (?P<sign>:=|=>|===?|!==?|\?\?=|\|\|=|\?=|=|:(?!:|=)|%3[Dd]) [ \t]{0,8}
      | (?P<call>\()[ \t]{0,4} (?=[\\"'`])
      | (?P<comma>,)[ \t]{0,4} (?=["'`])
      | (?P<tag>>) (?=[^<\s])
      | [ \t]{1,4} (?P<gap>is[ \t:]{1,4}|was[ \t]{1,4}|als?o? )? (?=[\\"'`]?[^\s=:|&<>(){}\[\],;])
      | (?P<pair>[ \t,;"'\\nr]{0,12}\s{1,12}["'\\]{0,4}(?:value|Value|VALUE)["'\\]{0,4}[ \t]{0,4}[:=][ \t]{0,4})
    )
    """,
    re.VERBOSE,
)  # fmt: skip
"""What stands between a name and its value."""

_PAIR = re.compile(
    r"""\\?["']?[ \t,]{0,4}(?:\\n|\s){0,12}(?:-[ ])?\\?["']?[vV](?:alue|ALUE)\\?["']?[ \t]{0,4}[:=][ \t]{0,4}"""
)
_QUOTE = re.compile(r"""(?:[bfruBFRU@$]{0,2})(\\{0,7}["'`])""")
_TO_TAG = re.compile(r"[^<>\n]{1,512}")
_TO_SEMICOLON = re.compile(r"""[^\s"'`\\;]{1,512}""")
_BARE = re.compile(r"""[^\s"'`<>,;&(){}\[\]|\\]{1,512}""")
_TO_SPACE = re.compile(r"""[^\s"'`\\]{1,512}""")
_AUTH_WORD = re.compile(r"(?:Bearer|Basic|Token|token|bearer|basic|ApiKey|Digest|Key|Bot)[ \t]+(?=\S)")
_SECOND_WORDS = frozenset({"key", "phrase", "word", "string"})
_USER = re.compile(r"(?i)(?:user|uid|login|server|host|data source|database|endpoint)[\w ]{0,12}\"?=")
_FURTHER = re.compile(r"""[^\s"'`\\]++""")
LONGEST_LOOK, LONGEST = 500, 4096
"""Characters of a value without quotes, and of one in quotes, by which it is judged."""


_ANY: frozenset[str] = frozenset()
_NOT_AFTER = {"pass": frozenset("eisub"), "pat": frozenset("htcie")}
"""passed, passing, passs, passus, passbook: no passwords; path, pattern, patch, patient, pate: no access tokens."""


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


def named(text: str, starts: Sequence[int]) -> Iterator[Found]:
    """Values whose name says that they are secret; `starts`: where names that tell may stand, in order."""
    done = 0
    for start in starts:
        if start < done:
            continue
        head = text[max(0, start - _LONGEST_NAME) : start]
        head = head[len(head.rstrip(_NAME_SIGNS)) :]
        rest = _REST.match(text, start)
        end = rest.end() if rest else start
        found, done = _at_name(text, start - len(head), end, done)
        if found:
            found = _whole(text, found)
            yield found
            done = max(done, found.end)


def _whole(text: str, found: Found) -> Found:
    """A secret that was looked at in part, as far as it goes."""
    rest = _FURTHER.match(text, found.end) if found.end - found.start >= LONGEST_LOOK else None
    return found._replace(end=rest.end()) if rest else found


def begins_name(stem: str, after: str) -> bool:
    """Whether a name that tells may begin with a stem, by the character after it."""
    return after not in _NOT_AFTER.get(stem, _ANY)


def _at_name(text: str, start: int, end: int, done: int) -> tuple[Found | None, int]:
    """The secret that follows a name, and where to go on."""
    name = text[start:end]
    said = strength(name)
    if said == NONE and name.lower() in _SECOND_WORDS:
        said = _of_two_words(text, start, end)
    if said == NONE:
        return None, done
    joint = _JOINT.match(text, end)
    pair = _PAIR.match(text, end)
    if pair:
        value = _value(text, pair.end(), _TO_SPACE)
        return _found(value, said, value is not None and _is_pair(value, said)), end
    if joint is None:
        return None, end
    place = Place(text, name, start, joint)
    value = _value(text, joint.end(), _reach(place))
    return _found(value, said, value is not None and _tells(place, value, said)), end


def _of_two_words(text: str, start: int, end: int) -> str:
    """A name of two words, as prose has it: the api key, an access token."""
    if text[start - 1 : start] != " ":
        return NONE
    before = text[max(0, start - 14) : start - 1]
    word = before[len(before.rstrip(string.ascii_letters)) :]
    return strength(f"{word}_{text[start:end]}") if word else NONE


def _found(value: Value | None, said: str, is_secret: bool) -> Found | None:
    return Found(value.start, value.end, "secret" if said == WEAK else said) if value and is_secret else None


def _value(text: str, at: int, reach: re.Pattern[str]) -> Value | None:
    auth = _AUTH_WORD.match(text, at)
    at = auth.end() if auth else at
    quote = _QUOTE.match(text, at)
    if quote:
        inner = _AUTH_WORD.match(text, quote.end())
        start = inner.end() if inner else quote.end()
        end = _closing(text, start, quote[1])
        return Value(start, end, text[start:end], quoted=True) if end > start else None
    bare = reach.match(text, at)
    if bare is None:
        return None
    cut = len(bare[0].rstrip(".,;:)]}?" if reach is _BARE else ",;"))
    end = at + (cut or len(bare[0]))
    return Value(at, end, text[at:end], quoted=False)


def _closing(text: str, start: int, quote: str) -> int:
    """Where a quoted text ends: at the same quote, not escaped, on the same line; else where the line does."""
    line = text.find("\n", start, start + LONGEST)
    limit = line if line >= 0 else min(len(text), start + LONGEST)
    at = text.find(quote, start, limit)
    while at > start and len(quote) == 1 and text[at - 1] == "\\" and text[at - 2] != "\\":
        at = text.find(quote, at + 1, limit)
    return at if at >= 0 else start if quote == "`" else limit


def _is_env(name: str, joint: re.Match[str]) -> bool:
    """NAME=value, as a shell or a file of settings has it."""
    bare = name.strip("$.-")
    return bare.upper() == bare and joint[0] in {"=", ": "}


def _reach(place: Place) -> re.Pattern[str]:
    """How far a value without quotes goes: to the next space where nothing else can follow, else to a sign."""
    text, name, start, joint = place
    if name.startswith("--") or (joint[0] == "=" and _is_env(name, joint)):
        return _TO_SPACE
    if joint["tag"]:
        return _TO_TAG
    line = text[text.rfind("\n", max(0, start - 80), start) + 1 : start]
    alone = not line.strip(" \t-+>→0123456789:") or line.strip().endswith("export")
    return _TO_SEMICOLON if alone and joint["close"] is None and joint[0] in {"=", ": "} else _BARE


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
    return not said.endswith(_letters(value.text) or "-")


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
    env = _is_env(place.name, joint)
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
