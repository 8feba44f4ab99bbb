"""Whose request it is, by address and headers; and what is stored of a token."""

import base64

import pytest

from dcm.domain import access


@pytest.mark.parametrize("address", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::1%lo"])
def test_every_form_of_loopback_is_this_machine(address: str) -> None:
    assert access.is_local(address, [b"host", b"user-agent"])


@pytest.mark.parametrize(
    "address", ["", "10.0.0.1", "192.168.1.5", "::ffff:10.0.0.1", "fd00::2", "localhost", "/run/x"]
)
def test_any_other_address_and_what_is_none_is_not(address: str) -> None:
    assert not access.is_local(address, [])


@pytest.mark.parametrize("header", ["forwarded", "x-forwarded-for", "x-forwarded-anything", "x-real-ip"])
def test_what_a_proxy_hands_on_is_not_of_this_machine(header: str) -> None:
    assert not access.is_local("127.0.0.1", [b"host", header.encode()])


@pytest.mark.parametrize(
    ("host", "is_open"),
    [("127.0.0.1", False), ("localhost", False), ("::1", False), ("[::1]", False), ("0.0.0.0", True), ("::", True),
     ("10.0.0.1", True), ("machine.example", True)],
)  # fmt: skip
def test_a_server_is_open_when_it_listens_beyond_loopback(host: str, *, is_open: bool) -> None:
    assert access.is_open(host) is is_open


def basic(text: str) -> str:
    return f"Basic {base64.b64encode(text.encode()).decode()}"


@pytest.mark.parametrize(
    ("header", "token"),
    [
        (None, ""), ("", ""), ("Bearer x", "x"), ("bearer  x ", "x"), ("Bearer", ""), ("Digest x", ""),
        (basic("ada:x"), "x"), (basic(":x:y"), "x:y"), (basic("ada"), ""), ("Basic \N{SNOWMAN}", ""), ("Basic =", ""),
        ("Basic /w==", ""),
    ],
)  # fmt: skip
def test_a_token_is_shown_as_a_bearers_or_as_the_password_of_a_browser(header: str | None, token: str) -> None:
    assert access.presented(header) == token


def test_no_two_tokens_are_one_and_each_has_its_own_digest() -> None:
    made = {access.make_token(access.TOKEN) for _ in range(100)}
    assert len(made) == len({access.digest(token) for token in made}) == 100
    assert access.same(access.digest("x"), access.digest("x"))
    assert not access.same(access.digest("x"), access.digest("y"))


def test_who_may_administer_may_everything_and_nobody_else_more_than_is_said() -> None:
    admin, reader = (access.Caller("token", "t", frozenset({scope})) for scope in ("admin", "read"))
    assert [admin.may(scope) for scope in access.SCOPES] == [True] * 4
    assert [reader.may(scope) for scope in access.SCOPES] == [False, True, False, False]


def test_the_addresses_of_one_ipv6_network_count_as_one() -> None:
    assert access.neighbourhood("fd00:1:2:3::4") == access.neighbourhood("fd00:1:2:3:ffff::5")
    assert access.neighbourhood("10.0.0.1") == "10.0.0.1"
    assert access.neighbourhood("nowhere") == "nowhere"
