"""Exports as the client sends them, in JSON."""

from typing import Any

NOW = 1_795_262_400_000_000_000
"""2026-11-21 12:00 UTC in nanoseconds."""


def attribute(name: str, value: Any) -> dict[str, Any]:
    kinds = {bool: "boolValue", int: "intValue", float: "doubleValue"}
    return {"key": name, "value": {kinds.get(type(value), "stringValue"): value}}


def log(name: str, number: int = 0, session: str = "s1", **told: Any) -> dict[str, Any]:
    """The number-th log record of a client, one second after the one before."""
    given = {"session.id": session, "event.name": name, "event.sequence": number, **told}
    return {
        "timeUnixNano": str(NOW + number * 1_000_000_000),
        "body": {"stringValue": f"claude_code.{name}"},
        "attributes": [attribute(key, value) for key, value in given.items()],
    }


def point(name: str, value: float, session: str = "s1", start: int = 0, end: int = 60, **told: Any) -> Any:
    """(metric, data point); `start` and `end` are in seconds."""
    given = {"session.id": session, "model": "claude-opus-5[1m]", "query_source": "main", **told}
    return f"claude_code.{name}", {
        "attributes": [attribute(key, value) for key, value in given.items()],
        "startTimeUnixNano": str(NOW + start * 1_000_000_000),
        "timeUnixNano": str(NOW + end * 1_000_000_000),
        "asDouble": value,
    }


def export_logs(*records: Any) -> dict[str, Any]:
    return {"resourceLogs": [{"resource": {}, "scopeLogs": [{"scope": {}, "logRecords": list(records)}]}]}


def export_metrics(*points: Any, temporality: int = 1) -> dict[str, Any]:
    """An export; temporality 1 is delta, 2 cumulative."""
    metrics = [
        {"name": name, "sum": {"aggregationTemporality": temporality, "isMonotonic": True, "dataPoints": [found]}}
        for name, found in points
    ]
    return {"resourceMetrics": [{"resource": {}, "scopeMetrics": [{"scope": {}, "metrics": metrics}]}]}
