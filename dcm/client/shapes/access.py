"""Shapes of answers about who may call."""

from typing import Any, TypedDict


class StoredToken(TypedDict):
    """An access token without itself."""

    id: str
    name: str
    kind: str
    scopes: list[str]
    created_at: str
    created_by: str
    expires_at: str | None
    last_used_at: str | None
    revoked_at: str | None


class MadeToken(StoredToken):
    """A new access token, shown this once."""

    token: str


class TokenList(TypedDict):
    """Access tokens, newest first."""

    tokens: list[StoredToken]
    count: int


class MadeCredential(TypedDict):
    """The credential of an agent, shown this once."""

    agent_id: str
    credential: str
    created_at: str


class CredentialRemoved(TypedDict):
    """An agent needs no credential any more."""

    success: bool
    agent_id: str


class Act(TypedDict):
    """Who did what to what."""

    id: int
    at: str
    who: str
    token_id: str | None
    address: str
    act: str
    subject: str
    details: dict[str, Any]


class AuditPage(TypedDict):
    """Acts, newest first."""

    acts: list[Act]
    count: int
