"""What a session's events and transcript tell, one kind of fact a module. Pure: calls and texts come in."""
