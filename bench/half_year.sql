-- What half a year leaves behind besides `rows.sql`, and pruning takes away. One statement a title.

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

-- what WebSocket clients must not miss
INSERT INTO events (channel, event, session_id, data, created_at)
SELECT 'global', 'task.created', r.session_id, jsonb_build_object('id', r.id, 'session_id', r.session_id), r.created_at
FROM requests r ORDER BY r.created_at;

-- usage
INSERT INTO message_usage (message_id, session_id, model, created_at, input_tokens, output_tokens, cache_read_tokens,
                           cache_creation_tokens, cache_creation_1h_tokens)
SELECT 'msg-' || n || '-' || id, id, 'opus', started_at, 10, 200, 50000, 300, 0 FROM sessions, generate_series(1, 60) AS n;
