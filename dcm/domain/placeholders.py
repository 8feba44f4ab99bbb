"""What stands where a secret would stand: placeholders, references, types and code, and what looks made by chance."""

import re
from itertools import pairwise

MARK = re.compile(r"\[redacted:[a-z0-9-]{1,60}:[0-9a-f]{8}\]|\[private\]")
"""What redaction leaves; it is never looked into again."""

_REFERENCE = re.compile(
    r"""
    ^[$%@&*!?#<>\[\](){}|.,;:=+~^-]+$                # signs alone: ***, ..., <>
    | ^\$                                            # $TOKEN, ${TOKEN}, $(pass show x)
    | ^[`(]
    | ^%\w*%$ | ^%[-+]?\(?\w*\)?[sdr]$
    | ^&lt; | \$\{ | \$\( | \{\{ | <[A-Za-z][\w .:-]*> | ^< | ^\{\w*\}$ | ^__\w+__$
    | ^(?:ENC|vault|ref|env|file|secret|op|ssm|arn|kms|gcp|aws|sops)(?:\[|:(?://|[a-z]))
    | ^\#[0-9a-fA-F]{3,8}$ | ^\{[A-Za-z_]\w*[.(\[] | \{[A-Za-z_][\w.]*\} | (?:\\x[0-9A-Fa-f]{2}){3}
    | ^\[.*\][+*] | ^(?i:sha-?\d+|md5|base64|utf-?8|argon2\w*|pbkdf2|oauth2?|x509|ed25519|[rhep]s\d{3}|v\d+|ipv\d)$
    | \.\.\. | … | x{4,} | X{4,} | \*{3,} | •{2,} | ^[xX*.•_-]+$ | ^(.)\1+$
    | (?i:redacted|filtered|masked|hidden|omitted|your[-_ ]|_here\b|-here\b|insert[-_ ]|replace[-_ ]?me|change[-_ ]?(?:me|it|this)
      |placeholder|goes[-_ ]here|enter[-_ ]|<your)
    """,
    re.VERBOSE,
)  # fmt: skip

_WORDS = frozenset(
    """
    a access account admin all any api app argument auth authentication auto bar base basic baz bearer bool boolean bytes char
    client command config cookie credential credentials current data db dbname default demo digest disabled dummy
    empty enabled env example expired fake false field flag foo foobar get given guest hash header hello here host id
    incorrect input int invalid it key literal local localhost login mock mongo my mysql name new nil no none not null
    number object of ok old on off oauth option options optional or pass passphrase passwd password plain postgres postgresql prompt
    property private psk public pwd read refresh required root sample secret service session set shared some something
    ssh sso stdin str string test testing text the todo token tbd true type undefined unknown unset user username uuid
    value var void yes word world wrong write xxx inherit rabbitmq redis sa superuser wildcard changed missing nothing
    """.split()  # noqa: SIM905 - two hundred quoted words are no easier to read
)
"""A value made of these alone says what belongs there, not what it is."""

_PARTS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_PATH = re.compile(r"^(?:~?/|\.{1,2}/|[A-Za-z]:\\)[\w.@ /\\-]*$")
_CODE = re.compile(
    r"""
    ^(?:[A-Za-z_$][\w$]*(?:\.|\?\.|->|::))+[A-Za-z_$][\w$]*$  # self.token, process.env.TOKEN, Secret::new
    | ^[!~-][A-Za-z_$] | ^[A-Za-z_$][\w$.]*[(\[<{] | ^(?:new|await|async|lambda|function|typeof|not|return)$ | ^[|&]{1,2}$ | ^=|=>$
    """,
    re.VERBOSE,
)
_UUID = re.compile(r"^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$")
_HEX = re.compile(r"^(?:0x)?[0-9a-fA-F]+$")
_NUMBERED_WORDS = re.compile(r"^(?:[A-Za-z]{2,}+\d{0,2}+(?:[-_.:/ ]|$))++$")


def is_placeholder(value: str) -> bool:
    """Whether a value only says that a secret belongs there."""
    head = value[:300]
    if MARK.search(head) or _REFERENCE.search(head):
        return True
    words = [part.lower() for part in _PARTS.findall(head)]
    return all(word in _WORDS or len(word) < 2 for word in words) and not any(word.isdigit() for word in words)


def is_code(value: str) -> bool:
    """Whether a value without quotes is an expression of a program."""
    head = value[:300]
    return _CODE.search(head) is not None and sum(character.isdigit() for character in head) < 4


def is_path(value: str) -> bool:
    """Whether a value leads to a file or a page; base64 may begin with a slash too."""
    head = value[:300]
    if "://" in head:
        return True
    if not _PATH.match(head):
        return False
    return "." in head or not is_random(head.replace("/", ""), 24)


def is_identity(value: str) -> bool:
    """Whether a value is a uuid or hexadecimal: an id or a sum, where no name says otherwise."""
    return bool(_UUID.match(value) or _HEX.match(value))


def is_random(value: str, shortest: int) -> bool:
    """Whether a value looks made by chance: digits among letters, or letters that no one would write."""
    if len(value) < shortest:
        return False
    head = value[:300]
    if _NUMBERED_WORDS.match(head):
        return len(head) >= 16 and _is_scrambled(head)
    digits = sum(character.isdigit() for character in head)
    letters = sum(character.isalpha() for character in head)
    return letters > 0 and (digits >= 2 or (digits == 1 and not head[-1].isdigit()) or _is_scrambled(head))


def _is_scrambled(text: str) -> bool:
    """Letters whose case changes as no name's does, or with hardly a vowel."""
    letters = [character for character in text if character.isalpha()]
    if len(letters) < 12:
        return False
    turns = sum(a.islower() and b.isupper() for a, b in pairwise(letters))
    vowels = sum(letter in "aeiouAEIOU" for letter in letters)
    longest = max(map(len, re.findall(r"[a-z]+", text)), default=0)
    return (turns * 5 >= len(letters) and longest < 5) or vowels * 8 < len(letters)
