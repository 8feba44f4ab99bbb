"""What the user said: the prompts without the client's notes, and the sentences that require, forbid or decide."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from dcm.domain.snapshots import Asked, Decision

_NOTES = re.compile(
    r"<(system-reminder|local-command-\w+|command-\w+|bash-\w+|ide_\w+|task-notification|private)>.*?(?:</\1>|\Z)",
    re.DOTALL,
)
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
_SENTENCE = re.compile(
    r"(?<=[.!?;])(?<!\be\.g\.)(?<!\bi\.e\.)(?<!\bz\.B\.)\s+(?!\d)|"
    r"(?<=[a-zß-ÿ0-9)])\s+(?=(?:Never|Always|Don't|Do not|Please|Every|All|No|Only|Use|Keep|Make sure|And never|"
    r"Bitte|Keine?|Nie|Immer|Nunca|Siempre)\s)"
)
_BULLET = re.compile(r"^(?:[-*•]|\d+[.)])\s+")
_LOG = re.compile(r"^(?:\d{2,4}[-:/]|\[\d|[>$#+|]|at \S+[(:]|E\s{2}|\s*File \")|[{}=;<>]{2}")

_STRONG = re.compile(
    r"\b(?:must|never|always|do not|don'?t|mustn'?t|shouldn'?t|only|instead|rather than|not allowed|forbidden|avoid|"
    r"without|make sure|ensure|requires?d?|requirement|should|prefer|leave \S+ alone|stick (?:to|with)|switch to|"
    r"let'?s|decided?|changed my mind|agreed|important|remember|from now on|keep|at (?:most|least)|no more than|has to|"
    r"have to|needs? to|"
    r"muss|müssen|darf|dürfen|nie|niemals|immer|nicht|keine?[nrms]?|nur|statt|anstatt|lieber|bitte|soll(?:en|te)?|ohne|"
    r"wichtig|ab jetzt|mindestens|höchstens|"
    r"debe[ns]?|nunca|siempre|solo|sólo|en vez|en lugar|evita|sin|importante|hay que|"
    r"doit|jamais|toujours|seulement|plutôt|sans|il faut)\b",
    re.IGNORECASE,
)
_SHORT = re.compile(r"^(?:no|nein|nope|wait|stop|actually|use|nimm|verwende|usa|utilise)\b", re.IGNORECASE)
_IN_PLACE_OF = re.compile(
    r"(?:\b(?:instead of|rather than|no longer use|forget(?: about)?|scrap|drop|switch from|replace|statt|anstatt|"
    r"anstelle von|en vez de|en lugar de|au lieu de|plutôt que)|[,;]\s*(?:and |but )?not|^\W*(?:\w+\W+)?not|\by no|"
    r"\bund nicht|\bet pas)\s+([^,.;:!?()\n]{2,80})",
    re.IGNORECASE,
)
_SMALL = re.compile(
    r"(?:\W*\b(?:y|yes|yep|ok(?:ay)?|go|on|ahead|continue|proceed|do|it|next|sure|thanks?|thank|you|please|ja|weiter|mach|"
    r"genau|sí|si|sigue|vale|oui|good|great|perfect|nice|looks|lgtm)\b){1,4}\W*",
    re.IGNORECASE,
)

SENTENCE_LIMIT = 280
"""Characters of the longest sentence that is taken for a demand; a longer one is a text, not a rule."""

SHORT = 45
"""A demand of fewer characters is told with the sentence after it, which mostly says the rest."""


def cleaned(prompt: str) -> str:
    """The prompt as the user typed it, without what the client added to it."""
    return _NOTES.sub("", prompt).strip()


def is_small(text: str) -> bool:
    """Whether it only says to go on."""
    return bool(_SMALL.fullmatch(text.strip()))


def sentences(text: str) -> Iterator[str]:
    """The sentences of a prompt that are prose: no code, no log."""
    for line in _FENCE.sub("\n", text).splitlines():
        if _LOG.search(line.strip()):
            continue
        for part in _SENTENCE.split(line):
            sentence = _BULLET.sub("", part.strip())
            if 3 <= len(sentence) <= SENTENCE_LIMIT and _is_prose(sentence):
                yield sentence


def _is_prose(sentence: str) -> bool:
    return sum(character.isalpha() or character.isspace() for character in sentence) > 0.7 * len(sentence)


def demands(asked: Iterable[Asked]) -> list[Decision]:
    """What the prompts require, forbid or decide, the oldest first."""
    return [Decision(text, prompt.at, prompt.number) for prompt in asked for text in _demanded(prompt.text)]


def _demanded(text: str) -> Iterator[str]:
    """The sentences that demand something, with the question they answer and with what a short one leads to."""
    said = list(sentences(text))
    for place, sentence in enumerate(said):
        if not is_demand(sentence):
            continue
        before = said[place - 1] if place and said[place - 1].endswith("?") else ""
        after = said[place + 1] if len(sentence) < SHORT and place + 1 < len(said) else ""
        yield " ".join(part for part in (before, sentence, "" if is_demand(after) else after) if part)


def is_demand(sentence: str) -> bool:
    """Whether a sentence requires, forbids or decides."""
    if sentence.endswith("?"):
        return False
    return bool(
        _STRONG.search(sentence)
        or _IN_PLACE_OF.search(sentence)
        or (_SHORT.match(sentence) and len(sentence) > len("no, use"))
    )


def current(settled: Sequence[Decision]) -> tuple[list[Decision], list[tuple[Decision, Decision]]]:
    """What still holds, and (what was replaced, what replaced it), given all that was settled, the oldest first."""
    holding: list[Decision] = []
    replaced: list[tuple[Decision, Decision]] = []
    for decision in settled:
        gone = [earlier for earlier in holding if _replaces(decision, earlier)]
        replaced += [(earlier, decision) for earlier in gone]
        holding = [earlier for earlier in holding if earlier not in gone]
        holding.append(decision)
    return holding, replaced


def _replaces(later: Decision, earlier: Decision) -> bool:
    """Whether the later one says again what the earlier one says, or names what stands in it as what is replaced."""
    if later.at <= earlier.at or later.text == earlier.text:
        return later.text == earlier.text
    said = f" {_plain(earlier.text)} "
    return any(f" {phrase} " in said for phrase in _turned_down(later.text) - _turned_down(earlier.text))


def _turned_down(text: str) -> set[str]:
    """What a sentence names as replaced, up to the word that leads on to something else."""
    found = set()
    for named in _IN_PLACE_OF.findall(text):
        words = _plain(named).split()
        while words and words[0] in _ARTICLES:
            words = words[1:]
        end = next((place for place, word in enumerate(words) if place and word in _LEADS_ON), len(words))
        if any(len(word) > 3 or not word.isalpha() for word in words[:end]):
            found.add(" ".join(words[:end]))
    return found


def _plain(text: str) -> str:
    return " ".join(word.strip(".'\"`()") for word in text.lower().replace(",", " ").split())


_ARTICLES = frozenset(
    {"the", "a", "an", "that", "this", "der", "die", "das", "den", "dem", "el", "la", "los", "las", "le", "les",
     "un", "una", "une"}
)  # fmt: skip
_LEADS_ON = frozenset(
    {"for", "in", "on", "at", "to", "of", "and", "or", "with", "from", "because", "since", "so", "as", "when",
     "but", "here", "there", "für", "mit", "bei", "weil", "und", "para", "por", "en", "con", "porque", "pour",
     "dans", "avec", "car"}
)  # fmt: skip


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
