"""Calls about who may call: access tokens, credentials of agents, the audit log. All of them take the scope admin."""

from collections.abc import Sequence

from dcm.client.calls.call import Call, delete, get, part, post
from dcm.client.shapes import access as shapes


def create_access_token(
    name: str, *, kind: str = "machine", scopes: Sequence[str] | None = None, expires_at: str | None = None
) -> Call[shapes.MadeToken]:
    """Make a token for a machine or a person; it is shown in the answer and never again."""
    named = None if scopes is None else list(scopes)
    return post("/api/tokens", name=name, kind=kind, scopes=named, expires_at=expires_at)


def list_access_tokens() -> Call[shapes.TokenList]:
    """The access tokens, newest first, the revoked ones too."""
    return get("/api/tokens")


def revoke_access_token(key: str) -> Call[shapes.StoredToken]:
    """Revoke an access token, by its id or name."""
    return delete(f"/api/tokens/{part(key)}")


def create_agent_credential(agent_id: str) -> Call[shapes.MadeCredential]:
    """Give an agent a credential: nobody speaks for it without."""
    return post(f"/api/agents/{part(agent_id)}/credential")


def delete_agent_credential(agent_id: str) -> Call[shapes.CredentialRemoved]:
    """Take an agent's credential away."""
    return delete(f"/api/agents/{part(agent_id)}/credential")


def get_audit(*, act: str | None = None, before: int | None = None, limit: int | None = None) -> Call[shapes.AuditPage]:
    """Administrative acts and deletions, newest first."""
    return get("/api/audit", act=act, before=before, limit=limit)
