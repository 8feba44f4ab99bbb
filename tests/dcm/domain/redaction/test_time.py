"""Adversarial texts of 100,000 characters: none takes longer than a text of its length may."""

import cProfile
import re
import time

import pytest

from dcm.domain.redaction import Redactor, redact

SIZE = 100_000
BOUND_S = 5.0
"""The slowest takes 0.7 s on one core of a small machine; one that backtracks would take hours."""

UNITS = [
    "password",
    "password=",
    "password: ",
    'password="',
    "token token ",
    "key ",
    "a",
    "A1",
    "=",
    '"',
    "\\",
    '\\"',
    " ",
    "\n",
    "-----BEGIN RSA PRIVATE KEY-----",
    "-----END RSA PRIVATE KEY-----",
    "-----BEGIN PRIVATE KEY-----\nAAAA",
    "http://a:",
    "://",
    "://a:b",
    "@",
    "ghp_",
    "eyJ",
    "eyJaaaaaaaa.",
    "sk-",
    "sk-a-",
    "Authorization: ",
    "Authorization: Bearer ",
    "Cookie: a=",
    "cookie=a=b;",
    "mysql ",
    "mysql -u ",
    "curl -u ",
    "login -p",
    ".env\n",
    ".env A=",
    "A=b\n",
    "<private>",
    "</private>",
    "[redacted:a:00000000]",
    "[redacted:",
    "name: key\nvalue: ",
    '"name":"password","value":',
    "hooks.slack.com/services/",
    "?key=",
    "&sig=",
    "Bearer ",
    "Basic ",
    "identified by ",
    "password is ",
    "--password ",
    "api key ",
    "{A}",
    "aB1",
    "AbCd",
    "machine a login b password ",
    "echo a | sudo ",
    "password[",
    "password        ",
    "é",
    "İpassword=",
    "AbCdEfGh12345678+/\n",
]


NAMES = [
    "pat-=",
    "pat:=/",
    "secret_=:",
    "pass==A1",
    "auth=",
    "a_token=",
    "pw===",
    "x.pw=a1b2c3.",
    "pw:str='",
    "pw=a1b2c3d4 ",
    "[redacted:a:00000000] pw=A1b2c3d4\n",
]
CALLS_A_CHARACTER = 40
"""The densest takes 24, and took 600 where each value was judged whole that held the next name."""


@pytest.mark.parametrize("unit", NAMES)
def test_names_packed_closely_cost_no_more_than_so_many_calls_a_character(unit: str) -> None:
    text = unit * (20_000 // len(unit))
    profile = cProfile.Profile()
    profile.runcall(redact, text)
    calls = sum(entry.callcount for entry in profile.getstats())
    assert calls < CALLS_A_CHARACTER * len(text)


def test_nothing_stays_of_what_follows_names_that_are_too_close() -> None:
    mark = "[redacted:token:0123abcd]"
    text = "auth=" * 4000 + f" password=tiger1 {mark} one two {mark}\n{mark} three "
    once = Redactor(allowed=re.compile("two")).text(text)
    assert not [word for word in ("tiger1", "one", "two", "three") if word in once]
    assert once.count(mark) == 3
    assert redact(once) == once


@pytest.mark.parametrize("tail", ["", "!", "\n-----END RSA PRIVATE KEY-----", '" ', "@host"])
def test_no_text_makes_a_pattern_go_back_and_forth(tail: str) -> None:
    slow = {}
    for unit in UNITS:
        text = (unit * (SIZE // len(unit) + 1))[:SIZE] + tail
        began = time.process_time()
        redact(text)
        slow[unit] = time.process_time() - began
    assert {unit: spent for unit, spent in slow.items() if spent > BOUND_S} == {}
