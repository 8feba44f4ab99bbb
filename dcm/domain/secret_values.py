"""Values behind a name that says a secret follows: NAME=value, "name": "value", --name value, name('value')."""

import re
import string
from collections.abc import Iterator, Sequence

from dcm.domain.placeholders import MARK
from dcm.domain.secret_names import NONE, strength
from dcm.domain.secret_shapes import Found
from dcm.domain.secret_verdicts import LONGEST, LONGEST_LOOK, Asked, Place, Value, is_env

_NAME_SIGNS = string.ascii_letters + string.digits + "_-.$"
_LONGEST_NAME = 64
_ESCAPED = frozenset("abfnrtv")
"""Letters behind a backslash that are none of a name's: a line break or a tab, as it is written in a string."""

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
_FURTHER = re.compile(r"""[^\s"'`\\]++""")

ENOUGH = 2
"""How often a text's characters are judged, on average: a value may hold the next name, and so that one's value."""

UNSEEN = "unseen"
"""The kind of all that follows when that was enough, so that no text takes longer than one of its length may."""


_ANY: frozenset[str] = frozenset()
_NOT_AFTER = {"pass": frozenset("eisub"), "pat": frozenset("htcie")}
"""passed, passing, passs, passus, passbook: no passwords; path, pattern, patch, patient, pate: no access tokens."""


def named(text: str, starts: Sequence[int]) -> Iterator[Found]:
    """Values whose name says that they are secret; `starts`: where names that tell may stand, in order."""
    done, left = 0, ENOUGH * len(text) + LONGEST
    for start in starts:
        if start < done:
            continue
        head = text[max(0, start - _LONGEST_NAME) : start]
        head = head[len(head.rstrip(_NAME_SIGNS)) :]
        if text[start - len(head) - 1 : start - len(head)] == "\\" and head[:1] in _ESCAPED:
            head = head[1:]
        rest = _REST.match(text, start)
        end = rest.end() if rest else start
        asked, done = _at_name(text, start - len(head), end, done)
        if asked is None:
            continue
        left -= len(asked.value.text)
        if left <= 0:
            yield from _all_after(text, asked.value.start)
            return
        if asked.is_secret():
            found = _whole(text, asked.found())
            yield found
            done = max(done, found.end)


def _whole(text: str, found: Found) -> Found:
    """A secret that was looked at in part, as far as it goes."""
    rest = _FURTHER.match(text, found.end) if found.end - found.start >= LONGEST_LOOK else None
    return found._replace(end=rest.end()) if rest else found


def _all_after(text: str, at: int) -> Iterator[Found]:
    """All of a text from a place on, but for the marks in it."""
    for start, end in (*(mark.span() for mark in MARK.finditer(text)), (len(text), len(text))):
        if text[at:start].strip():
            yield Found(at, start, UNSEEN)
        at = max(at, end)


def begins_name(stem: str, after: str) -> bool:
    """Whether a name that tells may begin with a stem, by the character after it."""
    return after not in _NOT_AFTER.get(stem, _ANY)


def _at_name(text: str, start: int, end: int, done: int) -> tuple[Asked | None, int]:
    """What follows a name that tells, and where to go on."""
    name = text[start:end]
    said = strength(name)
    if said == NONE and name.lower() in _SECOND_WORDS:
        said = _of_two_words(text, start, end)
    if said == NONE:
        return None, done
    pair = _PAIR.match(text, end)
    if pair:
        return _asked(said, _value(text, pair.end(), _TO_SPACE), None), end
    joint = _JOINT.match(text, end)
    if joint is None:
        return None, end
    place = Place(text, name, start, joint)
    return _asked(said, _value(text, joint.end(), _reach(place)), place), end


def _asked(said: str, value: Value | None, place: Place | None) -> Asked | None:
    return Asked(said, value, place) if value else None


def _of_two_words(text: str, start: int, end: int) -> str:
    """A name of two words, as prose has it: the api key, an access token."""
    if text[start - 1 : start] != " ":
        return NONE
    before = text[max(0, start - 14) : start - 1]
    word = before[len(before.rstrip(string.ascii_letters)) :]
    return strength(f"{word}_{text[start:end]}") if word else NONE


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


def _reach(place: Place) -> re.Pattern[str]:
    """How far a value without quotes goes: to the next space where nothing else can follow, else to a sign."""
    text, name, start, joint = place
    if name.startswith("--") or (joint[0] == "=" and is_env(name, joint)):
        return _TO_SPACE
    if joint["tag"]:
        return _TO_TAG
    line = text[text.rfind("\n", max(0, start - 80), start) + 1 : start]
    alone = not line.strip(" \t-+>→0123456789:") or line.strip().endswith("export")
    return _TO_SEMICOLON if alone and joint["close"] is None and joint[0] in {"=", ": "} else _BARE
