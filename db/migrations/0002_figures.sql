-- Figures that cost the same with a million rows as with ten. A statement's trigger appends what it changed to a table
-- without index, so that no two writers meet on a row; the clock folds those changes into the figures, and who reads
-- adds up both.

CREATE TABLE counts (
    what text NOT NULL,
    part text NOT NULL DEFAULT '',
    state text NOT NULL DEFAULT '',
    value bigint NOT NULL,
    PRIMARY KEY (what, part, state)
);
COMMENT ON TABLE counts IS
    'Rows of each table: part is the agent type of a context or the topic of a message, state is a status or its like.';
CREATE TABLE count_changes (what text NOT NULL, part text NOT NULL, state text NOT NULL, value bigint NOT NULL);

CREATE TABLE action_hours (
    hour timestamptz NOT NULL,
    tool_name text NOT NULL,
    tool_type text NOT NULL,
    total bigint NOT NULL,
    success bigint NOT NULL,
    duration_ms bigint NOT NULL,
    timed bigint NOT NULL,
    PRIMARY KEY (hour, tool_name, tool_type)
);
COMMENT ON COLUMN action_hours.timed IS 'How many of them have a duration.';
CREATE TABLE session_actions (
    session_id text PRIMARY KEY,
    total bigint NOT NULL,
    success bigint NOT NULL,
    duration_ms bigint NOT NULL,
    timed bigint NOT NULL,
    last_at timestamptz NOT NULL
);
CREATE INDEX idx_session_actions_last ON session_actions (last_at);
CREATE TABLE action_changes (
    session_id text,
    hour timestamptz NOT NULL,
    tool_name text NOT NULL,
    tool_type text NOT NULL,
    total bigint NOT NULL,
    success bigint NOT NULL,
    duration_ms bigint NOT NULL,
    timed bigint NOT NULL,
    last_at timestamptz NOT NULL
);

CREATE TABLE tool_scores (
    tool_name text NOT NULL,
    tool_type text NOT NULL,
    pairs bigint NOT NULL,
    score double precision NOT NULL,
    usage bigint NOT NULL,
    PRIMARY KEY (tool_name, tool_type)
);
COMMENT ON TABLE tool_scores IS 'Sums over keyword_tool_scores. A sum of scores is exact: each is a multiple of 2^-27.';
CREATE TABLE tool_score_changes (
    tool_name text NOT NULL,
    tool_type text NOT NULL,
    pairs bigint NOT NULL,
    score double precision NOT NULL,
    usage bigint NOT NULL
);
CREATE TABLE keywords (keyword text PRIMARY KEY, pairs bigint NOT NULL);
CREATE TABLE keyword_changes (keyword text NOT NULL, pairs bigint NOT NULL);

ALTER TABLE count_changes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE action_changes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE tool_score_changes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
ALTER TABLE keyword_changes SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

-- What a row counts as.

CREATE VIEW countable AS
SELECT 'projects' AS what, '' AS part, '' AS state, count(*) AS value FROM projects HAVING count(*) > 0
UNION ALL SELECT 'requests', '', coalesce(status, ''), count(*) FROM requests GROUP BY 3
UNION ALL SELECT 'subtasks', '', coalesce(status, ''), count(*) FROM subtasks GROUP BY 3
UNION ALL SELECT 'actions', '', '', count(*) FROM actions HAVING count(*) > 0
UNION ALL SELECT 'agent_messages', coalesce(topic, ''), CASE WHEN read_by = '{}' THEN 'unread' ELSE 'read' END, count(*)
    FROM agent_messages GROUP BY 2, 3
UNION ALL SELECT 'agent_contexts', agent_type, coalesce(role_context ->> 'status', ''), count(*)
    FROM agent_contexts GROUP BY 2, 3
UNION ALL SELECT 'sessions', '', CASE WHEN ended_at IS NULL THEN 'active' ELSE 'ended' END, count(*)
    FROM sessions GROUP BY 3
UNION ALL SELECT v.what, '', '', sum(v.value)::bigint
    FROM sessions, LATERAL (VALUES ('tools_used', total_tools_used), ('tools_success', total_success),
                                   ('tools_errors', total_errors)) AS v (what, value)
    GROUP BY 1 HAVING sum(v.value) <> 0;
COMMENT ON VIEW countable IS 'The truth that counts is kept to, by reading everything.';

-- One function a table: `taken` has the rows a statement took away, `brought` those it brought.

