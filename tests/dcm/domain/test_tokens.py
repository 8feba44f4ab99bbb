"""Tokens: who they are for, and that no other text is one."""

import base64
import hashlib
import hmac
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.tokens import LIFETIME_MS, Identity, make, verified

SECRET = b"secret"


@given(st.text(min_size=1), st.none() | st.text(min_size=1), st.integers(0, 2**45))
def test_a_token_says_who_it_is_for_until_its_time_is_over(agent: str, session: str | None, now: int) -> None:
    token = make(SECRET, Identity(agent, session), now)
    assert verified(SECRET, token, now + LIFETIME_MS) == Identity(agent, session)
    assert verified(SECRET, token, now + LIFETIME_MS + 1) is None
    assert verified(b"another", token, now) is None


def test_a_token_may_be_good_for_less_and_says_when_it_was_proved_by_another_clock() -> None:
    token = make(SECRET, Identity("a1", None, 7), 1000, 10)
    known = verified(SECRET, token, 1010)
    assert known is not None
    assert (known.agent_id, known.signed_at) == ("a1", 7)
    assert verified(SECRET, token, 1011) is None


def test_a_token_is_the_claims_in_base64url_and_their_hmac_sha256() -> None:
    encoded, _, signature = make(SECRET, Identity("a1", "s1"), 5).partition(".")
    text = base64.urlsafe_b64decode(encoded + "=" * (-len(encoded) % 4))
    assert json.loads(text) == {"agent_id": "a1", "session_id": "s1", "issued_at": 5, "expires_at": 3_600_005}
    assert list(json.loads(text)) == ["agent_id", "session_id", "issued_at", "expires_at"]
    assert signature == hmac.new(SECRET, text, hashlib.sha256).hexdigest()


def test_a_token_that_was_changed_is_none() -> None:
    encoded, _, signature = make(SECRET, Identity("a1"), 5).partition(".")
    other = make(SECRET, Identity("a2"), 5).partition(".")[0]
    assert verified(SECRET, f"{other}.{signature}", 5) is None
    assert verified(SECRET, f"{encoded}.{signature[:-1]}0", 5) is None or signature.endswith("0")


@pytest.mark.parametrize("text", ["", ".", "a", "a.b", "e30.x", "ä.ö", "e30=.0", "AAAA.AAAA"])
def test_other_text_is_no_token(text: str) -> None:
    assert verified(SECRET, text, 5) is None


def test_a_signed_text_that_is_no_claim_is_no_token() -> None:
    for claims in ("[]", "{}", "5", '{"agent_id": "a", "expires_at": "soon"}'):
        signature = hmac.new(SECRET, claims.encode(), hashlib.sha256).hexdigest()
        token = f"{base64.urlsafe_b64encode(claims.encode()).rstrip(b'=').decode()}.{signature}"
        assert verified(SECRET, token, 5) is None
