-- Transcripts as the second source: how far each was read, which events it told, and the tokens answers took.

CREATE TABLE transcripts (
    session_id text NOT NULL,
    agent_id text NOT NULL DEFAULT '',
    path text NOT NULL,
    read_to bigint NOT NULL DEFAULT 0,
    size bigint,
    digest text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT '{}',
    problem text,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (session_id, agent_id)
);
COMMENT ON COLUMN transcripts.agent_id IS 'The subagent it is of; empty for the main conversation.';
COMMENT ON COLUMN transcripts.digest IS 'What the file was like up to read_to: one that differs is read anew.';
COMMENT ON COLUMN transcripts.state IS 'The turn that was open at read_to, as JSON; as text, for it may hold what jsonb refuses.';
COMMENT ON COLUMN transcripts.problem IS 'Why it cannot be read here; it may lie on another machine.';

CREATE TABLE message_usage (
    message_id text PRIMARY KEY,
    session_id text NOT NULL,
    agent_id text NOT NULL DEFAULT '',
    model text NOT NULL,
    created_at timestamptz NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_creation_tokens bigint NOT NULL,
    cache_creation_1h_tokens bigint NOT NULL
);
COMMENT ON TABLE message_usage IS
    'One row an answer of a model. A forked session copies the answers before the fork into its own transcript: the first to tell of one has it.';
CREATE INDEX idx_message_usage_session ON message_usage (session_id);

CREATE TABLE context_usage (
    session_id text PRIMARY KEY,
    tokens bigint,
    model text NOT NULL,
    told_at timestamptz NOT NULL
);
COMMENT ON TABLE context_usage IS
    'How large the main conversation of a session is; tokens are null from a compaction to the next answer.';

ALTER TABLE hook_events ADD COLUMN recovered boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN hook_events.recovered IS 'Told by a transcript; the hook''s own report takes its place when it comes.';
CREATE INDEX idx_hook_events_recovered ON hook_events (session_id, event) WHERE recovered;
