"""The WebSocket bridge: relays what Postgres tells."""
