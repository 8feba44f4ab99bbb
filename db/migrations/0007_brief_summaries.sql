ALTER TABLE briefs ADD COLUMN summary text;
COMMENT ON COLUMN briefs.summary IS 'What the client itself wrote of the compaction the brief was made for.';
