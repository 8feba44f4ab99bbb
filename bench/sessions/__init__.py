"""A generator of long sessions of Claude Code with facts planted in them."""
