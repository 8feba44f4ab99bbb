"""Fill a brief: each section gets its share of the room, what one leaves goes to the others."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

CHARACTERS_A_TOKEN = 4
"""What a token counts as."""

HEADS_SHARE = 0.3
"""How much of a brief its heads take at most."""


@dataclass(frozen=True, slots=True)
class Item:
    """A thing a section says, whole or not at all. Items of one `group` share a line that begins with it.

    It is left out where `key` stands in the sections before. `longer`: the same said with more words, the shortest
    first, for a brief that has room left when everything is said.
    """

    text: str
    group: str = ""
    key: str = ""
    longer: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Section:
    """A part of a brief. Its items stand by importance; `share`: of the room, against the other sections.

    `counts_rest`: whether it says how many items found no room.
    """

    head: str
    items: Sequence[Item]
    share: float
    counts_rest: bool = True


@dataclass(slots=True)
class _Part:
    """A section while it is filled."""

    section: Section
    kept: set[int] = field(default_factory=set)
    said: set[int] = field(default_factory=set)
    groups: set[str] = field(default_factory=set)
    grown: dict[int, str] = field(default_factory=dict)
    spent: int = 0


def size(text: str) -> int:
    """Characters as the client counts them: UTF-16 units, so an emoji is two."""
    return len(text) + sum(character > "\uffff" for character in text)


def compose(opening: str, sections: Sequence[Section], limit: int) -> str:
    """The text of the sections within `limit` characters, in their order.

    Heads are kept, those of the smallest shares given up where they would take too much. Then each section takes what
    fits into its share; what is left is shared out again.
    """
    opening = opening if size(opening) <= limit else opening[: limit // 2]
    told = _affordable([section for section in sections if section.items], limit)
    parts = [_Part(section) for section in told]
    room = limit - size(opening) - sum(map(_head_cost, told))
    room -= _first(parts, room)
    taken = 1
    while taken:
        taken = _share_out(parts, room, opening)
        room -= taken
    for part in parts:
        room -= _fill(part, part.spent + room, _text(opening, parts))
    for part in parts:
        room -= _grow(part, room)
    return _text(opening, parts)


def _first(parts: Sequence[_Part], room: int) -> int:
    """Take what matters most, however small the brief, unless half of the room is too little; what it costs."""
    if not parts or (cost := _cost(parts[0], 0)) > room // 2:
        return 0
    _take(parts[0], 0, cost)
    return cost


def _share_out(parts: Sequence[_Part], room: int, opening: str) -> int:
    """Give each section that has more to say its share of the room; what was taken of it."""
    hungry = [part for part in parts if len(part.kept | part.said) < len(part.section.items)]
    whole = sum(part.section.share for part in hungry)
    taken = 0
    for part in hungry:
        said = _text(opening, parts) if any(item.key for item in part.section.items) else ""
        taken += _fill(part, part.spent + int(room * part.section.share / whole), said)
    return taken


def _affordable(sections: list[Section], limit: int) -> list[Section]:
    """The sections whose heads leave room for what stands under them, those of the greatest shares."""
    kept = list(sections)
    while sum(map(_head_cost, kept)) > limit * HEADS_SHARE:
        kept.remove(min(reversed(kept), key=lambda section: section.share))
    return kept


def _head_cost(section: Section) -> int:
    """What stands there though no item has room."""
    return size(f"\n\n## {section.head}") + (
        len(_REST.format(count=len(section.items))) + 1 if section.counts_rest else 0
    )


def _fill(part: _Part, most: int, said: str) -> int:
    """Take items until `most` is spent, the first ones first; what they cost."""
    before = part.spent
    for number, item in enumerate(part.section.items):
        if item.key and item.key in said:
            part.said.add(number)
        if number in part.kept or number in part.said:
            continue
        cost = _cost(part, number)
        if part.spent + cost <= most:
            _take(part, number, cost)
    return part.spent - before


def _grow(part: _Part, room: int) -> int:
    """Say items with as many words as there is room for, the first ones first; what that costs."""
    spent = 0
    for number in sorted(part.kept):
        item = part.section.items[number]
        for text in reversed(item.longer):
            cost = size(text) - size(item.text)
            if 0 < cost <= room - spent:
                part.grown[number] = text
                spent += cost
                break
    return spent


def _take(part: _Part, number: int, cost: int) -> None:
    part.kept.add(number)
    part.groups.add(part.section.items[number].group)
    part.spent += cost


def _cost(part: _Part, number: int) -> int:
    """The characters that an item adds: a line, or a place in the line of its group."""
    item = part.section.items[number]
    if not item.group:
        return size(item.text) + 1
    return size(item.text) + (2 if item.group in part.groups else size(item.group) + 2)


_REST = "- … {count} more"
_REST_LINE = re.compile(r"^- … \d+ more$", re.MULTILINE)


def leaves_out(text: str) -> bool:
    """Whether a composed text says that something found no room."""
    return bool(_REST_LINE.search(text))


def _text(opening: str, parts: Sequence[_Part]) -> str:
    return "\n".join(
        [
            opening,
            *(
                _shown(part)
                for part in parts
                if part.kept or (part.section.counts_rest and len(part.said) < len(part.section.items))
            ),
        ]
    )


def _shown(part: _Part) -> str:
    lines: dict[str, list[str]] = {}
    shown: list[str] = []
    for number in sorted(part.kept):
        item = part.section.items[number]
        if not item.group:
            shown.append(part.grown.get(number, item.text))
        else:
            lines.setdefault(item.group, []).append(item.text)
    shown += [f"{group} {', '.join(texts)}" for group, texts in lines.items()]
    missing = len(part.section.items) - len(part.kept | part.said)
    rest = [_REST.format(count=missing)] if missing and part.section.counts_rest else []
    return "\n".join([f"\n## {part.section.head}", *shown, *rest])
