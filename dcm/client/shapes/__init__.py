"""The shapes of what is sent and answered (contract, section 3). Times are ISO 8601 texts, ids UUIDs as text."""
