"""Whether what the user said later takes back what was said before. In doubt both hold: a lost rule is the worst."""

import re
from collections.abc import Sequence
from enum import StrEnum

from dcm.domain.facts import phrases
from dcm.domain.snapshots import Decision


class Effect(StrEnum):
    """What a later demand does to an earlier one: it takes its place, or it may do so."""

    REPLACES = "replaces"
    DOUBTS = "doubts"


_CORRECTS = re.compile(
    r"^\W*(?:(?:no|nope|nein|wait|stop|sorry|hmm?|oh|non|nee|não|нет|never mind)"
    r"(?:\s*[,.:;!-]|\s+(?:use|take|nimm|usa)\b)|"
    r"(?:actually|doch|eigentlich|mejor|plutôt)\b)|"
    r"\b(?:changed my mind|scratch that|on second thought|after all)\b|\binstead\W*$",
    re.IGNORECASE,
)
_FROM_NOW_ON = re.compile(
    r"\b(?:from now on|no longer|ab jetzt|ab sofort|a partir de ahora|désormais|d'ora in poi|vanaf nu|"
    r"a partir de agora)\b",
    re.IGNORECASE,
)
_OPENING = re.compile(r"^\W*(?:(?:ok|okay|yes|no|actually|from now on|now|always|please)\W+)*", re.IGNORECASE)
_PERMITS = re.compile(
    rf"{_OPENING.pattern}(?:(?:you|we) (?:can|may)|feel free to|"
    r"it(?:'s| is) (?:ok|okay|fine|allowed) to|(?:du|sie) dar[fr]\w*|puedes|tu peux|puoi|je mag|pode)\b",
    re.IGNORECASE,
)
_ALSO = re.compile(r"\b(?:also|too|as well|auch|también|aussi|anche|ook|também)\b", re.IGNORECASE)


def effects(later: Decision, earlier: Sequence[Decision]) -> list[Effect | None]:
    """What a demand does to each of those before it."""
    found = [_on(later.text, one.text) for one in earlier]
    if not any(found) and not phrases.turned_down(later.text) and not _ALSO.search(later.text):
        place, effect = _answered(later, earlier)
        found = [effect if one == place else None for one in range(len(earlier))]
    return found


def _on(later: str, earlier: str) -> Effect | None:
    """What one sentence does to another, seen alone."""
    return next((found for way in _WAYS if (found := way(later, earlier))), None)


def _named(later: str, earlier: str) -> Effect | None:
    """The later one names what the earlier one chose, as what is not to be ("X instead of Y")."""
    chosen = phrases.before_forbidding(earlier)
    for phrase in sorted(phrases.turned_down(later) - phrases.turned_down(earlier)):
        if phrases.chooses(chosen, phrase):
            sure = chosen == earlier and _is_about_a_choice(later, earlier)
            effect = Effect.REPLACES if sure else Effect.DOUBTS
            return _within(phrases.subject(later, phrase), earlier, effect)
        if phrases.is_object(earlier, phrase):
            return _within(phrases.subject(later, phrase), earlier, Effect.DOUBTS)
    return None


def _is_about_a_choice(later: str, earlier: str) -> bool:
    """Whether a sentence with "instead of" chooses anew, rather than says where something is done otherwise."""
    said = phrases.words(phrases.without_turned_down(later))
    return (
        len(said) <= phrases.NAME_WORDS
        or said[0] in phrases.words(earlier)
        or bool(_CORRECTS.search(later) or phrases.choice(later) or phrases.bans_use(later))
    )


def _within(subject: str, earlier: str, effect: Effect) -> Effect | None:
    """The effect on what is about the same, a doubt where only the later one says what it is about."""
    if not subject or subject in phrases.words(earlier):
        return effect
    return None if phrases.names_subject(earlier) else Effect.DOUBTS


