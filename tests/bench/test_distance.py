"""Stores that are far away: what is accepted is stored all the same."""

import asyncio
import http.client
import json
from collections.abc import Iterator
from contextlib import closing

import psycopg
import pytest
from api_server import wait_for
from distance import far_stores, processes

from db.pool import Conn
from dcm.settings import Settings

ROUND_TRIP = 0.02


@pytest.fixture
def far(settings: Settings) -> Iterator[Settings]:
    """An API and an ingest worker, 20 ms from their stores."""
    name = psycopg.conninfo.conninfo_to_dict(settings.database_url)["dbname"]
    assert isinstance(name, str)
    with far_stores(settings.home, ROUND_TRIP, name) as seen_from_afar, processes(seen_from_afar, "api", "ingest"):
        yield seen_from_afar


def call(session: str, number: int) -> bytes:
    told = {"hook_event_name": "PostToolUse", "session_id": session, "tool_use_id": f"{session}-{number:04d}"}
    return json.dumps({**told, "tool_name": "Bash", "tool_input": {"command": "ls"}, "tool_response": {}}).encode()


def send(port: int, session: str, count: int) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as link:
        for number in range(count):
            link.request("POST", "/api/hooks/claude", call(session, number))
            answer = link.getresponse()
            assert (answer.status, answer.read()) == (200, b"{}")


def test_batches_over_a_wire_of_twenty_milliseconds_are_stored_once_and_in_order(far: Settings, conn: Conn) -> None:
    sessions, count = [f"s{number}" for number in range(10)], 60

    async def send_all() -> None:
        await asyncio.gather(*(asyncio.to_thread(send, far.port, session, count) for session in sessions))

    asyncio.run(send_all())
    query = "SELECT array_agg(tool_use_id ORDER BY created_at) FROM actions WHERE session_id = %s"
    for session in sessions:
        wanted = [f"{session}-{number:04d}" for number in range(count)]
        wait_for(lambda: conn.execute(query, [session]).fetchone() == (wanted,), f"all of {session}", 30)  # noqa: B023