CREATE FUNCTION count_projects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO count_changes SELECT 'projects', '', '', count(*) FROM brought HAVING count(*) > 0;
    ELSE
        INSERT INTO count_changes SELECT 'projects', '', '', -count(*) FROM taken HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_statuses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO count_changes SELECT TG_TABLE_NAME, '', coalesce(status, ''), count(*) FROM brought GROUP BY 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO count_changes SELECT TG_TABLE_NAME, '', coalesce(status, ''), -count(*) FROM taken GROUP BY 3;
    ELSE
        INSERT INTO count_changes
        SELECT TG_TABLE_NAME, '', coalesce(status, ''), sum(value)
        FROM (SELECT status, 1 AS value FROM brought UNION ALL SELECT status, -1 FROM taken) AS moved
        GROUP BY 3 HAVING sum(value) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_messages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO count_changes
        SELECT 'agent_messages', coalesce(topic, ''), CASE WHEN read_by = '{}' THEN 'unread' ELSE 'read' END, count(*)
        FROM brought GROUP BY 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO count_changes
        SELECT 'agent_messages', coalesce(topic, ''), CASE WHEN read_by = '{}' THEN 'unread' ELSE 'read' END, -count(*)
        FROM taken GROUP BY 2, 3;
    ELSE
        INSERT INTO count_changes
        SELECT 'agent_messages', coalesce(topic, ''), CASE WHEN read_by = '{}' THEN 'unread' ELSE 'read' END, sum(value)
        FROM (SELECT topic, read_by, 1 AS value FROM brought
              UNION ALL SELECT topic, read_by, -1 FROM taken) AS moved
        GROUP BY 2, 3 HAVING sum(value) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_contexts() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO count_changes
        SELECT 'agent_contexts', agent_type, coalesce(role_context ->> 'status', ''), count(*) FROM brought GROUP BY 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO count_changes
        SELECT 'agent_contexts', agent_type, coalesce(role_context ->> 'status', ''), -count(*) FROM taken GROUP BY 2, 3;
    ELSE
        INSERT INTO count_changes
        SELECT 'agent_contexts', agent_type, coalesce(role_context ->> 'status', ''), sum(value)
        FROM (SELECT agent_type, role_context, 1 AS value FROM brought
              UNION ALL SELECT agent_type, role_context, -1 FROM taken) AS moved
        GROUP BY 2, 3 HAVING sum(value) <> 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_session_sums(ended boolean, used bigint, success bigint, errors bigint, sessions bigint)
    RETURNS TABLE (what text, part text, state text, value bigint) LANGUAGE sql IMMUTABLE AS $$
    SELECT v.what, '', v.state, v.value
    FROM (VALUES ('sessions', CASE WHEN ended THEN 'ended' ELSE 'active' END, sessions), ('tools_used', '', used),
                 ('tools_success', '', success), ('tools_errors', '', errors)) AS v (what, state, value)
    WHERE v.value <> 0
$$;

CREATE FUNCTION count_sessions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO count_changes
        SELECT s.* FROM (
            SELECT ended_at IS NOT NULL AS ended, sum(total_tools_used) AS used, sum(total_success) AS success,
                   sum(total_errors) AS errors, count(*) AS sessions FROM brought GROUP BY 1
        ) AS m, count_session_sums(m.ended, m.used, m.success, m.errors, m.sessions) AS s;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO count_changes
        SELECT s.* FROM (
            SELECT ended_at IS NOT NULL AS ended, -sum(total_tools_used) AS used, -sum(total_success) AS success,
                   -sum(total_errors) AS errors, -count(*) AS sessions FROM taken GROUP BY 1
        ) AS m, count_session_sums(m.ended, m.used, m.success, m.errors, m.sessions) AS s;
    ELSE
        INSERT INTO count_changes
        SELECT s.* FROM (
            SELECT ended, sum(sign * used)::bigint AS used, sum(sign * success)::bigint AS success,
                   sum(sign * errors)::bigint AS errors, sum(sign)::bigint AS sessions
            FROM (SELECT 1 AS sign, ended_at IS NOT NULL AS ended, total_tools_used AS used, total_success AS success,
                         total_errors AS errors FROM brought
                  UNION ALL SELECT -1, ended_at IS NOT NULL, total_tools_used, total_success, total_errors
                  FROM taken) AS moved
            GROUP BY 1
        ) AS m, count_session_sums(m.ended, m.used, m.success, m.errors, m.sessions) AS s;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_actions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP <> 'DELETE' THEN
        INSERT INTO action_changes
        SELECT session_id, date_trunc('hour', created_at, 'UTC'), tool_name, tool_type, count(*),
               count(*) FILTER (WHERE success), coalesce(sum(duration_ms), 0), count(duration_ms), max(created_at)
        FROM brought GROUP BY 1, 2, 3, 4;
        INSERT INTO count_changes SELECT 'actions', '', '', count(*) FROM brought HAVING count(*) > 0;
    END IF;
    IF TG_OP <> 'INSERT' THEN
        INSERT INTO action_changes
        SELECT session_id, date_trunc('hour', created_at, 'UTC'), tool_name, tool_type, -count(*),
               -count(*) FILTER (WHERE success), -coalesce(sum(duration_ms), 0), -count(duration_ms), '-infinity'
        FROM taken GROUP BY 1, 2, 3, 4;
        INSERT INTO count_changes SELECT 'actions', '', '', -count(*) FROM taken HAVING count(*) > 0;
    END IF;
    RETURN NULL;
