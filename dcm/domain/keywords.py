"""Keywords of a text. Rule: contract, section 6.1; stop words: its appendix A."""

import re
from collections import Counter

KEYWORD_LIMIT = 10
SHORTEST, LONGEST = 3, 29

STOP_WORDS = frozenset(
    """
    the a an is are was were be been being have has had do does did will would could should may might must shall
    can to of in for on with at by from as or and but if then else when where how all each every both few more
    most other some such no nor not only own same so than too very just also now here there this that these those
    file path true false null undefined error ok
    """.split()  # noqa: SIM905 - eighty-one quoted words are no easier to read
)

_NOT_A_WORD = re.compile(r"[^a-z0-9\-_\s]")


def extract(text: str) -> list[str]:
    """At most ten keywords, most frequent first, ties in order of first appearance."""
    words = _NOT_A_WORD.sub(" ", text.lower()).split()
    counts = Counter(word for word in words if SHORTEST <= len(word) <= LONGEST and word not in STOP_WORDS)
    return [word for word, _ in counts.most_common(KEYWORD_LIMIT)]
