"""The redaction of a process: what is built in, Kingfisher's rules, the patterns of DCM_REDACT_FILE."""

import functools
import hashlib
import hmac
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from dcm import secret
from dcm.domain.errors import SettingsError
from dcm.domain.own_patterns import OwnPatterns, parse
from dcm.domain.redaction import KEPT, Redactor
from dcm.domain.secret_hints import HINTS
from dcm.domain.secret_shapes import Found
from dcm.settings import Settings

if TYPE_CHECKING:
    from ahocorasick_rs import AhoCorasick
    from kingfisher_sdk import Scanner

SHORTEST = 12
"""Characters of the shortest text that Kingfisher looks at."""


@functools.lru_cache(8)
def redactor(settings: Settings) -> Redactor:
    """The redactor of these settings; the key of its marks follows from the secret that tokens are signed with.

    Raises:
        SettingsError: the file of own patterns cannot be used.
        StartError: the secret cannot be read.
    """
    own = own_patterns(settings)
    key = hmac.new(secret.load(settings), b"redaction", hashlib.sha256).digest()
    more = (own.find, known_to_kingfisher)
    return Redactor(more=more, look=hints, allowed=own.allowed, key=key)


def of_logs(settings: Settings) -> Callable[[Any], Any]:
    """What a log is passed through: the redactor, and besides it what of the settings is secret.

    No row is found again by a line of a log: there the redactor looks at ids too.
    """
    found = redactor(settings)

    def without_secrets(value: Any) -> Any:
        return _changed(found.value(value), settings.hidden, lambda text: settings.hidden(found.text(text)))

    return without_secrets


def _changed(value: Any, change: Callable[[str], str], of_ids: Callable[[str], str]) -> Any:
    """A JSON value with every text in it changed, and those that are kept elsewhere in a way of their own."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: _changed(each, of_ids if name in KEPT else change, of_ids) for name, each in value.items()}
    return [_changed(each, change, of_ids) for each in value] if isinstance(value, list) else value


def own_patterns(settings: Settings) -> OwnPatterns:
    """The patterns of DCM_REDACT_FILE; none when it is not set.

    Raises:
        SettingsError: the file cannot be read, or a line of it not be used.
    """
    path = settings.redact_file
    if path is None:
        return OwnPatterns()
    try:
        return parse(path.read_text(encoding="utf-8"), str(path))
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"DCM_REDACT_FILE names {path}, which cannot be read: {error}.") from None


@functools.cache
def _scanner() -> "Scanner":
    """Kingfisher's rules of high confidence. They are compiled once and kept in the user's folder for caches."""
    from kingfisher_sdk import Rules, Scanner  # noqa: PLC0415 - a process that redacts nothing is spared it

    return Scanner(Rules(confidence="high"), base64=False)


@functools.cache
def _hints() -> "AhoCorasick":
    from ahocorasick_rs import AhoCorasick  # noqa: PLC0415 - as above

    return AhoCorasick(HINTS)


def hints(lowered: str) -> "list[tuple[int, int, int]]":
    """What hints at secrets, found in one pass: the words of twenty names and fifty places, in 4 µs for 1.7 KB."""
    try:
        return _hints().find_matches_as_indexes(lowered, overlapping=True)
    except UnicodeEncodeError:  # half of a surrogate pair: a mark takes its place, so that all else stays in its own
        return _hints().find_matches_as_indexes(lowered.encode("utf-8", "replace").decode(), overlapping=True)


def get_ready() -> None:
    """Load the rules now, so that nobody waits for them later."""
    _scanner()
    _hints()


def known_to_kingfisher(text: str) -> Iterator[Found]:
    """The secrets that Kingfisher knows by the rules of their issuers."""
    if len(text) < SHORTEST:
        return
    data = text.encode("utf-8", "replace")
    for finding in _scanner().scan(data):
        if not finding.visible:
            continue
        place, found = finding.location, finding.secret.encode("utf-8", "replace")
        start = data.find(found, place["start_offset"], place["end_offset"] + 1)
        start = place["start_offset"] if start < 0 else start
        before = start if len(data) == len(text) else len(data[:start].decode("utf-8", "replace"))
        kind = finding.rule_id.removeprefix("betterleaks.").partition(".")[0]
        yield Found(before, before + len(finding.secret), kind[:40])
