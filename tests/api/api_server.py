"""The real API server on a free loopback port, with a Valkey of its own that can be stopped and stalled."""

import contextlib
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import redis

from db.pool import Conn
from dcm.broker import stream_key
from dcm.embedded import valkey
from dcm.embedded.places import places

APP = "api.app:create_app()"
HOOKS = "/api/hooks/claude"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 10.0) -> Any:
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.005)
    return found


def free_ports(count: int) -> list[int]:
    """Ports nobody listens on."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server said, and after how many seconds."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def type(self) -> str:
        return self.headers.get_content_type()


class OwnValkey:
    """An embedded Valkey that can be stopped, started again, stalled and resumed."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.url = places(home).valkey_url
        self.client = redis.Redis.from_url(self.url)
        self.start()

    def start(self) -> None:
        valkey.prepare(self.home, "everysec")
        self.process = subprocess.Popen(valkey.program(self.home).argv, stdout=subprocess.DEVNULL)
        wait_for(lambda: valkey.answers(self.home), "Valkey's start")

    def stop(self) -> None:
        self.resume()
        self.process.terminate()
        self.process.wait(10)

    def stall(self) -> None:
        self.process.send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def close(self) -> None:
        self.client.close()
        if self.process.poll() is None:
            self.stop()

    def payloads(self) -> list[bytes]:
        """The payloads in the stream, in order."""
        return [fields[b"p"] for _, fields in self.client.xrange(stream_key(0))]


@dataclass(frozen=True, slots=True)
class ApiServer:
    """A running server and its stores."""

    port: int
    valkey: OwnValkey
    database_url: str

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=15)
        with contextlib.closing(connection):
            return ask(connection, method, path, body, headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.ask("GET", path, headers=headers)

    def hook(self, payload: Any) -> Answer:
        """Post a hook payload: bytes as they are, anything else as JSON."""
        body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
        return self.ask("POST", HOOKS, body, {"Content-Type": "application/json"})


def ask(
    connection: http.client.HTTPConnection,
    method: str,
    path: str,
    body: Any = None,
    headers: dict[str, str] | None = None,
) -> Answer:
    """One request on an open connection."""
    began = time.monotonic()
    connection.request(method, path, body, headers or {})
    response = connection.getresponse()
    content = response.read()
    return Answer(response.status, response.headers, content, time.monotonic() - began)


@contextlib.contextmanager
def serving(valkey_: OwnValkey, database_url: str, app: str = APP, **more: str) -> Iterator[ApiServer]:
    """Gunicorn as the Procfile runs it; `more` are further variables."""
    port, second, bridge = free_ports(3)
    told = {
        "DCM_HOME": valkey_.home,
        "DCM_DATABASE_URL": database_url,
        "DCM_REDIS_URL": valkey_.url,
        "DCM_PORT": port,
        "DASHBOARD_PORT": second,
        "WS_PORT": bridge,
        **more,
    }
    env = dict(os.environ) | {name: str(value) for name, value in told.items()}
    log = valkey_.home / "logs" / "api.log"
    with log.open("ab") as output:
        argv = [sys.executable, "-m", "gunicorn", "-c", "python:api.server", app]
        process = subprocess.Popen(argv, stdout=output, stderr=output, env=env)
        try:
            wait_for(lambda: process.poll() is not None or _answers(port), "the API's start", 60)
            assert process.poll() is None, log.read_text()
            yield ApiServer(port, valkey_, database_url)
        finally:
            process.terminate()
            process.wait(10)


def _answers(port: int) -> bool:
    """Whether a worker answers; the port is open before there is one."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.suppress(OSError, http.client.HTTPException), contextlib.closing(connection):
        return bool(ask(connection, "GET", "/config.json").status)
    return False


def empty(conn: Conn) -> None:
    """Let go of every row but of those that tell the schema; numbers begin at one again."""
    names = conn.execute(
        "SELECT string_agg(quote_ident(relname), ', ') FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace "
        "WHERE nspname = 'public' AND relkind IN ('r', 'p') AND NOT relispartition "
        "AND relname NOT IN ('migrations', 'schema_version')"
    ).fetchone()
    conn.execute(f"TRUNCATE {names[0]} RESTART IDENTITY CASCADE")


@contextlib.contextmanager
def database_away(url: str) -> Iterator[None]:
    """Postgres takes no connection to this database and has ended those there were."""
    name = psycopg.conninfo.conninfo_to_dict(url)["dbname"]
    with psycopg.connect(url.replace(f"/{name}?", "/postgres?"), autocommit=True) as admin:
        admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
        admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        try:
            yield
        finally:
            admin.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
