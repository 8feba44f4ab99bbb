"""Writing batches of events."""

from datetime import UTC, datetime, timedelta
from typing import Any

from db.pool import Conn
from dcm.domain.hook_events import HookEvent, parse
from workers.batch import Written, write

BEGAN = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)


def event(number: int, name: str, session: str = "s1", **fields: Any) -> HookEvent:
    """The number-th event, one second after the one before."""
    payload = {"session_id": session, "hook_event_name": name, **fields}
    return parse(f"{number}-0", BEGAN + timedelta(seconds=number), payload)


def tool(number: int, command: str = "ls", *, error: str | None = None, **fields: Any) -> HookEvent:
    """A finished Bash call."""
    ended = {"error": error} if error is not None else {"tool_response": {"stdout": "done"}}
    return event(
        number,
        "PostToolUse" if error is None else "PostToolUseFailure",
        tool_name="Bash",
        tool_input={"command": command},
        tool_use_id=fields.pop("tool_use_id", f"toolu_{number}"),
        **ended,
        **fields,
    )


def store(conn: Conn, *events: HookEvent) -> Written:
    """Write a batch."""
    return write(conn, list(events), 3_600_000)


def rows(conn: Conn, query: str) -> list[tuple[Any, ...]]:
    """What a query gives."""
    return conn.execute(query.encode()).fetchall()


def test_a_finished_tool_call_is_one_action_counted_once_in_its_session(conn: Conn) -> None:
    store(conn, tool(1), tool(2, error="Exit code 2\nno such file"))
    assert rows(conn, "SELECT tool_name, success, exit_code FROM actions ORDER BY created_at") == [
        ("Bash", True, 0),
        ("Bash", False, 2),
    ]
    assert rows(conn, "SELECT total_tools_used, total_success, total_errors FROM sessions") == [(2, 1, 1)]


def test_the_same_event_delivered_again_changes_nothing(conn: Conn) -> None:
    batch = [tool(1, "pytest -q"), event(2, "Notification", message="look"), event(3, "SessionEnd", reason="other")]
    store(conn, *batch)
    before = rows(conn, "SELECT * FROM sessions") + rows(conn, "SELECT * FROM keyword_tool_scores")
    store(conn, *batch)
    store(conn, *batch[::-1])
    assert rows(conn, "SELECT count(*) FROM actions") == [(1,)]
    assert rows(conn, "SELECT count(*) FROM hook_events") == [(2,)]
    assert rows(conn, "SELECT * FROM sessions") + rows(conn, "SELECT * FROM keyword_tool_scores") == before
