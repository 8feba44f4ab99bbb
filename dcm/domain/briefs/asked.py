"""What the user said, as items of a brief: the prompts, and what was required, forbidden or decided."""

from collections.abc import Sequence
from dataclasses import replace

from dcm.domain.briefs.fitting import Item
from dcm.domain.facts.demands import is_demand
from dcm.domain.facts.prompts import is_small, sentences
from dcm.domain.snapshots import Asked, Decision
from dcm.domain.tools import both_ends, one_line

SHORTEST = 80
"""Characters that a prompt is given in the smallest brief."""

SMALL_WIDTH = 60
"""Characters kept of a prompt that only says to go on."""


def prompts(asked: Sequence[Asked], limit: int) -> list[Item]:
    """The newest prompt that says something, the first, then the others from new to old."""
    telling = [prompt for prompt in asked if not is_small(prompt.text)] or list(asked)
    if not telling:
        return []
    newest, first, between = telling[-1], telling[0], telling[-2:0:-1]
    items = [_item(newest, newest if len(newest.text) <= limit // 9 else _prose(newest), limit // 9, limit)]
    if len(telling) > 1:
        items.append(_item(first, _task(first), limit // 14, limit))
    if asked[-1] not in telling:
        items.insert(0, _item(asked[-1], asked[-1], SMALL_WIDTH, limit))
    return items + [
        _item(prompt, _task(prompt), limit // 20 if place < 2 else limit // 60, limit)
        for place, prompt in enumerate(between)
    ]


def _task(prompt: Asked) -> Asked:
    """What the prompt asks for: its demands stand in a section of their own."""
    rest = [sentence for sentence in sentences(prompt.text) if not is_demand(sentence)]
    return replace(prompt, text=" ".join(rest) or _prose(prompt).text)


def _prose(prompt: Asked) -> Asked:
    """The prompt without code and logs."""
    return replace(prompt, text=" ".join(sentences(prompt.text)) or prompt.text)


def _item(prompt: Asked, short: Asked, most: int, limit: int) -> Item:
    """A prompt in at most `most` characters, and as it was given where there is room."""
    return Item(
        f"{prompt.number}. {both_ends(short.text, max(SHORTEST, most))}",
        longer=[f"{prompt.number}. {_as_given(prompt.text, limit // part)}" for part in (8, 4, 2)],
    )


def _as_given(text: str, most: int) -> str:
    """The text line by line, indented so that no line of it looks like one of the brief; its middle is cut."""
    whole = "\n   ".join(line.rstrip() for line in text.splitlines() if line.strip())
    if len(whole) <= most:
        return whole
    return f"{whole[: most * 2 // 3].rstrip()}\n   …\n   {whole[-most // 3 :].lstrip()}"


def decisions(decided: Sequence[Decision], limit: int) -> list[Item]:
    """What was required, forbidden or decided, each with the number of its prompt, and of one that may replace it."""
    return [_decision(decision, limit) for decision in decided]


def _decision(decision: Decision, limit: int) -> Item:
    where = f" ({decision.number}.)" if decision.number else ""
    where += f" (but see {decision.see}.)" if decision.see else ""
    whole = one_line(decision.text, limit)
    return Item(f"- {one_line(whole, max(160, limit // 22))}{where}", key=whole, longer=[f"- {whole}{where}"])
