-- What an agent polls: its own messages and the broadcasts, urgent and old ones first; and what it has read.

CREATE INDEX idx_messages_queue ON agent_messages (to_agent_id, priority DESC, created_at, id);
CREATE INDEX idx_messages_live ON agent_messages (to_agent_id, (coalesce(expires_at, 'infinity'::timestamptz)));
CREATE INDEX idx_messages_read_by ON agent_messages USING gin (read_by);
