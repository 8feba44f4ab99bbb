-- What half a year leaves behind, in proportion to the number of actions. One statement a title, run for each sixth; bench/prune.py runs them.

-- months
SELECT ensure_month(now() - make_interval(days => n)) FROM generate_series(0, 182) AS n;

-- projects
INSERT INTO projects (path, name) SELECT '/home/someone/project' || n, 'project' || n FROM generate_series(1, 40) AS n;

-- sessions
INSERT INTO sessions (id, project_id, started_at, ended_at, total_tools_used, total_success, total_errors, last_seen_at,
                      last_active_at, cwd, model, source)
SELECT 'session-' || n, p.id, s.at, s.at + interval '2 hours', 200, 190, 10, s.at + interval '2 hours',
       s.at + interval '2 hours', p.path, 'opus', 'startup'
FROM generate_series(1, %(actions)s / 200) AS n
CROSS JOIN LATERAL (SELECT now() - interval '2 hours' - interval '180 days' * (n * 200.0 / %(actions)s) AS at) AS s
JOIN projects p ON p.path = '/home/someone/project' || 1 + mod(n, 40);

-- requests
INSERT INTO requests (project_id, session_id, prompt, prompt_type, status, created_at, completed_at)
SELECT s.project_id, s.id, 'make part ' || n || ' of the shop faster and say what was slow about it', 'feature',
       'completed', s.started_at + make_interval(mins => n * 18), s.started_at + make_interval(mins => n * 18 + 15)
FROM sessions s, generate_series(1, 6) AS n;

-- waves
INSERT INTO task_lists (request_id, name, wave_number, status, created_at)
SELECT id, 'Wave 0', 0, 'completed', created_at FROM requests WHERE mod(hashtext(id::text), 3) = 0;

-- subtasks
INSERT INTO subtasks (task_list_id, agent_type, agent_id, description, status, created_at, started_at, completed_at,
                      session_id, last_seen_at, result)
SELECT t.id, 'Explore', 'agent-' || left(t.id::text, 8) || n, 'find what is slow in part ' || n, 'completed',
       t.created_at, t.created_at, t.created_at + interval '9 minutes', r.session_id,
       t.created_at + interval '9 minutes', '{"summary": "three queries are slow"}'
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
WHERE mod(s.place, 6) = %(part)s;

-- words of the actions
INSERT INTO search_entries (kind, ref, session_id, at, words)
SELECT 'action', id, session_id, created_at, search_words(concat_ws(' ', tool_name, summary, file_paths[1]))
FROM actions WHERE mod(substr(session_id, 9)::int, 6) = %(part)s;

-- hook events: twelve a session
INSERT INTO hook_events (id, session_id, event, event_key, prompt_id, created_at, payload)
SELECT gen_random_uuid(), s.id, (ARRAY['UserPromptSubmit', 'Stop'])[1 + mod(n, 2)], md5(s.id || n), md5(s.id || n / 2),
       s.started_at + make_interval(mins => n * 9),
       jsonb_build_object('session_id', s.id, 'hook_event_name', 'Stop', 'cwd', s.cwd, 'prompt', repeat('make it faster ', 20))
FROM sessions s, generate_series(1, 12) AS n;

-- briefs
INSERT INTO briefs (session_id, made_for, created_at, trigger, content, snapshot)
SELECT id, last_seen_at, last_seen_at, 'auto', repeat(md5(id), 240), jsonb_build_object('facts', repeat(md5(id), 200))
FROM sessions;

-- messages
INSERT INTO agent_messages (project_id, from_agent_id, message_type, topic, payload, created_at, session_id)
SELECT project_id, 'agent-1', 'notification', 'task.created', '{"message": "three queries are slow"}', started_at, id
FROM sessions, generate_series(1, 4);

-- what WebSocket clients must not miss
INSERT INTO events (channel, event, session_id, data, created_at)
SELECT 'global', 'task.created', r.session_id, jsonb_build_object('id', r.id, 'session_id', r.session_id), r.created_at
FROM requests r ORDER BY r.created_at;

-- usage
INSERT INTO message_usage (message_id, session_id, model, created_at, input_tokens, output_tokens, cache_read_tokens,
                           cache_creation_tokens, cache_creation_1h_tokens)
SELECT 'msg-' || n || '-' || id, id, 'opus', started_at, 10, 200, 50000, 300, 0 FROM sessions, generate_series(1, 60) AS n;
