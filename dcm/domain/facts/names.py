"""How likely a name is to be used again: by how often and how long ago it was used."""

from collections import defaultdict

HALVED_AFTER = 25
"""Calls after which a use counts half, a third after twice as many, and so on."""


class Weights:
    """The uses of names, summed with what is left of each at the last of them."""

    def __init__(self) -> None:
        self._uses: defaultdict[str, list[tuple[int, float]]] = defaultdict(list)
        self._last = 0

    def add(self, name: str, number: int, weight: float = 1.0) -> None:
        """A use of a name by the call of that number; numbers do not fall."""
        self._uses[name].append((number, weight))
        self._last = max(self._last, number)

    def heaviest(self) -> list[tuple[str, float]]:
        """(name, weight), the heaviest first, then by name."""
        summed = {
            name: sum(weight / (1 + (self._last - number) / HALVED_AFTER) for number, weight in uses)
            for name, uses in self._uses.items()
        }
        return sorted(summed.items(), key=lambda item: (-round(item[1], 6), item[0]))
