-- The schema of the contract: projects, sessions, requests, waves, subtasks, tool calls, messages, contexts.

CREATE TABLE projects (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    path text NOT NULL UNIQUE,
    name text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}'
);
COMMENT ON COLUMN projects.path IS
    'The main working tree of the repository, whatever worktree or subfolder a session runs in; the folder itself outside git.';

CREATE TABLE sessions (
    id text PRIMARY KEY,
    project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
    started_at timestamptz NOT NULL DEFAULT now(),
    ended_at timestamptz,
    total_tools_used integer NOT NULL DEFAULT 0,
    total_success integer NOT NULL DEFAULT 0,
    total_errors integer NOT NULL DEFAULT 0,
    last_seen_at timestamptz NOT NULL DEFAULT now(),
    last_active_at timestamptz,
    cwd text,
    cwd_at timestamptz,
    worktree text,
    transcript_path text,
    transcript_path_at timestamptz,
    model text,
    model_at timestamptz,
    source text,
    source_at timestamptz,
    end_reason text,
    end_reason_at timestamptz,
    context_bytes bigint,
    proactive_snapshot_at timestamptz
);
COMMENT ON COLUMN sessions.cwd IS 'The working folder as the client gave it.';
COMMENT ON COLUMN sessions.cwd_at IS 'When the event that told it came: the latest wins, whatever order they are written in.';
COMMENT ON COLUMN sessions.worktree IS 'The root of the working tree that cwd lies in; differs from the project path in a git worktree.';

CREATE FUNCTION later(known text, known_at timestamptz, told text, told_at timestamptz) RETURNS text
    LANGUAGE sql IMMUTABLE
    RETURN CASE WHEN told_at >= coalesce(known_at, '-infinity') OR known IS NULL THEN coalesce(told, known) ELSE known END;

CREATE TABLE requests (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
    session_id text NOT NULL,
    prompt text NOT NULL,
    prompt_type text,
    status text NOT NULL DEFAULT 'active',
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz,
    metadata jsonb NOT NULL DEFAULT '{}',
    prompt_id text
);

CREATE TABLE task_lists (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    request_id uuid REFERENCES requests (id) ON DELETE CASCADE,
    name text,
    wave_number integer NOT NULL DEFAULT 0,
    status text NOT NULL DEFAULT 'pending',
    created_at timestamptz NOT NULL DEFAULT now(),
    completed_at timestamptz
);

