-- Who may call: access tokens, credentials of agents, and the log of administrative acts.

CREATE TABLE access_tokens (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('machine', 'person')),
    scopes text[] NOT NULL CHECK (scopes <> '{}' AND scopes <@ ARRAY['ingest', 'read', 'write', 'admin']),
    token_hash bytea NOT NULL UNIQUE,
    created_at timestamptz NOT NULL DEFAULT now(),
    created_by text NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz
);
COMMENT ON TABLE access_tokens IS 'Who may call from other machines, and administer. Only the SHA-256 of a token is kept.';
CREATE UNIQUE INDEX access_tokens_name ON access_tokens (name) WHERE revoked_at IS NULL;

CREATE TABLE agent_credentials (
    agent_id text PRIMARY KEY,
    credential_hash bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE agent_credentials IS 'Agents that must prove who they are. Only the SHA-256 of a credential is kept.';

CREATE TABLE audit_log (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    at timestamptz NOT NULL DEFAULT now(),
    who text NOT NULL,
    token_id uuid,
    address text NOT NULL,
    act text NOT NULL,
    subject text NOT NULL,
    details jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON TABLE audit_log IS 'Administrative acts and deletions: who did what to what. Written in the transaction of the act.';
