"""The corpus of redaction: secrets in their places and look-alikes, filled in from a seed.

Nothing here is a real secret, and none is written down whole: a forge's scanner has nothing to find.
"""

import base64
import random
import re
import string
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent

_ALPHABETS = {
    "A": string.ascii_letters + string.digits,
    "a": string.ascii_lowercase + string.digits,
    "h": "0123456789abcdef",
    "H": "0123456789ABCDEF",
    "d": string.digits,
    "U": string.ascii_uppercase + "234567",
    "w": string.ascii_letters + string.digits + "_-",
    "b": string.ascii_letters + string.digits + "+/",
    "l": string.ascii_lowercase,
}
_SLOT = re.compile(r"\{([AahHdUwbl])(\d+)\}|\{(u)\}")
_WORDS = "tiger lemon orbit velvet copper winter falcon marble rocket summer garden violin hunter silver".split()  # noqa: SIM905
_SEED = 20261121


@dataclass(frozen=True, slots=True)
class Case:
    """A text; `secret` is what must not be left of it, empty for a look-alike; `row` is what it was made of."""

    kind: str
    text: str
    secret: str = ""
    row: int = 0


def _fill(shape: str, chance: random.Random) -> str:
    def one(slot: re.Match[str]) -> str:
        if slot[3]:
            return str(uuid.UUID(int=chance.getrandbits(128), version=4))
        return "".join(chance.choices(_ALPHABETS[slot[1]], k=int(slot[2])))

    return _SLOT.sub(one, shape)


def _made(how: str, chance: random.Random) -> str:
    """A secret that only its place gives away."""
    word, other = chance.sample(_WORDS, 2)
    if how == "P":
        number = chance.randint(1, 9999)
        return chance.choice((f"{word}{number}", f"{word.title()}{number}!", f"{word.title()}{other.title()}{number}"))
    if how == "W":
        return "".join(chance.choices(string.ascii_letters + string.digits + "!#*+-.:^_~", k=16)) + "7x"
    if how == "B":
        return base64.b64encode(chance.randbytes(30)).decode()
    return _fill({"R": "{A32}", "X": "{h40}", "a": "{a26}", "b": "{b86}"}[how], chance)


def _lines(name: str) -> Iterator[str]:
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("# "):
            yield line


def _unescaped(text: str) -> str:
    return text.replace("\\n", "\n").replace("\\t", "\t")


def secrets() -> list[Case]:
    """Every shape in four places, every place with each kind of secret that it can hold."""
    return [*_shaped(random.Random(_SEED)), *_named(random.Random(_SEED + 1)), *_keys(random.Random(_SEED + 2))]


def _shaped(chance: random.Random) -> Iterator[Case]:
    places = [_unescaped(line) for line in _lines("token_places.txt")]
    for number, line in enumerate(_lines("shapes.txt")):
        kind, shape = line.split(" | ")
        for step in range(4):
            secret = _fill(shape, chance)
            yield Case(kind, places[(number * 4 + step) % len(places)].replace("{}", secret), secret, number)


def _named(chance: random.Random) -> Iterator[Case]:
    for number, line in enumerate(_lines("named_places.txt")):
        kind, place, kinds = (part.replace("\\|", "|") for part in re.split(r" (?<!\\)\| ", line))
        for how in kinds.strip():
            secret = _made(how, chance)
            yield Case(kind, _unescaped(place).replace("{}", secret), secret, number)


def _keys(chance: random.Random) -> Iterator[Case]:
    """Private keys: whole, in a JSON string, without an end, without a beginning, in a diff."""
    for number, name in enumerate(
        ("RSA PRIVATE KEY", "PRIVATE KEY", "OPENSSH PRIVATE KEY", "EC PRIVATE KEY", "ENCRYPTED PRIVATE KEY")
    ):
        rows = [_fill("{b64}", chance) for _ in range(6)]
        whole = "\n".join((f"-----BEGIN {name}-----", *rows, f"-----END {name}-----"))
        escaped = whole.replace("\n", "\\n")
        for text in (
            whole,
            f'{{"private_key": "{escaped}"}}',
            whole.rpartition("\n")[0],
            whole.partition("\n")[2],
            "\n".join(f"+{row}" for row in whole.splitlines()),
            "\n".join(f"    {row}" for row in whole.splitlines()),
            "\n".join(f"{at:6}→{row}" for at, row in enumerate(whole.splitlines(), 1)),
        ):
            yield Case("private-key", f"before\n{text}\nafter", rows[3], number)


def lookalikes() -> list[Case]:
    """What must stay as it is."""
    chance = random.Random(_SEED + 3)
    cases = []
    for row, line in enumerate(_lines("lookalikes.txt")):
        times, text = (3, line[3:]) if line.startswith("3x ") else (1, line)
        cases += [Case("look-alike", _fill(_unescaped(text), chance), row=row) for _ in range(times)]
        if times == 1:
            cases.append(Case("look-alike", f"$ cat notes\n    {_unescaped(text)}\nok\n", row=row))
    return cases


def half(cases: list[Case], which: int) -> list[Case]:
    """One half of the cases: 0 to tune on, 1 to report; what is made of one row stays together."""
    return [case for case in cases if case.row % 2 == which]
