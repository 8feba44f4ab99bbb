-- What an event that was refused needs to be sent again: its time, its key, how often and when it was refused.

ALTER TABLE rejected_events
    ADD at timestamptz,
    ADD came_as text NOT NULL DEFAULT '',
    ADD recovered boolean NOT NULL DEFAULT false,
    ADD refusals integer NOT NULL DEFAULT 1,
    ADD refused_at timestamptz NOT NULL DEFAULT now(),
    ADD sent_again_at timestamptz;
UPDATE rejected_events SET refused_at = created_at, at = CASE
    WHEN entry_id ~ '^[0-9]{1,14}-[0-9]+$' THEN to_timestamp(split_part(entry_id, '-', 1)::bigint / 1000.0)
    ELSE created_at END;
ALTER TABLE rejected_events ALTER at SET NOT NULL;
COMMENT ON COLUMN rejected_events.at IS 'When the event happened: it keeps this time when it is sent again.';
COMMENT ON COLUMN rejected_events.came_as IS 'The key of the event as it came, where redaction changed its payload since; else empty.';
COMMENT ON COLUMN rejected_events.sent_again_at IS 'When it was put into the stream again; null when it was not, or was refused again since.';
CREATE INDEX idx_rejected_refused ON rejected_events (refused_at DESC, id);
