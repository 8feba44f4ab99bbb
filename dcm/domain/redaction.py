"""Redaction: a secret in a text becomes `[redacted:kind:hash8]`, a <private> part `[private]`.

The same secret has the same mark under the same key; a mark is never redacted again.
"""

import bisect
import hashlib
import hmac
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dcm.domain.placeholders import MARK
from dcm.domain.secret_hints import HINTS, Look, look
from dcm.domain.secret_names import NONE, PASSWORD, STEMS, strength
from dcm.domain.secret_places import env_values, names_env_file, placed
from dcm.domain.secret_shapes import Found, private_keys, shaped, url_passwords
from dcm.domain.secret_values import UNSEEN, begins_name, named

Finder = Callable[[str], Iterable[Found]]

PRIVATE = "[private]"

KEPT = frozenset(
    {
        "session_id", "tool_use_id", "agent_id", "prompt_id", "transcript_path", "agent_transcript_path", "cwd",
        "hook_event_name", "message_id", "agentId", "id", "uuid", "parentUuid", "sessionId", "subtask_id",
        "callback_url",
    }
)  # fmt: skip
"""Fields by which rows are found again, and addresses that are called: never altered."""

PASSES = 4
"""Looks at one text: what a mark leaves behind may read differently, and a second redaction must find nothing."""