END $$;

CREATE FUNCTION count_scores() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO tool_score_changes
        SELECT tool_name, tool_type, count(*), sum(score::double precision), sum(usage_count)
        FROM brought GROUP BY 1, 2;
        INSERT INTO keyword_changes SELECT keyword, count(*) FROM brought GROUP BY 1;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO tool_score_changes
        SELECT tool_name, tool_type, -count(*), -sum(score::double precision), -sum(usage_count)
        FROM taken GROUP BY 1, 2;
        INSERT INTO keyword_changes SELECT keyword, -count(*) FROM taken GROUP BY 1;
    ELSE
        INSERT INTO tool_score_changes
        SELECT tool_name, tool_type, sum(sign), sum(sign * score), sum(sign * usage_count)
        FROM (SELECT tool_name, tool_type, score::double precision, usage_count, 1 AS sign FROM brought
              UNION ALL SELECT tool_name, tool_type, score::double precision, usage_count, -1 FROM taken) AS moved
        GROUP BY 1, 2;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER count_inserted AFTER INSERT ON projects REFERENCING NEW TABLE AS brought
    FOR EACH STATEMENT EXECUTE FUNCTION count_projects();
CREATE TRIGGER count_deleted AFTER DELETE ON projects REFERENCING OLD TABLE AS taken
    FOR EACH STATEMENT EXECUTE FUNCTION count_projects();

DO $$
DECLARE
    kept record;
BEGIN
    FOR kept IN SELECT * FROM (VALUES
        ('requests', 'count_statuses'), ('subtasks', 'count_statuses'), ('agent_messages', 'count_messages'),
        ('agent_contexts', 'count_contexts'), ('sessions', 'count_sessions'), ('actions', 'count_actions'),
        ('keyword_tool_scores', 'count_scores')) AS v (name, counter)
    LOOP
        EXECUTE format('CREATE TRIGGER count_inserted AFTER INSERT ON %I REFERENCING NEW TABLE AS brought '
                       'FOR EACH STATEMENT EXECUTE FUNCTION %I()', kept.name, kept.counter);
        EXECUTE format('CREATE TRIGGER count_updated AFTER UPDATE ON %I '
                       'REFERENCING OLD TABLE AS taken NEW TABLE AS brought '
                       'FOR EACH STATEMENT EXECUTE FUNCTION %I()', kept.name, kept.counter);
        EXECUTE format('CREATE TRIGGER count_deleted AFTER DELETE ON %I REFERENCING OLD TABLE AS taken '
                       'FOR EACH STATEMENT EXECUTE FUNCTION %I()', kept.name, kept.counter);
    END LOOP;
END $$;

-- Folding and recounting. The caller of recount() holds the folding lock and a snapshot taken after it (REPEATABLE
-- READ), so that what commits meanwhile is neither read nor forgotten.

CREATE FUNCTION recount() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM count_changes;
    DELETE FROM action_changes;
    DELETE FROM tool_score_changes;
    DELETE FROM keyword_changes;
    DELETE FROM counts;
    DELETE FROM action_hours;
    DELETE FROM session_actions;
    DELETE FROM tool_scores;
    DELETE FROM keywords;
    INSERT INTO counts SELECT what, part, state, value FROM countable;
    INSERT INTO action_hours
    SELECT date_trunc('hour', created_at, 'UTC'), tool_name, tool_type, count(*), count(*) FILTER (WHERE success),
           coalesce(sum(duration_ms), 0), count(duration_ms)
    FROM actions GROUP BY 1, 2, 3;
    INSERT INTO session_actions
    SELECT session_id, count(*), count(*) FILTER (WHERE success), coalesce(sum(duration_ms), 0), count(duration_ms),
           max(created_at)
    FROM actions WHERE session_id IS NOT NULL GROUP BY 1;
    INSERT INTO tool_scores
    SELECT tool_name, tool_type, count(*), sum(score::double precision), sum(usage_count)
    FROM keyword_tool_scores GROUP BY 1, 2;
    INSERT INTO keywords SELECT keyword, count(*) FROM keyword_tool_scores GROUP BY 1;
    INSERT INTO counts SELECT 'keywords', '', '', count(*) FROM keywords HAVING count(*) > 0;
