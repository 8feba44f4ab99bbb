"""The parts of a demand: what it chooses, turns down or forbids, what it is about, and which number it gives."""

import re
from dataclasses import dataclass
from functools import lru_cache

_ARTICLES = (
    "the|an?|that|this|der|die|das|den|dem|eine?[nmr]?|el|la|los|las|les?|une?|una|il|lo|gli|een|het|de|os?|as|uma?"
)
_LEADS_ON = (
    "for|in|on|at|to|of|and|or|with|from|because|since|so|as|when|but|here|there|anywhere|everywhere|anymore|any|now|"
    "please|again|only|für|mit|bei|weil|und|para|por|en|con|porque|pour|dans|avec|car|perché|voor|omdat|para|для"
)
_PHRASE = r"\s+((?:[^,.;:!?()\n]|\.(?=\w)){1,80})"
_INSTEAD = re.compile(
    r"(?:\b(?:instead of|rather than|no longer use|forget(?: about)?|scrap|drop|switch from|replace|statt|anstatt|"
    r"anstelle von|en vez de|en lugar de|au lieu de|plutôt que|invece d\w+|al posto d\w+|in plaats van|em vez d\w+|"
    r"ao invés d\w+|вместо)|[,;]\s*(?:and |but )?not|^\W*(?:\w+\W+)?not|\by no|\bund nicht|\bet pas|\be non|\be não|"
    rf"\ben niet|\bа не){_PHRASE}",
    re.IGNORECASE,
)
_NO_MORE = re.compile(
    rf"(?:\b(?:do not|don'?t|never|stop) us(?:e|ing)|^\W*no|: no|\b(?:nimm|verwende|nutze) keine?){_PHRASE}",
    re.IGNORECASE,
)
_FORBIDS = re.compile(
    r"\b(?:never(?! mind)|do not|don'?t|must not|mustn'?t|should not|shouldn'?t|may not|cannot|can'?t|"
    r"not allowed|forbidden|avoid|nie|niemals|nicht|keine?[nrms]?|nunca|jamás|jamais|n(?:e |['’])\w+ pas|nooit|"
    r"geen|niet|(?-i:mai)|não|никогда|нельзя|не)\b|^no(?= \w)|^non(?= \w)|不要|禁止|不能|不得|しないで",
    re.IGNORECASE,
)
_CHOOSING = (
    r"(?:\b(?:us(?:e|es|ing)|tak(?:e|ing)|choose|pick|prefer|want|with|in|as|via|switch to|let's|rather|better|"
    r"nimm|nehmen|(?:nehmen|verwenden|nutzen) wir|verwende|verwenden|benutze|nutze|mit|als|lieber|besser|mejor|usa|"
    r"usar|usamos|con|como|utilise|utilisons|avec|comme|usiamo|prendi|gebruik|neem|met|com|используй)\s|[→?:.!]\s|^)\s*"
)
_END = rf"(?=\W*$|[,.;:!?()](?:\s|$)|\s+(?:\(|(?:{_LEADS_ON})\b))"
_FOR = re.compile(
    r"\b(?:for|about|für|para|pour|voor|для)\s+"
    rf"(?:(?:{_ARTICLES}|all|every|our|my|alle|unsere?)\s+)*([\w'-]+)",
    re.IGNORECASE,
)
_WHERE = re.compile(
    rf"\W*(?:only\s+)?(?:in|on|to|from|with|as|of|until|before|after|when|if|where|while|bei|mit|en|"
    rf"con|dans|avec)\s+(?:(?:{_ARTICLES})\s+)*([\w'-]+)",
    re.IGNORECASE,
)
_REASON = re.compile(r"\b(?:because|since|as it|weil|denn|porque|parce|car|perché|omdat)\b|\(", re.IGNORECASE)