_TAG = re.compile(r"<(/?)private>|\\u003c(/?)private\\u003e|&lt;(/?)private&gt;", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Redactor:
    """Takes secrets out of texts.

    `more` finds further ones, `look` what hints at one, `allowed` is what is none, `key` makes the secret of a mark
    unguessable.
    """

    more: Sequence[Finder] = ()
    look: Look = look
    allowed: re.Pattern[str] | None = None
    key: bytes = b""

    def text(self, text: str, *, env: bool = False) -> str:
        """The text without its secrets; `env`: it is what a .env file holds."""
        text = without_private(text)
        for _ in range(PASSES):
            found = self._secrets(text, env=env)
            if not found:
                break
            text = self._marked(text, found)
        return text

    def value(self, value: Any, *, env: bool = False) -> Any:
        """The JSON value without its secrets; the value itself when it has none."""
        try:
            if not self._is_suspicious(value, env=env):
                return value
            redacted = self._redacted(value, "", env=env)
        except RecursionError:
            redacted = json.loads(self.text(json.dumps(value)))
        return value if redacted == value else redacted

    def payload(self, payload: Mapping[str, Any]) -> Mapping[str, Any]:
        """A hook's payload without its secrets; values of a .env file that its tool touched count as such."""
        asked = payload.get("tool_input") or payload.get("input")
        redacted: Mapping[str, Any] = self.value(payload, env=asked is not None and _touches_env_file(asked))
        return redacted

    def _is_suspicious(self, value: Any, *, env: bool) -> bool:
        """Whether any text in it may have a secret, or a name that says so: one look at all of them together."""
        texts: list[str] = []
        if _gather(value, texts) or env:
            return True
        together = "\n".join(texts)
        return "private" in together.lower() or bool(self._secrets(together, env=False))

    def _redacted(self, value: Any, name: str, *, env: bool) -> Any:
        if isinstance(value, str):
            return value if name in KEPT else self._of_name(name, value, env=env)
        if isinstance(value, dict):
            named_by = _named_by(value) or name
            return {
                (self.text(key) if isinstance(key, str) else key): self._redacted(
                    inner, named_by if key in _VALUES and named_by not in KEPT else str(key), env=env
                )
                for key, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self._redacted(inner, name, env=env) for inner in value]
        if type(value) is int and value > 999 and strength(name) == PASSWORD:
            return self.mark(PASSWORD, str(value))
        return value

    def _of_name(self, name: str, value: str, *, env: bool) -> str:
        """A text under a name: the name may say that the whole of it is a secret, but for the end of its line."""
        line = value.rstrip("\r\n")
        if strength(name) == PASSWORD and len(line) < 4 and line.isalnum():
            return self.mark(PASSWORD, line) + value[len(line) :]
        if _tells(name) and 0 < len(line) <= 4096 and "\n" not in line:
            head = f"{json.dumps(name)}: "
            quoted = head + json.dumps(line, ensure_ascii=False)
            found = [one for one in self._secrets(quoted, env=False) if one.start > len(head)]
            if found and quoted[len(head) + 1 : -1] == line:
                value = self._marked(line, [_moved(one, -len(head) - 1) for one in found]) + value[len(line) :]
            elif found:
                value = self.mark(found[0].kind, line) + value[len(line) :]
        return self.text(value, env=env)

    def _secrets(self, text: str, *, env: bool) -> list[Found]:
        """What is secret in a text, in order, none overlapping another or a mark."""
        found = list(_built_in(text, self.look, env=env))
        for finder in self.more:
            found += finder(text)
        if not found:
            return []
        taken = [match.span() for match in MARK.finditer(text)] if "[" in text else []
        kept: list[Found] = []
        for one in sorted(found, key=lambda one: (one.start, -one.end)):
            if (
                one.end <= one.start
                or (kept and one.start < kept[-1].end)
                or (one.kind != UNSEEN and self._is_allowed(text[one.start : one.end]))
            ):
                continue
            if not _overlaps(one, taken):
                kept.append(one)
        return kept

    def _is_allowed(self, secret: str) -> bool:
        return self.allowed is not None and self.allowed.search(secret) is not None

    def _marked(self, text: str, found: Sequence[Found]) -> str:
        parts, at = [], 0
        for one in found:
            parts += [text[at : one.start], self.mark(one.kind, text[one.start : one.end])]
            at = one.end
        return "".join([*parts, text[at:]])

    def mark(self, kind: str, secret: str) -> str:
        """What stands for a secret."""
        digest = hmac.new(self.key, secret.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
        return f"[redacted:{kind}:{digest[:8]}]"


_STEMS = frozenset(STEMS)
_VALUES = frozenset({"value", "Value"})


def _named_by(fields: Mapping[str, Any]) -> str:
    """What the other fields call the one that is named value; empty where they do not say."""
    named = fields.get("name") or fields.get("key") or fields.get("Name") or fields.get("Key")
    return named if isinstance(named, str) else ""


def _tells(name: str) -> bool:
    """Whether a name says that a secret may be under it."""
    return strength(name) != NONE or name in _VALUES or name.lower() in {"cookie", "set-cookie", "cookies"}


def _moved(one: Found, by: int) -> Found:
    return Found(one.start + by, one.end + by, one.kind)


def _overlaps(one: Found, taken: Sequence[tuple[int, int]]) -> bool:
    """Whether it overlaps one of these, which are in order."""
    after = bisect.bisect_left(taken, (one.end, 0))
    return after > 0 and taken[after - 1][1] > one.start


def _built_in(text: str, look: Look, *, env: bool) -> Iterator[Found]:
    if len(text) < 6:
        return
    lowered = text.lower()
    if len(lowered) != len(text):
        lowered = "".join(character.lower() if character.isascii() else character for character in text)
    yield from shaped(text)
    yield from private_keys(text)
    yield from url_passwords(text)
    hints = [(HINTS[number], start, end) for number, start, end in look(lowered)]
    yield from placed(text, lowered, {hint for hint, _, _ in hints})
    yield from named(text, _names(lowered, hints))
    if env or ".env" in text:
        yield from env_values(text, known=env)


def _names(lowered: str, hints: Sequence[tuple[str, int, int]]) -> list[int]:
    """Where names that tell may stand, in order."""
    return sorted({start for hint, start, end in hints if hint in _STEMS and begins_name(hint, lowered[end : end + 1])})


def _gather(value: Any, texts: list[str]) -> bool:
    """Collect all texts of a value, its keys among them; True when a key says that its text is secret."""
    tells = False
    if type(value) is str:
        texts.append(value)
    elif type(value) is dict:
        texts += value
        for key, inner in value.items():
            if type(inner) is str:
                if inner and key not in KEPT:
                    texts.append(inner)
                    tells = tells or _tells(key)
            elif type(inner) is int or type(inner) is list:
                tells = _gather(inner, texts) or tells or strength(key) != NONE
            elif type(inner) is dict:
                tells = _gather(inner, texts) or tells
    elif type(value) is list:
        for inner in value:
            tells = _gather(inner, texts) or tells
    return tells


def _touches_env_file(asked: Any) -> bool:
    texts: list[str] = []
    _gather(asked, texts)
    return any(names_env_file(text) for text in texts if ".env" in text)


def without_private(text: str) -> str:
    """The text with its <private> parts replaced; one that is not closed goes to the end."""
    if "private" not in text.lower():
        return text
    parts, at, depth = [], 0, 0
    for tag in _TAG.finditer(text):
        closes = any(tag.groups())
        if closes and depth:
            depth -= 1
            at = tag.end()
        elif not closes:
            if not depth:
                parts += [text[at : tag.start()], PRIVATE]
            depth += 1
    return "".join(parts) if depth else "".join([*parts, text[at:]])


plain = Redactor()
"""Without further finders and without a key."""


def redact(text: str) -> str:
    """The text without its secrets, by what is built in."""
    return plain.text(text)
