-- What so many busy days leave behind, in proportion to the number of actions. One statement a title;
-- `measure/rows.py` runs them, those that name a part for each.

-- months
SELECT ensure_month(now() - make_interval(days => n)) FROM generate_series(0, %(days)s + 1) AS n;

-- projects
INSERT INTO projects (path, name, created_at, updated_at)
SELECT '/home/someone/project' || n, 'project' || n, now() - make_interval(days => %(days)s),
       now() - make_interval(hours => n)
FROM generate_series(1, 40) AS n;

-- sessions: the first project has half of them
INSERT INTO sessions (id, project_id, started_at, ended_at, total_tools_used, total_success, total_errors, last_seen_at,
                      last_active_at, cwd, model, source)
SELECT 'session-' || n, p.id, s.at, CASE WHEN n > 20 THEN s.at + interval '2 hours' END, 200, 190, 10,
       s.at + interval '2 hours', s.at + interval '2 hours', p.path, 'opus', 'startup'
FROM generate_series(1, greatest(%(actions)s / 200, 20)) AS n
CROSS JOIN LATERAL (SELECT now() - interval '2 hours' - make_interval(days => %(days)s) * (n * 200.0 / %(actions)s) AS at) AS s
JOIN projects p ON p.path = '/home/someone/project' || CASE WHEN mod(n, 2) = 0 THEN 1 ELSE 1 + mod(n, 40) END;

-- requests: six a session
INSERT INTO requests (project_id, session_id, prompt, prompt_type, status, created_at, completed_at)
SELECT s.project_id, s.id, 'make part ' || n || ' of the shop faster and say what was slow about it',
       (ARRAY['feature', 'debug', 'refactor', 'other'])[1 + mod(n, 4)],
       CASE WHEN n = 6 AND s.ended_at IS NULL THEN 'active' ELSE 'completed' END,
       s.started_at + make_interval(mins => n * 18), s.started_at + make_interval(mins => n * 18 + 15)
FROM sessions s, generate_series(1, 6) AS n;

-- waves: one of three requests has one
INSERT INTO task_lists (request_id, name, wave_number, status, created_at)
SELECT id, 'Wave 0', 0, CASE status WHEN 'active' THEN 'running' ELSE 'completed' END, created_at
FROM requests WHERE mod(hashtext(id::text), 3) = 0;

-- subtasks: two a wave
INSERT INTO subtasks (task_list_id, agent_type, agent_id, description, status, created_at, started_at, completed_at,
                      session_id, last_seen_at, result)
SELECT t.id, (ARRAY['Explore', 'Plan', 'general-purpose', 'reviewer'])[1 + mod(abs(hashtext(t.id::text)) + n, 4)],
       'agent-' || left(t.id::text, 8) || n, 'find what is slow in part ' || n,
       CASE WHEN t.status = 'running' THEN 'running' WHEN mod(abs(hashtext(t.id::text)), 20) = 0 THEN 'failed'
            ELSE 'completed' END,
       t.created_at, t.created_at, CASE WHEN t.status <> 'running' THEN t.created_at + interval '9 minutes' END,
       r.session_id, t.created_at + interval '9 minutes', '{"summary": "three queries are slow"}'
FROM task_lists t JOIN requests r ON r.id = t.request_id, generate_series(1, 2) AS n;

-- actions: a third of a session's are of its subagents, if it has any
INSERT INTO actions (subtask_id, tool_name, tool_type, input, output, file_paths, duration_ms, created_at, session_id,
                     tool_use_id, success, exit_code, summary)
SELECT CASE WHEN mod(n, 3) = 0 THEN t.ids[1 + mod(n / 3, cardinality(t.ids))] END,
       (ARRAY['Bash', 'Read', 'Edit', 'Grep', 'Bash', 'Read', 'Edit', 'Write', 'Glob', 'mcp__db__query'])[1 + mod(n, 10)],
       CASE WHEN mod(n, 10) = 9 THEN 'mcp' ELSE 'builtin' END,
       convert_to('{"command": "pytest -q tests/part' || mod(n, 977) || '.py"}', 'UTF8'),
       convert_to(repeat('what a command of ordinary length prints ', 8), 'UTF8'),
       ARRAY['/home/someone/shop/part' || mod(n, 977) || '.py'], 20 + mod(n, 4000),
       s.started_at + interval '2 hours' * (k / 200.0), s.id, 'toolu_' || n, mod(n, 20) <> 0,
       CASE WHEN mod(n, 20) = 0 THEN 1 ELSE 0 END, 'run the tests of part ' || mod(n, 977)
FROM (SELECT id, started_at, row_number() OVER (ORDER BY started_at) - 1 AS place FROM sessions) AS s
LEFT JOIN LATERAL (SELECT array_agg(x.id) AS ids FROM subtasks x WHERE x.session_id = s.id) AS t ON true,
     generate_series(1, 200) AS k, LATERAL (SELECT (s.place * 200 + k)::int AS n) AS numbered
WHERE mod(s.place, %(parts)s) = %(part)s;

-- words of the actions, for the search
INSERT INTO search_entries (kind, ref, session_id, at, words)
SELECT 'action', id, session_id, created_at, search_words(concat_ws(' ', tool_name, summary, file_paths[1]))
FROM actions WHERE mod(substr(session_id, 9)::int, %(parts)s) = %(part)s;

-- messages
INSERT INTO agent_messages (project_id, from_agent_id, to_agent_id, message_type, topic, payload, read_by, created_at,
                            expires_at)
SELECT p.id, 'agent-' || mod(n, 500), CASE WHEN mod(n, 3) > 0 THEN 'agent-' || mod(n * 7, 500) END, 'notification',
       (ARRAY['task.created', 'agent.completed', 'context.request', 'workflow.progress'])[1 + mod(n, 4)],
       '{"message": "three queries are slow"}', CASE WHEN mod(n, 2) = 0 THEN '{agent-1}'::text[] ELSE '{}' END,
       now() - make_interval(days => %(days)s) * (n / (%(actions)s / 10.0)), now() + interval '1 day'
FROM generate_series(1, %(actions)s / 10) AS n JOIN projects p ON p.path = '/home/someone/project' || (1 + mod(n, 40));

-- contexts of agents
INSERT INTO agent_contexts (project_id, agent_id, agent_type, role_context, tools_used, progress_summary, session_id,
                            last_updated)
SELECT s.project_id, 'context-' || t.agent_id, t.agent_type, jsonb_build_object('status', t.status, 'session_id', s.id),
       '{Bash,Read,Grep}', t.description, s.id, t.last_seen_at
FROM subtasks t JOIN sessions s ON s.id = t.session_id ORDER BY t.created_at DESC LIMIT %(actions)s / 200;

-- keyword scores: a keyword leads to five tools
INSERT INTO keyword_tool_scores (keyword, tool_name, tool_type, score, usage_count, success_count)
SELECT 'word' || k, tool, CASE WHEN tool LIKE 'mcp%%' THEN 'mcp' ELSE 'builtin' END, 0.1 + mod(k, 49) / 10.0,
       1 + mod(k, 90), mod(k, 90)
FROM generate_series(1, greatest(%(actions)s / 50, 100)) AS k,
     unnest(ARRAY['Bash', 'Read', 'Edit', 'Grep', 'mcp__db__query' || mod(k, 60)]) AS tool;

-- subscriptions and blocks
INSERT INTO subscriptions (agent_id, topic) SELECT 'agent-' || n, 'task.created' FROM generate_series(1, 500) AS n;
