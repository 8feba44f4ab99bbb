"""What a text proves of the planted facts, what it states that no longer holds, and what it may not say at all."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sessions.facts import WEIGHTS, Boundary, Fact, Proof

from measure.items import Item, flat, items

_NOT_DONE = re.compile(r"open|outstanding|unfinished|to ?do|pending|remaining|in.progress|not done|\[ \]")
_DONE = re.compile(
    r"fixed|solved|passes|(?<!\d )passed|\[x\]|completed|\bdone\b|✓|✔|replaced|no longer|superseded|since ok|was:"
)
_FAILING = re.compile(r"open|unresolved|unsolved|outstanding|fail|broken")
_REPLACED = re.compile(
    r"replaced|instead|superseded|no longer|corrected|changed (to|from)|\bnot\b|statt|y no|taken back"
)
_RUNNING = re.compile(r"running|in.progress|not finished|under way|started")
_FILES = re.compile(r"files?\b|chang|modif|edit|writ")
_GONE = re.compile(r"delet|remov|renamed|moved|gone|\brm\b|git mv|→|->")

CLOSE = 25
"""Characters around a task in which its state is looked for."""

WHOLE_WORDS = 7
"""Characters from which a text is looked for as whole words; shorter ones are signs such as `delet` and `pass`."""


@dataclass(frozen=True, slots=True)
class Read:
    """A text taken apart once, to be asked many times."""

    items: Sequence[Item]
    wholes: Sequence[str]
    sections: Mapping[tuple[str, ...], str]
    flat: str


def read(text: str) -> Read:
    """Take a text apart."""
    found = items(text)
    sections: dict[tuple[str, ...], str] = defaultdict(str)
    for item in found:
        sections[item.headings] += f" {flat(item.text)}"
    return Read(found, [item.whole for item in found], sections, flat(text))


def stands(part: str, text: str) -> bool:
    """Whether a part stands in a flat text: a long one as whole words, so that a.py is not found in test_a.py."""
    if len(part) < WHOLE_WORDS:
        return part in text
    place = text.find(part)
    while place >= 0:
        end = place + len(part)
        if not (_joined(text, place) or _joined(text, end)):
            return True
        place = text.find(part, place + 1)
    return False


def _joined(text: str, place: int) -> bool:
    """Whether the characters before and after a place belong to one word."""
    return 0 < place < len(text) and all(letter.isalnum() or letter == "_" for letter in text[place - 1 : place + 1])


def proved(text: Read, proof: Proof) -> bool:
    """Whether one item proves a fact: all texts of one alternative stand in it or over it."""
    return any(_holders(text, alternative) for alternative in proof)


def _holders(text: Read, alternative: Sequence[str]) -> list[int]:
    """The places of the items in which, or in the headings over which, all these texts stand."""
    wanted = [flat(part) for part in alternative]
    if not all(part in text.flat for part in wanted):
        return []
    return [place for place, whole in enumerate(text.wholes) if all(stands(part, whole) for part in wanted)]


def by_kind(text: Read, boundary: Boundary) -> dict[str, list[bool]]:
    """{kind: found or not} of the facts that hold."""
    found: dict[str, list[bool]] = defaultdict(list)
    for fact in boundary.facts:
        if fact.holds and fact.kind in WEIGHTS:
            found[fact.kind].append(proved(text, fact.proof))
    return dict(found)


def total(found: Mapping[str, Sequence[bool]]) -> float:
    """The weighted share of facts found: a kind counts by its weight, however many facts it has."""
    parts = [(WEIGHTS[kind], sum(values) / len(values)) for kind, values in found.items() if values]
    return sum(weight * share for weight, share in parts) / sum(weight for weight, _ in parts) if parts else 0.0


def by_probe(text: Read, boundary: Boundary) -> dict[str, list[bool]]:
    """{type of probe: gold found or not}."""
    found: dict[str, list[bool]] = defaultdict(list)
    for probe in boundary.probes:
        found[probe.kind] += [proved(text, gold) for gold in probe.gold]
    return dict(found)


def stale(text: Read, boundary: Boundary) -> list[Fact]:
    """The facts that no longer hold and are stated as if they did."""
    return [fact for fact in boundary.facts if not fact.holds and _stated(text, fact)]


def _stated(text: Read, fact: Fact) -> bool:
    return any(_claims(text, item, whole, fact) for item, whole in _with(text, fact))


def _with(text: Read, fact: Fact) -> Iterator[tuple[Item, str]]:
    """The items that say the fact."""
    for alternative in fact.proof:
        yield from ((text.items[place], text.wholes[place]) for place in _holders(text, alternative))


def _claims(text: Read, item: Item, whole: str, fact: Fact) -> bool:
    """Whether an item states a fact as one that still holds; each kind has its own way to be wrong."""
    if fact.kind == "error_open":
        return bool(_FAILING.search(whole)) and not _DONE.search(whole)
    if fact.kind == "todo_open":
        near = _near(item, whole, fact)
        return bool(_NOT_DONE.search(near)) and not _DONE.search(near)
    if fact.kind == "decision":
        said = _REPLACED.search(whole) or any(flat(new) in text.sections[item.headings] for new in fact.new)
        return not said
    if fact.kind == "agent_running":
        return bool(_RUNNING.search(whole))
    if fact.kind == "file_there":
        return bool(_FILES.search(flat(" ".join(item.headings)))) and not _GONE.search(whole)
    return fact.kind == "branch_old"


def _near(item: Item, whole: str, fact: Fact) -> str:
    """The headings, and what stands close to the words of a fact: where a list says how a task stands."""
    words = flat(fact.proof[0][0])
    place = whole.find(words)
    return f"{flat(' '.join(item.headings))} {whole[max(0, place - CLOSE) : place + len(words) + CLOSE]}"


def out_of_scope(text: Read, boundary: Boundary) -> list[str]:
    """The words of another worktree's session or of another project that stand in a text."""
    return [words for words in boundary.never if flat(words) in text.flat]
