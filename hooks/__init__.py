"""What Claude Code runs: the hook table and one small client."""
