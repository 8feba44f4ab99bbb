"""Adversarial texts of 100,000 characters: none takes longer than a text of its length may."""

import time

import pytest

from dcm.domain.redaction import redact

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


@pytest.mark.parametrize("tail", ["", "!", "\n-----END RSA PRIVATE KEY-----", '" ', "@host"])
def test_no_text_makes_a_pattern_go_back_and_forth(tail: str) -> None:
    slow = {}
    for unit in UNITS:
        text = (unit * (SIZE // len(unit) + 1))[:SIZE] + tail
        began = time.process_time()
        redact(text)
        slow[unit] = time.process_time() - began
    assert {unit: spent for unit, spent in slow.items() if spent > BOUND_S} == {}
