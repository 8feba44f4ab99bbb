ALTER TABLE briefs ADD COLUMN imported boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN briefs.imported IS 'Came from an export: it is shown, and never given to a conversation.';
