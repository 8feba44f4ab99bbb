"""The share of a text that supports nothing.

A text is judged by its items; a list of names is judged name by name, and what is long in pieces of 400 characters.
A piece is of use when it holds

- a file or command used in the next 40 tool calls, or in the last 40 before the compaction,
- a planted fact that holds or the answer to a probe, alone or under its headings,
- words of the user: 40 characters running as a prompt has them, or all of it, if it is 12 long or a whole prompt.

Headings, bullets and blank lines count neither way. What holds no longer is noise, however true once.
"""

from collections.abc import Iterable

from sessions.facts import Proof

from measure.cases import Case, prompts
from measure.items import Item, flat, items, pieces
from measure.scores import Read, proved

RUN, LEAST = 40, 12
"""Characters in a row that make a text the user's; and how long it must be when all of it is."""


class Uses:
    """What a piece of text of this case can be good for."""

    def __init__(self, case: Case) -> None:
        self._names = [name for _, name in case.next_names | case.recent_names]
        self._said = [flat(prompt) for prompt in prompts(case.before)]
        self._runs = {prompt[start : start + RUN] for prompt in self._said for start in range(len(prompt) - RUN + 1)}
        self._proofs: list[Proof] = []
        if case.planted:
            self._proofs = [fact.proof for fact in case.planted.facts if fact.holds]
            self._proofs += [gold for probe in case.planted.probes for gold in probe.gold]

    def any_of(self, piece: str, item: Item) -> bool:
        """Whether a piece of an item is good for something."""
        if any(name in piece for name in self._names):
            return True
        return self._of_the_user(flat(piece).strip("\"'`“”….")) or self._proves(piece, item)

    def _of_the_user(self, words: str) -> bool:
        if len(words) >= RUN:
            return any(words[start : start + RUN] in self._runs for start in range(len(words) - RUN + 1))
        return words in self._said or (len(words) >= LEAST and any(words in prompt for prompt in self._said))

    def _proves(self, piece: str, item: Item) -> bool:
        whole = Item(item.headings, piece).whole
        alone = flat(piece)
        text = Read([item], [whole], {}, whole)
        return any(proved(text, proof) and _says_some(alone, proof) for proof in self._proofs)


def _says_some(alone: str, proof: Proof) -> bool:
    """A heading alone proves nothing: some words of the proof stand in the piece itself."""
    return any(flat(part) in alone for alternative in proof for part in alternative)


def noise(text: str, uses: Uses) -> float:
    """The share of characters that are good for nothing; 0 for no text."""
    every = _characters(piece for item in items(text) for piece in pieces(item))
    return _characters(useless(text, uses)) / every if every else 0.0


def useless(text: str, uses: Uses) -> list[str]:
    """The pieces that are good for nothing: to see what noise there is."""
    return [piece for item in items(text) for piece in pieces(item) if not uses.any_of(piece, item)]


def _characters(texts: Iterable[str]) -> int:
    return sum(len(text.strip()) for text in texts)
