"""Tokens of the WebSocket: who an agent is, signed (contract, section 10.2)."""

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass, field

LIFETIME_MS = 3_600_000
"""Milliseconds a token is good for."""

ADMISSION_MS = 300_000
"""Milliseconds one is good for that another machine asked for: it lets in whose access token may be revoked since."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who a token is for; `signed_at`, in milliseconds by the database's clock, when it was proved."""

    agent_id: str
    session_id: str | None = None
    signed_at: int | None = field(default=None, compare=False)


def make(secret: bytes, identity: Identity, now_ms: int, lifetime_ms: int = LIFETIME_MS) -> str:
    """A token: the claims in base64url, a dot, and their HMAC-SHA256 in hex."""
    claims: dict[str, object] = {"agent_id": identity.agent_id}
    if identity.session_id is not None:
        claims["session_id"] = identity.session_id
    issued_at = now_ms if identity.signed_at is None else identity.signed_at
    claims |= {"issued_at": issued_at, "expires_at": now_ms + lifetime_ms}
    text = json.dumps(claims, separators=(",", ":"))
    return f"{base64.urlsafe_b64encode(text.encode()).rstrip(b'=').decode()}.{_signed(secret, text)}"


def verified(secret: bytes, token: str, now_ms: int) -> Identity | None:
    """Who a token is for; None when it is not ours, was changed, or is over."""
    encoded, _, signature = token.partition(".")
    try:
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode()
        if not hmac.compare_digest(_signed(secret, text).encode(), signature.encode()):
            return None
        claims = json.loads(text)
        if claims["expires_at"] < now_ms:
            return None
        return Identity(claims["agent_id"], claims.get("session_id"), claims["issued_at"])
    except (binascii.Error, ValueError, KeyError, TypeError):
        return None


def _signed(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()