_VERBS = {
    "use": "use|using|take|choose|pick|go with|switch to|nimm|nehmen wir|verwende|benutze|usa|utilise|gebruik|neem",
    "put": "put|place|store|save|leg|speichere|pon|mets",
    "call": "call|name|nenne|llama|appelle",
}
_CHOICES = {
    verb: re.compile(rf"(?:\b(?:{words})\b|{'→' if verb == 'use' else '(?!)'})\s+(.+?){_END}", re.IGNORECASE)
    for verb, words in _VERBS.items()
}
_DESCRIBED = re.compile(
    rf"^\W*(?:(?:no|actually|from now on|now)\W+)*(?:(?:{_ARTICLES}|all)\s+)*([\w-]+)\s+"
    r"(?:(?:must|should|shall|will|have to|has to|needs? to)\s+(?:\w+\s+)?be|are|is)\b",
    re.IGNORECASE,
)
_SETS = re.compile(
    r"\b(?:set|make|change|raise|lower|increase|reduce)\s+"
    rf"(?:(?:{_ARTICLES})\s+)*([a-z_][\w -]*?)\s+(?:of\s+|to\s+|=\s*)?(\d[\d.,]*\d|\d)",
    re.IGNORECASE,
)
_BEGINS = re.compile(rf"^(?:(?:{_ARTICLES})\s+)+", re.IGNORECASE)
_LEADING_ON = re.compile(rf"(?<=\w)\s+(?:{_LEADS_ON})\b", re.IGNORECASE)
_IS_SET = re.compile(
    rf"\W*(?:(?:no|actually|from now on|now)\W+)*(?:(?:{_ARTICLES})\s+)*([a-z_][\w -]*?)\s+"
    r"(?:is|are|(?:must|should|shall|has to|have to)\s+be)\s+(?:now\s+)?(\d[\d.,]*\d|\d)"
)
_CLAUSE_ENDS = re.compile(r"[,.;:!?(](?:\s|$)")
_PRONOUNS = frozenset(
    {"it", "them", "me", "us", "yet", "sure", "only", "now", "so", "all", "just", "really", "es", "lo"}
)
_FILLERS = frozenset(_LEADS_ON.split("|")) - {"to", "in", "on", "from"} | {
    "ever", "jetzt", "wieder", "the", "a", "an", "der", "die", "das", "den", "el", "la", "los", "las", "le", "les",
}  # fmt: skip


_read_once = lru_cache(maxsize=4096)
"""Each demand of a session is compared with all before it, and read once for that."""

NAME_WORDS = 2
"""Words of the longest choice that is taken for a name."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What is chosen by which verb; `is_name`: by a bare name ("Postgres", not "the other one")."""

    verb: str
    what: str
    is_name: bool


@dataclass(frozen=True, slots=True)
class Number:
    """The number a sentence gives; `of_more`: of a thing that it names more closely."""

    number: str
    of_more: bool


@_read_once
def words(text: str) -> tuple[str, ...]:
    """The words of a text, small."""
    return tuple(word.strip(".'-") for word in re.findall(r"[\w'.-]+", text.lower()))


@_read_once
def _plain(text: str) -> str:
    return " ".join(re.sub(r"[\"`“”]", "", text.lower()).split())


@_read_once
def turned_down(text: str) -> frozenset[str]:
    """What a sentence names as not to be, up to the word that leads on to something else."""
    named = [*_INSTEAD.findall(_plain(text)), *_NO_MORE.findall(_plain(text))]
    return frozenset(phrase for phrase in map(_object, named) if phrase and phrase.split()[0] not in _PRONOUNS)


def _object(text: str) -> str:
    """A phrase without its article, up to the word that leads on."""
    bare = _BEGINS.sub("", text.strip())
    return bare.removesuffix(_behind_object(bare)).strip(" '")


def _behind_object(text: str) -> str:
    """What stands in a phrase from the word on that leads on."""
    found = _LEADING_ON.search(_BEGINS.sub("", text))
    return _BEGINS.sub("", text)[found.start() :] if found else ""


def bans_use(text: str) -> bool:
    """Whether a text says not to use something ("don't use X", "no X")."""
    return bool(_NO_MORE.search(_plain(text)))


@_read_once
def without_turned_down(text: str) -> str:
    """The text without what it names as replaced."""
    return _INSTEAD.sub(lambda found: _behind_object(found[1]), text)


