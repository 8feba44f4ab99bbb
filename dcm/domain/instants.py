"""Moments as the contract writes them."""

from datetime import UTC, datetime


def instant(moment: datetime) -> str:
    """ISO 8601, UTC, milliseconds, Z: `2026-01-31T09:30:00.250Z`."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def as_instant(text: str) -> str:
    """The same for a moment that is told in another form of ISO 8601."""
    return instant(datetime.fromisoformat(text))