END $$;

SELECT recount();

-- Views: the figures as they are now, and the contract's view of a project on top of them.

CREATE VIEW counts_now AS
SELECT what, part, state, sum(value)::bigint AS value
FROM (SELECT * FROM counts UNION ALL SELECT * FROM count_changes) AS both_of_them
GROUP BY 1, 2, 3 HAVING sum(value) <> 0;

CREATE VIEW tool_scores_now AS
SELECT tool_name, tool_type, sum(pairs)::bigint AS pairs, sum(score) AS score, sum(usage)::bigint AS usage
FROM (SELECT * FROM tool_scores UNION ALL SELECT * FROM tool_score_changes) AS both_of_them
GROUP BY 1, 2 HAVING sum(pairs) > 0;

CREATE OR REPLACE VIEW v_project_stats AS
SELECT p.id AS project_id, p.name AS project_name, p.path,
       (SELECT count(*) FROM requests r WHERE r.project_id = p.id) AS total_requests,
       (SELECT count(*) FROM requests r JOIN task_lists t ON t.request_id = r.id
            JOIN subtasks s ON s.task_list_id = t.id WHERE r.project_id = p.id) AS total_subtasks,
       coalesce(a.total, 0)::bigint AS total_actions, coalesce(a.successful, 0)::bigint AS successful_actions,
       coalesce(a.avg_duration_ms, 0) AS avg_duration_ms, a.last_activity
FROM projects p
LEFT JOIN LATERAL (
    SELECT sum(x.total) AS total, sum(x.success) AS successful,
           (sum(x.duration_ms) / nullif(sum(x.timed), 0))::double precision AS avg_duration_ms,
           nullif(max(x.last_at), '-infinity') AS last_activity
    FROM (SELECT f.total, f.success, f.duration_ms, f.timed, f.last_at
          FROM sessions e JOIN session_actions f ON f.session_id = e.id WHERE e.project_id = p.id
          UNION ALL
          SELECT c.total, c.success, c.duration_ms, c.timed, c.last_at
          FROM action_changes c JOIN sessions e ON e.id = c.session_id WHERE e.project_id = p.id) AS x
) a ON true;

-- Indexes of the lists: what they filter by, then what they sort by.

DROP INDEX idx_actions_tool, idx_actions_tool_type;
CREATE INDEX idx_actions_tool ON actions (tool_name, created_at DESC);
CREATE INDEX idx_actions_tool_type ON actions (tool_type, created_at DESC);
CREATE INDEX idx_requests_created ON requests (created_at DESC);
CREATE INDEX idx_requests_project_created ON requests (project_id, created_at DESC);
CREATE INDEX idx_requests_status_created ON requests (status, created_at DESC);
CREATE INDEX idx_task_lists_created ON task_lists (created_at DESC);
CREATE INDEX idx_task_lists_status ON task_lists (status, created_at DESC);
CREATE INDEX idx_subtasks_created ON subtasks (created_at DESC);
CREATE INDEX idx_subtasks_status_created ON subtasks (status, created_at DESC);
CREATE INDEX idx_subtasks_type_created ON subtasks (agent_type, created_at DESC);
CREATE INDEX idx_messages_to_created ON agent_messages (to_agent_id, created_at DESC);
CREATE INDEX idx_contexts_updated ON agent_contexts (last_updated DESC);
CREATE INDEX idx_contexts_type_updated ON agent_contexts (agent_type, last_updated DESC);
CREATE INDEX idx_projects_updated ON projects (updated_at DESC);
CREATE INDEX idx_sessions_seen ON sessions (last_seen_at DESC, id);
CREATE INDEX idx_sessions_open_started ON sessions (started_at DESC) WHERE ended_at IS NULL;

CREATE VIEW actions_of_day AS
SELECT hour, tool_name, total, success FROM action_hours
WHERE hour > now() - interval '24 hours'
UNION ALL
SELECT hour, tool_name, total, success FROM action_changes
WHERE hour > now() - interval '24 hours'
UNION ALL
SELECT date_trunc('hour', created_at, 'UTC'), tool_name, count(*), count(*) FILTER (WHERE success) FROM actions
WHERE created_at > now() - interval '24 hours'
  AND created_at < date_trunc('hour', now() - interval '24 hours', 'UTC') + interval '1 hour'
GROUP BY 1, 2;
COMMENT ON VIEW actions_of_day IS
    'Actions of the last 24 hours: whole hours from the figures, the first, which the window cuts, from the rows.';
