-- Full text search: the words of every prompt, subagent's result, message and tool call, with where they stand.

CREATE FUNCTION search_words(said text) RETURNS tsvector
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN to_tsvector('simple', regexp_replace(said, '[^[:alnum:]_]+', ' ', 'g'));
COMMENT ON FUNCTION search_words IS
    'Words as people type them: no stemming, and the parts of a path or a dotted name are words of their own.';

CREATE TABLE search_entries (
    kind text NOT NULL,
    ref uuid NOT NULL,
    session_id text,
    at timestamptz NOT NULL,
    words tsvector NOT NULL
) PARTITION BY RANGE (at);
COMMENT ON TABLE search_entries IS
    'kind prompt, result, message or action; ref is the id of its row, at the time that row was made. The text stays there.';

CREATE INDEX idx_search_words ON search_entries USING gin (words);
CREATE INDEX idx_search_at ON search_entries (at DESC);
CREATE INDEX idx_search_ref ON search_entries (ref) WHERE kind <> 'action';

CREATE OR REPLACE FUNCTION ensure_month(moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamptz := date_trunc('month', moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    next_first timestamptz := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    suffix text := to_char(moment AT TIME ZONE 'UTC', 'YYYYMM');
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['actions', 'hook_events', 'search_entries'] LOOP
        IF to_regclass(format('%I', parent || '_' || suffix)) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || '_' || suffix, parent, first_day, next_first
            );
        END IF;
    END LOOP;
END $$;

SELECT ensure_month(now()), ensure_month(now() + interval '1 month');
SELECT ensure_month(month) FROM (
    SELECT DISTINCT date_trunc('month', created_at) AS month FROM (
        SELECT created_at FROM requests UNION ALL SELECT created_at FROM subtasks
        UNION ALL SELECT created_at FROM agent_messages UNION ALL SELECT created_at FROM actions
    ) AS rows_made
) AS months;

CREATE FUNCTION keep_search_entry(entry_kind text, entry_ref uuid, session text, made_at timestamptz, said text)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ensure_month(made_at);
    DELETE FROM search_entries WHERE kind = entry_kind AND ref = entry_ref AND kind <> 'action';
    INSERT INTO search_entries (kind, ref, session_id, at, words)
    VALUES (entry_kind, entry_ref, session, made_at, search_words(left(said, 8000)));
END $$;

CREATE FUNCTION search_request() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_search_entry('prompt', NEW.id, NEW.session_id, NEW.created_at, NEW.prompt);
    RETURN NULL;
END $$;
CREATE TRIGGER search_new_request AFTER INSERT ON requests
    FOR EACH ROW WHEN (NOT NEW.metadata ? 'placeholder') EXECUTE FUNCTION search_request();
CREATE TRIGGER search_changed_request AFTER UPDATE OF prompt ON requests
    FOR EACH ROW WHEN (NEW.prompt IS DISTINCT FROM OLD.prompt) EXECUTE FUNCTION search_request();

CREATE FUNCTION search_subtask() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_search_entry('result', NEW.id, NEW.session_id, NEW.created_at,
                              concat_ws(' ', NEW.agent_type, NEW.description, NEW.result::text));
    RETURN NULL;
END $$;
CREATE TRIGGER search_new_subtask AFTER INSERT ON subtasks
    FOR EACH ROW WHEN (NEW.description IS NOT NULL OR NEW.result IS NOT NULL) EXECUTE FUNCTION search_subtask();
CREATE TRIGGER search_changed_subtask AFTER UPDATE OF description, result ON subtasks
    FOR EACH ROW WHEN (NEW.description IS DISTINCT FROM OLD.description OR NEW.result IS DISTINCT FROM OLD.result)
    EXECUTE FUNCTION search_subtask();

CREATE FUNCTION search_message() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM keep_search_entry('message', NEW.id, NEW.session_id, NEW.created_at,
                              concat_ws(' ', NEW.from_agent_id, NEW.topic, NEW.payload::text));
    RETURN NULL;
END $$;
CREATE TRIGGER search_new_message AFTER INSERT ON agent_messages FOR EACH ROW EXECUTE FUNCTION search_message();

SELECT keep_search_entry('prompt', id, session_id, created_at, prompt) FROM requests WHERE NOT metadata ? 'placeholder';
SELECT keep_search_entry('result', id, session_id, created_at, concat_ws(' ', agent_type, description, result::text))
FROM subtasks WHERE description IS NOT NULL OR result IS NOT NULL;
SELECT keep_search_entry('message', id, session_id, created_at, concat_ws(' ', from_agent_id, topic, payload::text))
FROM agent_messages;
INSERT INTO search_entries (kind, ref, session_id, at, words)
SELECT 'action', id, session_id, created_at,
       search_words(concat_ws(' ', tool_name, summary, array_to_string(file_paths, ' '), left(error, 300)))
FROM actions;
