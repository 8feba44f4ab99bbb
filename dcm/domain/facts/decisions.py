"""What still holds of all that was settled: what was said again, taken back, or perhaps taken back."""

import re
from collections.abc import Sequence
from dataclasses import replace

from dcm.domain.facts.corrections import Effect, effects
from dcm.domain.facts.demands import is_demand, without_reason
from dcm.domain.facts.prompts import sentences
from dcm.domain.snapshots import Asked, Decision

_SAID_AGAIN = re.compile(
    r"^(?:(?:and|please|again|ok|so|but|once more|remember|(?:as |like )?i (?:already )?said|und|bitte|nochmal|"
    r"wie gesagt|por favor|s'il te plaît)\b\W*)+",
    re.IGNORECASE,
)


def current(settled: Sequence[Decision]) -> tuple[list[Decision], list[tuple[Decision, Decision]]]:
    """What still holds, and (what was replaced, what replaced it), given all that was settled, the oldest first.

    What may have been replaced holds, and says which prompt to see. Of what was said again the newest is kept.
    """
    holding: list[Decision] = []
    replaced: list[tuple[Decision, Decision]] = []
    for decision in settled:
        earlier = [one for one in holding if one.at < decision.at]
        same_prompt = [one for one in holding if one.at >= decision.at]
        found = list(zip(earlier, effects(decision, earlier), strict=True))
        replaced += [(one, decision) for one, effect in found if effect == Effect.REPLACES]
        left = [
            replace(one, see=decision.number) if effect == Effect.DOUBTS and decision.number else one
            for one, effect in found
            if effect != Effect.REPLACES
        ]
        holding = [*left, *same_prompt, decision]
    return _newest_of_each(holding), replaced


def _newest_of_each(holding: Sequence[Decision]) -> list[Decision]:
    newest: dict[str, Decision] = {}
    for decision in holding:
        key = _key(decision.text)
        newest.pop(key, None)
        newest[key] = decision
    return list(newest.values())


def _key(text: str) -> str:
    """What a demand says, however it is said again."""
    return " ".join(re.findall(r"\w+", _SAID_AGAIN.sub("", without_reason(text).lower())))


def annotated(asked: Sequence[Asked], replaced: Sequence[tuple[Decision, Decision]]) -> list[Asked]:
    """The prompts, with a mark in place of each sentence that was replaced later."""
    found = []
    for prompt in asked:
        text = prompt.text
        for earlier, later in replaced:
            if earlier.number == prompt.number and earlier.text != later.text:
                mark = f"[replaced later{f', see {later.number}.' if later.number else ''}]"
                for sentence in sentences(earlier.text):
                    text = text.replace(sentence, mark) if is_demand(sentence) else text
        found.append(replace(prompt, text=text))
    return found