CREATE TABLE subtasks (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    task_list_id uuid REFERENCES task_lists (id) ON DELETE CASCADE,
    agent_type text,
    agent_id text,
    description text,
    status text NOT NULL DEFAULT 'pending',
    blocked_by uuid[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    started_at timestamptz,
    completed_at timestamptz,
    context_snapshot jsonb,
    result jsonb,
    session_id text,
    tool_use_id text,
    resumed_at timestamptz,
    last_seen_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON COLUMN subtasks.resumed_at IS 'The latest start: a subagent may be started again after it ended.';

CREATE TABLE actions (
    id uuid NOT NULL DEFAULT gen_random_uuid(),
    subtask_id uuid REFERENCES subtasks (id) ON DELETE CASCADE,
    tool_name text NOT NULL,
    tool_type text NOT NULL,
    input bytea,
    output bytea,
    file_paths text[] NOT NULL DEFAULT '{}',
    exit_code integer NOT NULL DEFAULT 0,
    duration_ms integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    metadata jsonb NOT NULL DEFAULT '{}',
    session_id text,
    tool_use_id text,
    prompt_id text,
    agent_id text,
    success boolean NOT NULL DEFAULT true,
    error text,
    summary text NOT NULL DEFAULT '',
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);

CREATE TABLE hook_events (
    id uuid NOT NULL,
    session_id text NOT NULL,
    event text NOT NULL,
    event_key text NOT NULL,
    agent_id text,
    prompt_id text,
    tool_use_id text,
    created_at timestamptz NOT NULL,
    payload jsonb NOT NULL,
    PRIMARY KEY (id, created_at)
) PARTITION BY RANGE (created_at);
COMMENT ON TABLE hook_events IS
    'Every hook event that is not a finished tool call, as it came; a PreToolUse stays until its tool call ends.';

CREATE TABLE agent_contexts (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
    agent_id text NOT NULL,
    agent_type text NOT NULL,
    role_context jsonb NOT NULL,
    skills_to_restore text[],
    tools_used text[],
    progress_summary text,
    last_updated timestamptz NOT NULL DEFAULT now(),
    session_id text,
    UNIQUE NULLS NOT DISTINCT (project_id, agent_id)
);

CREATE TABLE briefs (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    session_id text NOT NULL,
    made_for timestamptz NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    trigger text NOT NULL,
    content text NOT NULL,
    snapshot jsonb NOT NULL,
    subject text NOT NULL DEFAULT 'main',
    given_at timestamptz,
    settled_at timestamptz,
    UNIQUE (session_id, made_for)
);
COMMENT ON COLUMN briefs.subject IS 'Whose compaction it was made for: main, subagent or unknown.';
COMMENT ON COLUMN briefs.settled_at IS 'When the compaction it was made for was seen to be over.';
COMMENT ON COLUMN briefs.made_for IS 'When the compaction it was made for began; it holds everything of the session up to then.';

CREATE TABLE agent_messages (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    project_id uuid REFERENCES projects (id) ON DELETE CASCADE,
    from_agent_id text,
    to_agent_id text,
    message_type text NOT NULL,
    topic text,
    payload jsonb NOT NULL,
    priority integer NOT NULL DEFAULT 0,
    read_by text[] NOT NULL DEFAULT '{}',
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    session_id text
);

CREATE TABLE subscriptions (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    agent_id text NOT NULL,
    topic text NOT NULL,
    callback_url text,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (agent_id, topic)
);

CREATE TABLE blocked_agents (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    blocked_by text NOT NULL,
    blocked_agent text NOT NULL,
    reason text,
    created_at timestamptz NOT NULL DEFAULT now(),
    UNIQUE (blocked_by, blocked_agent)
);

CREATE TABLE events (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    channel text NOT NULL,
    event text NOT NULL,
    session_id text,
    data jsonb NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE events IS 'What a WebSocket client must not miss, in the order of commit: it resumes after the last id it saw.';

CREATE TABLE keyword_tool_scores (
    id serial PRIMARY KEY,
    keyword text NOT NULL,
    tool_name text NOT NULL,
    tool_type text NOT NULL,
    score real NOT NULL DEFAULT 1.0,
    usage_count integer NOT NULL DEFAULT 1,
    success_count integer NOT NULL DEFAULT 1,
    last_used timestamptz NOT NULL DEFAULT now(),
    UNIQUE (keyword, tool_name)
);

CREATE TABLE rejected_events (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    entry_id text NOT NULL UNIQUE,
    session_id text,
    event text,
    reason text NOT NULL,
    payload text NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE rejected_events IS 'Accepted events the database refused, with the reason: nothing that was accepted is dropped.';

CREATE TABLE schema_version (
    version text PRIMARY KEY,
    applied_at timestamptz NOT NULL DEFAULT now()
);
INSERT INTO schema_version (version) VALUES ('2.0.0');

-- Partitions by month, so that retention can drop them.

CREATE FUNCTION ensure_month(moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamptz := date_trunc('month', moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    next_first timestamptz := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    suffix text := to_char(moment AT TIME ZONE 'UTC', 'YYYYMM');
    parent text;
BEGIN
    FOREACH parent IN ARRAY ARRAY['actions', 'hook_events'] LOOP
        IF to_regclass(format('%I', parent || '_' || suffix)) IS NULL THEN
            EXECUTE format(
                'CREATE TABLE IF NOT EXISTS %I PARTITION OF %I FOR VALUES FROM (%L) TO (%L)',
                parent || '_' || suffix, parent, first_day, next_first
            );
        END IF;
    END LOOP;
END $$;

SELECT ensure_month(now()), ensure_month(now() + interval '1 month');

-- Indexes.

CREATE INDEX idx_requests_project ON requests (project_id);
CREATE INDEX idx_requests_session ON requests (session_id, created_at DESC);
CREATE INDEX idx_requests_status ON requests (status);
CREATE INDEX idx_task_lists_request ON task_lists (request_id);
CREATE INDEX idx_subtasks_status ON subtasks (status);
CREATE INDEX idx_subtasks_agent ON subtasks (agent_type, agent_id);
CREATE INDEX idx_subtasks_task_list ON subtasks (task_list_id);
CREATE INDEX idx_subtasks_session ON subtasks (session_id);
CREATE INDEX idx_actions_tool ON actions (tool_name);
CREATE INDEX idx_actions_created ON actions (created_at DESC);
CREATE INDEX idx_actions_subtask ON actions (subtask_id) WHERE subtask_id IS NOT NULL;
CREATE INDEX idx_actions_tool_type ON actions (tool_type);
CREATE INDEX idx_actions_session ON actions (session_id, created_at DESC);
CREATE INDEX idx_actions_tool_use ON actions (tool_use_id) WHERE tool_use_id IS NOT NULL;
CREATE INDEX idx_hook_events_session ON hook_events (session_id, event, created_at DESC);
CREATE INDEX idx_hook_events_key ON hook_events (event_key);
CREATE INDEX idx_hook_events_open_tool ON hook_events (tool_use_id) WHERE event = 'PreToolUse';
CREATE INDEX idx_messages_project ON agent_messages (project_id);
CREATE INDEX idx_messages_to ON agent_messages (to_agent_id);
CREATE INDEX idx_messages_topic ON agent_messages (topic);
CREATE INDEX idx_messages_created ON agent_messages (created_at DESC);
CREATE INDEX idx_messages_expires ON agent_messages (expires_at);
CREATE INDEX idx_keyword_scores ON keyword_tool_scores (keyword);
CREATE INDEX idx_keyword_tool ON keyword_tool_scores (tool_name);
CREATE INDEX idx_contexts_agent ON agent_contexts (project_id, agent_type);
CREATE INDEX idx_contexts_agent_id ON agent_contexts (agent_id);
CREATE INDEX idx_sessions_project ON sessions (project_id);
CREATE INDEX idx_sessions_started ON sessions (started_at DESC);
CREATE INDEX idx_sessions_active ON sessions (last_seen_at DESC) WHERE ended_at IS NULL;
CREATE INDEX idx_projects_metadata ON projects USING gin (metadata);
CREATE INDEX idx_requests_metadata ON requests USING gin (metadata);
CREATE INDEX idx_actions_metadata ON actions USING gin (metadata);
CREATE INDEX idx_messages_payload ON agent_messages USING gin (payload);
CREATE INDEX idx_contexts_role ON agent_contexts USING gin (role_context);

-- Triggers.

CREATE FUNCTION update_updated_at_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.updated_at = now();
    RETURN NEW;
END $$;

CREATE FUNCTION update_last_updated_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.last_updated = now();
    RETURN NEW;
END $$;

CREATE TRIGGER update_projects_updated_at BEFORE UPDATE ON projects
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_subscriptions_updated_at BEFORE UPDATE ON subscriptions
    FOR EACH ROW EXECUTE FUNCTION update_updated_at_column();
CREATE TRIGGER update_contexts_updated_at BEFORE UPDATE ON agent_contexts
    FOR EACH ROW EXECUTE FUNCTION update_last_updated_column();

-- Views.

CREATE VIEW v_actions_full AS
SELECT a.id AS action_id, a.tool_name, a.tool_type, a.exit_code, a.duration_ms, a.file_paths,
       a.created_at AS action_created_at, a.subtask_id, s.agent_type, coalesce(a.agent_id, s.agent_id) AS agent_id,
       s.description AS subtask_description, s.status AS subtask_status,
       t.id AS task_list_id, t.name AS task_list_name, t.wave_number,
       r.id AS request_id, r.prompt, r.prompt_type, coalesce(a.session_id, r.session_id) AS session_id,
       p.id AS project_id, p.path AS project_path, p.name AS project_name
FROM actions a
LEFT JOIN subtasks s ON s.id = a.subtask_id
LEFT JOIN task_lists t ON t.id = s.task_list_id
LEFT JOIN requests r ON r.id = t.request_id
LEFT JOIN sessions e ON e.id = a.session_id
LEFT JOIN projects p ON p.id = coalesce(e.project_id, r.project_id);

CREATE VIEW v_active_agents AS
SELECT s.id AS subtask_id, p.id AS project_id, p.name AS project_name, p.path AS project_path,
       s.agent_type, s.agent_id, s.status, s.description, s.started_at, s.created_at,
       r.session_id, r.id AS request_id,
       (SELECT count(*) FROM actions a WHERE a.subtask_id = s.id) AS actions_count
FROM subtasks s
JOIN task_lists t ON t.id = s.task_list_id
JOIN requests r ON r.id = t.request_id
LEFT JOIN projects p ON p.id = r.project_id
WHERE s.status IN ('running', 'paused', 'blocked');

CREATE VIEW v_unread_messages AS
SELECT m.*, p.name AS project_name
FROM agent_messages m
LEFT JOIN projects p ON p.id = m.project_id
WHERE (m.expires_at IS NULL OR m.expires_at > now()) AND m.read_by = '{}'
ORDER BY m.created_at DESC;

CREATE VIEW v_project_stats AS
SELECT p.id AS project_id, p.name AS project_name, p.path,
       (SELECT count(*) FROM requests r WHERE r.project_id = p.id) AS total_requests,
       (SELECT count(*) FROM requests r JOIN task_lists t ON t.request_id = r.id
            JOIN subtasks s ON s.task_list_id = t.id WHERE r.project_id = p.id) AS total_subtasks,
       coalesce(a.total, 0) AS total_actions, coalesce(a.successful, 0) AS successful_actions,
       coalesce(a.avg_duration_ms, 0) AS avg_duration_ms, a.last_activity
FROM projects p
LEFT JOIN LATERAL (
    SELECT count(*) AS total, count(*) FILTER (WHERE x.success) AS successful,
           avg(x.duration_ms)::double precision AS avg_duration_ms, max(x.created_at) AS last_activity
    FROM sessions e JOIN actions x ON x.session_id = e.id WHERE e.project_id = p.id
) a ON true;
