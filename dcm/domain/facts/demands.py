"""The sentences of the prompts that require, forbid or decide, in the languages docs/brief.md names."""

import re
from collections.abc import Iterable, Iterator

from dcm.domain.facts.prompts import is_small, sentences
from dcm.domain.snapshots import Asked, Decision

_STRONG = re.compile(
    r"\b(?:must|never|always|do not|don'?t|mustn'?t|shouldn'?t|only|instead|rather than|not allowed|forbidden|avoid|"
    r"without|make sure|ensure|requires?d?|requirement|should|prefer|leave \S+ alone|stick (?:to|with)|switch to|"
    r"let'?s|decided?|changed my mind|agreed|important|remember|from now on|keep|at (?:most|least)|no more than|has to|"
    r"have to|needs? to|after all|feel free to|(?:you|we) (?:can|may) (?:now\b|.*\b(?:now|again)(?=\W*$))|"
    r"(?:allowed|fine|ok|okay) (?:now|again|to)|"
    # German
    r"muss|müssen|darfs?t?|dürfen|nie|niemals|immer|nicht|keine?[nrms]?|nur|statt|anstatt|lieber|bitte|soll(?:en|te)?|"
    r"ohne|wichtig|ab jetzt|mindestens|höchstens|"
    # Spanish, Italian, Portuguese
    r"debe[ns]?|nunca|siempre|solo|sólo|en vez|en lugar|evita|sin|importante|hay que|"
    r"dev(?:e|i|ono|em)|dobbiamo|(?-i:mai)|sempre|soltanto|invece|senza|bisogna|vietato|"
    r"devemos|só|somente|apenas|em vez|ao invés|sem|evite|proibido|"
    # French, Dutch
    r"doit|doivent|jamais|toujours|seulement|plutôt|sans|il faut|au lieu|n(?:e |['’])\w+ pas|"
    r"moet(?:en)?|mag niet|mogen niet|nooit|altijd|alleen|in plaats van|zonder|geen|"
    # Russian
    r"долж(?:ен|на|но|ны)|нельзя|никогда|всегда|только|не надо|вместо|без)\b|"
    # Chinese, Japanese
    r"必须|不要|禁止|只能|请用|不能|不得|不可|而不是|必ず|しないで|だけ|ではなく",
    re.IGNORECASE,
)
_OPENS = re.compile(
    r"^(?:no|nein|nope|wait|stop|actually|use|nimm|verwende|usa|utilise|non|não|gebruik|nee|niet|нет|не|используй|"
    r"(?:please )?(?:set|make|change|raise|lower|increase|reduce) (?:the )?[\w ]+ \d[\w.,]*)\b",
    re.IGNORECASE,
)
"""What a sentence begins with that demands something though no other word of it says so."""

_CONTRAST = re.compile(
    r"\b(?:no longer use|forget(?: about)?|scrap|drop|switch from|replace|anstelle von|y no|und nicht|et pas|e non|"
    r"e não|en niet)\s+\w|[,;]\s*(?:and |but )?not\s+\w|^\W*(?:\w+\W+)?not\s+\w",
    re.IGNORECASE,
)

