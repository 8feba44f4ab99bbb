"""Moments as the contract writes them."""

from datetime import UTC, datetime


def instant(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds, Z: `2026-01-31T09:30:00.250Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def plain(value: object) -> str:
    """The text in JSON of what JSON has no form for: a moment as the contract writes it, anything else as it prints."""
    return instant(value) if isinstance(value, datetime) else str(value)


def as_instant(text: str) -> str:
    """The same for a moment that is told in another form of ISO 8601."""
    return instant(datetime.fromisoformat(text))