def _lifted(later: str, earlier: str) -> Effect | None:
    """The later one allows or demands what the earlier one forbids."""
    banned = phrases.forbidden(earlier)
    if not banned:
        return None
    said = phrases.before_forbidding(phrases.without_turned_down(later))
    permits = _PERMITS.match(said)
    allowed = phrases.content(said[permits.end() :] if permits else _OPENING.sub("", said))
    if not allowed or allowed[0] != banned[0]:
        return None
    if set(allowed) == set(banned):
        return Effect.REPLACES
    partly = set(allowed) < set(banned) or set(banned) < set(allowed)
    return Effect.DOUBTS if partly and (permits or len(banned) > 1) else None


def _chosen_again(later: str, earlier: str) -> Effect | None:
    """The later one chooses what the earlier one turned down."""
    said = phrases.without_turned_down(later)
    again = any(phrases.chooses(said, phrase) for phrase in phrases.turned_down(earlier) - phrases.turned_down(later))
    return _within(phrases.subject(earlier), later, Effect.DOUBTS) if again else None


def _set_anew(later: str, earlier: str) -> Effect | None:
    """The later one gives something another number."""
    setting = phrases.setting(later)
    if setting is None or phrases.before_forbidding(earlier) != earlier:
        return None
    name, number = setting
    before = phrases.number_of(earlier, name)
    if before is None or before.number == number:
        return None
    anew = phrases.sets(later) or _CORRECTS.search(later) or _FROM_NOW_ON.search(later)
    effect = Effect.REPLACES if anew and not before.of_more else Effect.DOUBTS
    return _within(phrases.subject(later), earlier, effect)


def _called_off(later: str, earlier: str) -> Effect | None:
    """The later one forbids what the earlier one demands; it may be for now."""
    banned = phrases.forbidden(later)
    if not banned or phrases.forbidden(earlier):
        return None
    asked = phrases.content(_OPENING.sub("", earlier))
    if not asked or banned[0] != asked[0]:
        return None
    return Effect.DOUBTS if set(banned) <= set(asked) else None


def _done_otherwise(later: str, earlier: str) -> Effect | None:
    """From now on the same is done otherwise ("answer in German")."""
    if not _FROM_NOW_ON.search(later):
        return None
    new, old = (phrases.content(_OPENING.sub("", said))[:2] for said in (later, earlier))
    return Effect.DOUBTS if len(new) > 1 and new == old else None


_WAYS = (_named, _lifted, _set_anew, _chosen_again, _called_off, _done_otherwise)


def _answered(later: Decision, earlier: Sequence[Decision]) -> tuple[int, Effect | None]:
    """The place of what "no, use X" answers: the newest with the same verb, or about the same thing."""
    if phrases.forbidden(later.text):
        return -1, None
    corrects, changes = _CORRECTS.search(later.text), _FROM_NOW_ON.search(later.text)
    places = [place for place, one in enumerate(earlier) if corrects and _same_choice(later.text, one.text)]
    if places:
        return places[-1], _answer(later, earlier, places)
    thing = phrases.described(later.text) if corrects or changes else ""
    about = [place for place, one in enumerate(earlier) if thing and thing == phrases.described(one.text)]
    return (about[-1], Effect.DOUBTS) if about else (-1, None)


def _same_choice(later: str, earlier: str) -> bool:
    """Whether both choose by the same verb, and not for two different things."""
    new, old = phrases.choice(later), phrases.choice(phrases.before_forbidding(earlier))
    same = new and old and new.verb == old.verb and new.what != old.what
    return bool(same and _within(phrases.subject(later), earlier, Effect.DOUBTS))


def _answer(later: Decision, earlier: Sequence[Decision], places: Sequence[int]) -> Effect:
    """It replaces what it surely answers: the only such choice, a name for a name, and just said or about the same."""
    one, subject = earlier[places[-1]], phrases.subject(later.text)
    new, old = phrases.choice(later.text), phrases.choice(one.text)
    names = bool(new and old and new.is_name and old.is_name) and phrases.before_forbidding(one.text) == one.text
    beside = [other for other in earlier if other.number == one.number]
    just_said = bool(one.number) and later.number - one.number == 1 and len(beside) == 1 and not subject
    same = bool(subject) and subject == phrases.subject(one.text)
    return Effect.REPLACES if len(places) == 1 and names and (just_said or same) else Effect.DOUBTS
