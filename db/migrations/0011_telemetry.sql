-- What OpenTelemetry of Claude Code tells: requests to the model, sums of tokens and money, sizes of compactions.

ALTER TABLE message_usage ADD COLUMN request_id text;
COMMENT ON COLUMN message_usage.request_id IS 'The provider''s id of the request it answered: telemetry names the same.';
CREATE INDEX idx_message_usage_request ON message_usage (request_id) WHERE request_id IS NOT NULL;

CREATE TABLE model_requests (
    session_id text NOT NULL,
    key text NOT NULL,
    request_id text,
    prompt_id text,
    model text NOT NULL,
    source text NOT NULL,
    agent_name text NOT NULL,
    created_at timestamptz NOT NULL,
    input_tokens bigint NOT NULL,
    output_tokens bigint NOT NULL,
    cache_read_tokens bigint NOT NULL,
    cache_creation_tokens bigint NOT NULL,
    cost double precision,
    duration_ms bigint,
    status integer,
    error text,
    PRIMARY KEY (session_id, key)
);
COMMENT ON TABLE model_requests IS 'One row a request that the client told of as a log event; those with an error failed.';
COMMENT ON COLUMN model_requests.key IS 'The request''s id; where it has none, its moment and place in the client''s events.';
CREATE INDEX idx_model_requests_request ON model_requests (request_id) WHERE request_id IS NOT NULL;

CREATE TABLE usage_sums (
    session_id text NOT NULL,
    stream text NOT NULL,
    started_at timestamptz NOT NULL,
    told_at timestamptz NOT NULL,
    model text NOT NULL,
    source text NOT NULL,
    agent_name text NOT NULL,
    part text NOT NULL,
    value double precision NOT NULL,
    PRIMARY KEY (session_id, stream, started_at, told_at)
);
COMMENT ON TABLE usage_sums IS
    'Points of the client''s metrics of tokens and US dollars. A cumulative stream has one row a start, told_at being the start, which grows.';

CREATE TABLE compaction_sizes (
    session_id text NOT NULL,
    key text NOT NULL,
    created_at timestamptz NOT NULL,
    trigger text NOT NULL,
    success boolean NOT NULL,
    pre_tokens bigint,
    post_tokens bigint,
    duration_ms bigint,
    error text,
    PRIMARY KEY (session_id, key)
);
COMMENT ON TABLE compaction_sizes IS 'How large a conversation was before and after a compaction, which ended at created_at.';
