"""Who may connect to the bridge: programs of this machine, and from elsewhere who shows a token."""

import asyncio
import base64
import contextlib
import dataclasses
import http.client
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from bridge import Running, heard, say, serving
from other_machine import own_address
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import InvalidStatus

from db import tokens
from db.pool import Conn
from dcm import secret, token_file
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.domain.tokens import Identity, make
from dcm.settings import Settings
from wsbridge.hub import now_ms
from wsbridge.server import Bridge


@pytest.fixture
def settings(quiet_settings: Settings) -> Settings:
    """A bridge that other machines reach."""
    return dataclasses.replace(quiet_settings, host="0.0.0.0", ws_auth_secret="of the test")


@pytest.fixture
def conn(settings: Settings) -> Iterator[Conn]:
    """A connection to the bridge's database, which is left as it was."""
    with psycopg.connect(settings.database_url, autocommit=True) as conn:
        yield conn
        conn.execute("DELETE FROM access_tokens")


def stored(conn: Conn, *scopes: str) -> str:
    """A new access token."""
    made = access.make_token(access.TOKEN)
    hashed, name = access.digest(made), made[-8:]
    tokens.create(conn, name=name, kind="person", scopes=scopes, token_hash=hashed, expires_at=None, created_by="test")
    return made


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextlib.asynccontextmanager
async def outside(running: Running, path: str = "/", **headers: str) -> AsyncIterator[ClientConnection]:
    """A client on another machine."""
    url = f"ws://{own_address()}:{running.settings.ws_port}{path}"
    async with connect(url, additional_headers=headers, proxy=None) as client:
        assert (await heard(client))["type"] == "connected"
        yield client


async def refused(running: Running, path: str = "/", **headers: str) -> Any:
    """The answer to a handshake from another machine that fails."""
    with pytest.raises(InvalidStatus) as error:
        async with outside(running, path, **headers):
            pass
    return error.value.response


def page(running: Running, path: str, **headers: str) -> int:
    """The status of a page that another machine asks for."""
    connection = http.client.HTTPConnection(own_address(), running.settings.ws_port, timeout=5)
    with contextlib.closing(connection):
        connection.request("GET", path, headers=headers)
        return connection.getresponse().status


def test_from_elsewhere_nothing_opens_without_a_token_before_the_upgrade(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            for path in ("/", "/ws", "/?agent_id=a1", "/?token=x.y", "/nothing"):
                answer = await refused(running, path)
                assert answer.status_code == 401
                assert answer.body == b'{"error": "Unauthorized"}'
                assert answer.headers["WWW-Authenticate"] == 'Basic realm="DCM", Bearer realm="DCM"'
            for path in ("/health", "/stats", "/nothing"):
                assert await asyncio.to_thread(page, running, path) == 401

    asyncio.run(scenario())


def test_an_access_token_that_may_read_opens_it_and_its_pages_and_another_is_403(
    settings: Settings, conn: Conn
) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            for shown in (stored(conn, "read"), stored(conn, "admin"), token_file.load(settings)):
                async with outside(running, **bearer(shown)) as client:
                    assert (await say(client, type="ping"))["type"] == "pong"
                assert await asyncio.to_thread(lambda shown=shown: page(running, "/health", **bearer(shown))) == 200
                basic = {"Authorization": f"Basic {base64.b64encode(f':{shown}'.encode()).decode()}"}
                assert await asyncio.to_thread(lambda basic=basic: page(running, "/stats", **basic)) == 200
            assert (await refused(running, **bearer(stored(conn, "ingest", "write")))).status_code == 403

    asyncio.run(scenario())


def test_a_signed_token_in_the_address_opens_it_as_its_agent_for_an_hour(settings: Settings, conn: Conn) -> None:
    good, old = (make(secret.load(settings), Identity("a1"), now_ms() - age) for age in (0, 3_600_001))

    async def scenario() -> None:
        async with serving(settings) as running:
            async with outside(running, f"/?token={good}"):
                assert "agents/a1" in running.bridge.hub.channel_stats()
            assert (await refused(running, f"/?token={old}")).status_code == 401

    asyncio.run(scenario())


def test_on_this_machine_it_opens_without_unless_a_proxy_hands_somebody_on(settings: Settings) -> None:
    async def scenario() -> None:
        async with serving(settings) as running:
            async with running.client() as client:
                assert (await say(client, type="ping"))["type"] == "pong"
            with pytest.raises(InvalidStatus) as error:
                async with running.client(additional_headers={"X-Forwarded-For": "127.0.0.1"}):
                    pass
            assert error.value.response.status_code == 401

    asyncio.run(scenario())


def test_a_revoked_token_opens_nothing_and_who_guesses_waits_after_ten_tries(settings: Settings, conn: Conn) -> None:
    revoked = stored(conn, "read")
    assert tokens.revoke(conn, revoked[-8:])

    async def scenario() -> None:
        async with serving(settings) as running:
            assert (await refused(running, **bearer(revoked))).status_code == 401
            guesses = 1
            while (answer := await refused(running, **bearer(f"dcm_{guesses}"))).status_code == 401:
                guesses += 1
                assert guesses < 300
            assert (answer.status_code, guesses >= 10) == (429, True)
            assert int(answer.headers["Retry-After"]) >= 1

    asyncio.run(scenario())


def test_who_guesses_too_often_keeps_out_neither_a_ticket_nor_the_token_file_nor_who_is_known(
    settings: Settings, conn: Conn
) -> None:
    known, owner = bearer(stored(conn, "read")), bearer(token_file.load(settings))
    ticket = make(secret.load(settings), Identity("a1"), now_ms())

    async def scenario() -> None:
        async with serving(settings) as running:
            async with outside(running, **known):
                pass
            while (await refused(running, **bearer("dcm_guess"))).status_code != 429:
                pass
            assert (await refused(running, "/?token=x.y")).status_code == 429
            for path, shown in ((f"/?token={ticket}", {}), ("/", owner), ("/", known)):
                for _ in range(2):
                    async with outside(running, path, **shown):
                        pass

    asyncio.run(scenario())


def test_beyond_loopback_it_does_not_start_without_its_token_file(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "token").mkdir()
    with pytest.raises(StartError, match=r"HOST=127\.0\.0\.1"):
        Bridge(dataclasses.replace(settings, home=tmp_path))