@_read_once
def before_forbidding(text: str) -> str:
    """What stands before the word that forbids; all of a text that forbids nothing."""
    found = _FORBIDS.search(without_turned_down(text))
    return without_turned_down(text)[: found.start()] if found else text


@_read_once
def forbidden(text: str) -> tuple[str, ...]:
    """The telling words of what a sentence forbids."""
    found = _FORBIDS.search(text)
    return content(_CLAUSE_ENDS.split(text[found.end() :])[0]) if found else ()


@_read_once
def content(text: str) -> tuple[str, ...]:
    """The words of a text that tell something."""
    return tuple(word for word in words(text) if word and word not in _FILLERS)


def chooses(text: str, phrase: str) -> bool:
    """Whether a text settles on this ("use X", "in X", "which? X"), rather than names it otherwise."""
    if phrase not in _plain(text):
        return False
    before = rf"(?:(?:{_ARTICLES}|always|only|immer|nur|siempre|toujours|sempre)\s+)*"
    named = r"(?:\w+\s+)?" if phrase[0].isdigit() else ""
    return bool(re.search(_CHOOSING + before + named + re.escape(phrase) + _END, _plain(text)))


def is_object(text: str, phrase: str) -> bool:
    """Whether a text is a verb and this ("keep tabs")."""
    if phrase not in _plain(text):
        return False
    return bool(re.fullmatch(rf"(?:please )?\w+ (?:(?:{_ARTICLES})\s+)*{re.escape(phrase)}\W*", _plain(text)))


@_read_once
def subject(text: str, after: str = "") -> str:
    """What a demand is about: the word after "for", or after "in" just behind a phrase; empty when it does not say."""
    said = _REASON.split(_plain(text))[0]
    moved = after and re.search(rf"\b(?:switch from|replace)\s+(?:(?:{_ARTICLES})\s+)*{re.escape(after)}", said)
    found = _FOR.search(said) or (_WHERE.match(said.partition(after)[2]) if after and not moved else None)
    return found[1].strip("'") if found else ""


def names_subject(text: str) -> bool:
    """Whether a demand says what it is about; an answer does by its question."""
    return "?" in text or bool(subject(text))


@_read_once
def choice(text: str) -> Choice | None:
    """What a demand chooses, None when it does not say so by a verb of choosing."""
    for verb, pattern in _CHOICES.items():
        found = pattern.search(without_turned_down(text))
        if found:
            return Choice(verb, _object(_plain(found[1])), _is_name(found[1]))
    return None


def _is_name(text: str) -> bool:
    plainly = re.match(rf"(?:{_ARTICLES})\s", text, re.IGNORECASE) is None and "/" not in text
    return plainly and len(text.split()) <= NAME_WORDS


@_read_once
def described(text: str) -> str:
    """What a text says something about ("prices" of "prices are integers"), empty when it does not."""
    found = _DESCRIBED.match(text)
    return found[1].lower() if found else ""


def sets(text: str) -> bool:
    """Whether a text says to give something a number ("set the limit to 5")."""
    return bool(_SETS.search(_plain(text)))


@_read_once
def setting(text: str) -> tuple[str, str] | None:
    """What is given which number."""
    found = _SETS.search(_plain(text)) or _IS_SET.match(_plain(text))
    return (found[1], found[2]) if found else None


def number_of(text: str, name: str) -> Number | None:
    """The number a text gives to what is named so."""
    if name not in _plain(text):
        return None
    gives = r"\s+(?:(?:must|should|has to|shall)\s+be\s+|is\s+|of\s+|to\s+|at\s+|=\s*)?(\d[\d.,]*\d|\d)"
    found = re.search(rf"(?:\b([\w-]+)\s+)?\b{re.escape(name)}{gives}", _plain(text))
    if found is None:
        return None
    before = found[1] or ""
    plainly = not before or re.fullmatch(rf"{_ARTICLES}|use|set|make|keep", before)
    return Number(found[2], of_more=not plainly)