_REMARK = re.compile(
    r"\bI (?:really |still |just )?(?:do not|don'?t|did not|didn'?t|cannot|can'?t) (?!want|need|like|allow|accept)\w+|"
    r"\bI (?:have|need|had) to (?!be able)\w+|\bI(?: have|'ve)? never (?:saw|seen|had|used|did|done|tried|got|heard)\b|"
    r"\bI (?:only|just) (?:see|saw|get|got|have|had)\b|\b(?:I|we|you|they) keep \w+ing\b|"
    r"^(?:I'm |I am )?not (?:sure|yet|now|really|bad)\b|^no (?:idea|clue|problem|worries|rush|hurry)\b|"
    r"\b(?:they|these|those|both|the \w+) (?:do not|don'?t) "
    r"(?:work|match|pass|run|exist|show|appear|help|compile|build|load|start)\b|"
    r"\bit (?:never|always|only) (?:works?|fail|crash|break|hang|finish|stop|happen)\w*|"
    r"\bshould\b[^.;]*\bbut (?:it |they )?(?:does|do|did|is|was|are|were|has|fail|crash)\w*(?: not|n'?t)?\b|"
    r"^(?:it|this|that|(?:the|an?) [\w.]+(?: \w+)?) (?:now |just |still )?(?!is\b|was\b|has\b|needs\b)\w{2,}s\b"
    r"(?=[^.;]*\bwithout\b)[^.;]*|"
    r"\b(?:geht|läuft|funktioniert|klappt|stimmt|weiß|weiss|verstehe|kenne|sehe|ging|lief)\b[^,.;]*\bnicht\b|"
    r"\bkeine (?:ahnung|eile)\b|^no (?:sé|entiendo|funciona|sirve|va)\b|^non (?:so|capisco|funziona|va)\b|"
    r"^não (?:sei|entendo|funciona)\b|\bn(?:e |['’])(?:sais|comprends|marche|fonctionne) pas\b|\bgeen idee\b|"
    r"\bне (?:знаю|понимаю|работает)",
    re.IGNORECASE,
)
"""What says how things are, or what the user does not know: no demand, though its words are those of one."""

_RAISED = re.compile(
    r"^(?:Caused by\b|Exception in\b|[\w.$]+(?:Exception|Error)\b\s*[:(]|(?:error|fatal|panic)(?:\[\w+\])?:)",
    re.IGNORECASE,
)

SHORT = 45
"""A demand of fewer characters is told with the sentence after it, when that goes on with it."""

_SHORTEST = len("no, use")

_GOES_ON = re.compile(
    r"(?:it|they|that|this|these|those|the|he|she|because|since|otherwise|so|our|es|das|die|der|sie|er|weil|sonst|"
    r"porque|eso|parce|car|sinon|perché|want|omdat|потому)\b",
    re.IGNORECASE,
)
_SAYS_ONLY_NOT = re.compile(r"\W*(?:\w+\W+)?not\b", re.IGNORECASE)


def demands(asked: Iterable[Asked]) -> list[Decision]:
    """What the prompts require, forbid or decide, the oldest first."""
    return [Decision(text, prompt.at, prompt.number) for prompt in asked for text in _demanded(prompt.text)]


def _demanded(text: str) -> Iterator[str]:
    """The sentences that demand something, with the question they answer and with what a short one leads to."""
    said = list(sentences(text))
    for place, sentence in enumerate(said):
        if not is_demand(sentence):
            continue
        before = said[place - 1] if place and said[place - 1].endswith(("?", "？")) else ""
        after = said[place + 1] if place + 1 < len(said) and _leads_to(sentence, said[place + 1]) else ""
        yield " ".join(part for part in (before, sentence, after) if part)


def _leads_to(sentence: str, after: str) -> bool:
    """Whether the sentence after a short demand says the rest of it, and is no task of its own."""
    if len(sentence) >= SHORT or is_demand(after):
        return False
    goes_on = sentence[0].isupper() and after[0].islower()
    return goes_on or bool(_SAYS_ONLY_NOT.match(sentence) or _GOES_ON.match(after))


def is_demand(sentence: str) -> bool:
    """Whether a sentence requires, forbids or decides."""
    if sentence.endswith(("?", "？")) or _RAISED.match(sentence) or is_small(sentence):
        return False
    said = _REMARK.sub("", sentence).strip()
    return bool(_STRONG.search(said) or _CONTRAST.search(said) or (_OPENS.match(said) and len(said) > _SHORTEST))


def without_reason(text: str) -> str:
    """A demand and the question it answers, without a sentence behind it that only says why."""
    said = list(sentences(text))
    place = next((place for place, sentence in enumerate(said) if is_demand(sentence)), len(said))
    rest = said[place + 1 :]
    if not rest or _SAYS_ONLY_NOT.match(said[place]) or (rest[0][0].islower() and not _GOES_ON.match(rest[0])):
        return text
    return " ".join(said[: place + 1])
