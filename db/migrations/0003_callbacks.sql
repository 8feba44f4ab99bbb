-- What became of the calls to subscribers, and of the last cleaning.

ALTER TABLE subscriptions
    ADD COLUMN last_called_at timestamptz,
    ADD COLUMN last_status integer,
    ADD COLUMN failures integer NOT NULL DEFAULT 0;
COMMENT ON COLUMN subscriptions.last_status IS 'HTTP status of the last call; null when there was no answer.';
COMMENT ON COLUMN subscriptions.failures IS 'Calls in a row that failed.';

CREATE INDEX idx_subscriptions_topic ON subscriptions (topic) WHERE callback_url IS NOT NULL;
CREATE INDEX idx_blocked_agents_blocked ON blocked_agents (blocked_agent);

CREATE TABLE last_cleanup (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    deleted_messages integer NOT NULL,
    deleted_at timestamptz NOT NULL,
    duration_ms integer NOT NULL
);
COMMENT ON TABLE last_cleanup IS 'One row: what the last cleaning did.';
