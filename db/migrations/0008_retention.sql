-- How long things are kept: days of a project's own, what is cut out of a month while it is written to, the log of
-- prunings, and which sessions were deleted.

ALTER TABLE projects ADD COLUMN keep_days integer CHECK (keep_days BETWEEN 0 AND 36500);
COMMENT ON COLUMN projects.keep_days IS 'Days for all that belongs to it; 0 for ever, null as the settings say.';

-- Input and output are gzipped before they come here when they are long: Postgres need not try again.

ALTER TABLE actions ALTER COLUMN input SET STORAGE EXTERNAL, ALTER COLUMN output SET STORAGE EXTERNAL;

CREATE UNLOGGED TABLE kept_projects (project_id uuid PRIMARY KEY, since timestamptz NOT NULL);
CREATE UNLOGGED TABLE kept_sessions (session_id text PRIMARY KEY, since timestamptz NOT NULL);
COMMENT ON TABLE kept_sessions IS
    'While one prunes: since when that is kept which belongs to sessions of projects with days of their own.';

CREATE UNLOGGED TABLE month_changes (ref uuid NOT NULL, at timestamptz NOT NULL);
COMMENT ON TABLE month_changes IS 'Rows of a month that were written or deleted while the month was copied.';

CREATE FUNCTION note_month_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changed record := CASE TG_OP WHEN 'DELETE' THEN OLD ELSE NEW END;
BEGIN
    IF TG_ARGV[0] = 'id' THEN
        INSERT INTO month_changes VALUES (changed.id, changed.created_at);
    ELSE
        INSERT INTO month_changes VALUES (changed.ref, changed.at);
    END IF;
    RETURN NULL;
END $$;

CREATE TABLE prunings (
    id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    older_than_days integer,
    project_path text,
    dry_run boolean NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    began_at timestamptz,
    ended_at timestamptz,
    stage text NOT NULL DEFAULT 'waiting',
    rows jsonb NOT NULL DEFAULT '{}',
    bytes bigint NOT NULL DEFAULT 0,
    problem text
);
COMMENT ON COLUMN prunings.rows IS 'Rows that went, or would go, by table.';

CREATE TABLE forgotten_sessions (session_id text PRIMARY KEY, forgotten_at timestamptz NOT NULL DEFAULT now());
COMMENT ON TABLE forgotten_sessions IS
    'Deleted sessions: what a late hook or a transcript tells of the time before stays deleted.';

-- Months are made beside who reads and writes: attaching a table locks out neither, as PARTITION OF would.

CREATE FUNCTION ensure_month_of(parent text, moment timestamptz) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    first_day timestamptz := date_trunc('month', moment AT TIME ZONE 'UTC') AT TIME ZONE 'UTC';
    next_first timestamptz := (date_trunc('month', moment AT TIME ZONE 'UTC') + interval '1 month') AT TIME ZONE 'UTC';
    month text := format('%I', parent || '_' || to_char(moment AT TIME ZONE 'UTC', 'YYYYMM'));
BEGIN
    IF to_regclass(month) IS NOT NULL THEN
        RETURN;
    END IF;
    EXECUTE format('LOCK TABLE ONLY %I IN SHARE UPDATE EXCLUSIVE MODE', parent);
    IF to_regclass(month) IS NULL THEN
        EXECUTE format(
            'CREATE TABLE %s (LIKE %I INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED '
            'INCLUDING STORAGE INCLUDING COMPRESSION)', month, parent
        );
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       parent, month, first_day, next_first);
    END IF;
END $$;
COMMENT ON FUNCTION ensure_month_of IS
    'Call it for each table in a transaction of its own: a month of actions waits for writers of subtasks.';

CREATE OR REPLACE FUNCTION ensure_month(moment timestamptz) RETURNS void LANGUAGE sql AS $$
    SELECT ensure_month_of(parent, moment) FROM unnest(ARRAY['actions', 'hook_events', 'search_entries']) AS parent;
$$;

CREATE OR REPLACE FUNCTION keep_search_entry(entry_kind text, entry_ref uuid, session text, made_at timestamptz, said text)
    RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM ensure_month_of('search_entries', made_at);
    DELETE FROM search_entries WHERE kind = entry_kind AND ref = entry_ref AND kind <> 'action';
    INSERT INTO search_entries (kind, ref, session_id, at, words)
    VALUES (entry_kind, entry_ref, session, made_at, search_words(left(said, 8000)));
END $$;
