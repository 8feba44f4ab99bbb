"""GET /api/export: how many run at once, and what becomes of one that nobody reads."""

import asyncio
import contextlib
import http.client
import socket
from collections.abc import Iterator

import pytest
from api_server import ApiServer, wait_for

from api.running_exports import MOST, Places, Running
from db.pool import Conn
from dcm.domain.errors import Busy


@contextlib.contextmanager
def unread(server: ApiServer) -> Iterator[http.client.HTTPResponse]:
    """An export whose reader has its first line and stands still."""
    connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
    connection.sock = socket.socket()
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.sock.connect(("127.0.0.1", server.port))
    connection.sock.settimeout(30)
    with contextlib.closing(connection):
        connection.request("GET", "/api/export")
        answer = connection.getresponse()
        assert answer.status == 200
        assert b'"dcm-export"' in answer.readline()
        yield answer


def exporting(conn: Conn) -> int:
    """How many read the database for an export."""
    found = conn.execute("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'dcm export'").fetchone()
    assert found
    return int(found[0])


def test_two_exports_run_at_once_and_a_third_is_told_when_to_come_again(server: ApiServer, conn: Conn) -> None:
    conn.execute(
        "INSERT INTO requests (session_id, prompt, status) "
        "SELECT 's1', repeat('make it faster ', 20000), 'completed' FROM generate_series(1, 40)"
    )
    with contextlib.ExitStack() as readers:
        for _ in range(MOST):
            readers.enter_context(unread(server))
        refused = server.get("/api/export")
        assert (refused.status, int(refused.headers["Retry-After"])) == (503, 10)
        assert refused.json["error"].startswith("2 exports run already.")
        assert exporting(conn) == MOST
    wait_for(lambda: exporting(conn) == 0, "the end of what nobody reads any more")
    whole = wait_for(lambda: (answer := server.get("/api/export")).status == 200 and answer, "a place")
    assert b'"totals"' in whole.body.splitlines()[-1]


def test_an_export_is_in_the_audit_log_with_what_it_was_of(server: ApiServer, conn: Conn) -> None:
    conn.execute("INSERT INTO sessions (id) VALUES ('s1')")
    for query in ("", "?session=s1", "?session=none"):
        server.get(f"/api/export{query}")
    found = conn.execute("SELECT who, address, act, subject FROM audit_log ORDER BY id").fetchall()
    assert found == [("local", "127.0.0.1", "export.made", subject) for subject in ("all", "session s1")]


def test_an_export_that_is_not_read_ends_and_gives_its_place_back() -> None:
    async def scenario() -> None:
        places = Places()
        pipe = asyncio.subprocess.PIPE
        process = await asyncio.create_subprocess_exec("yes", stdout=pipe, stderr=pipe)
        all_but_one = [places.take() for _ in range(MOST - 1)]

        async def answering() -> None:
            running = Running(process, places.take(), patience=0.05)
            await running.begin()
            try:
                assert await anext(running)
                await asyncio.Event().wait()
            finally:
                await running.close()

        reader = asyncio.create_task(answering())
        with pytest.raises(asyncio.CancelledError):
            await asyncio.wait_for(asyncio.shield(reader), 10)
        assert process.returncode
        places.take()
        with pytest.raises(Busy):
            places.take()
        all_but_one[0]()

    asyncio.run(scenario())
