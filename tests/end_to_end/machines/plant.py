"""One DCM on several machines: stores on one, processes on two others, and a laptop that reports to them."""

import contextlib
import http.client
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from network import Machine, environment
from prometheus_client.parser import text_string_to_metric_families
from system import ROOT

from db.pool import connect
from dcm.domain.claude_settings import ENDPOINT
from dcm.domain.errors import Unavailable
from dcm.embedded import postgres, valkey
from dcm.embedded.places import places

SHARDS = 4
PORT = 3847


@dataclass
class Plant:
    """What runs where."""

    stores: Machine
    one: Machine
    two: Machine
    laptop: Machine
    folder: Path
    running: dict[str, "subprocess.Popen[bytes]"] = field(default_factory=dict)

    def home(self, name: str) -> Path:
        return self.folder / name

    @property
    def server(self) -> str:
        return f"http://{self.one.address}:{PORT}"

    def rows(self, query: str, *values: object) -> list[tuple[Any, ...]]:
        """What the database says; nothing while it starts."""
        with contextlib.suppress(Unavailable), connect(places(self.home("stores")).postgres_url, "test") as conn:
            return conn.execute(query.encode(), values).fetchall()
        return []

    def token(self, name: str) -> dict[str, str]:
        """The header of who owns a server."""
        path = self.home(name) / "token"
        return {"Authorization": f"Bearer {path.read_text().strip()}"} if path.exists() else {}

    def written(self, name: str) -> int:
        """Events that the workers of a server made rows, by its own figures."""
        status, text = fetch(getattr(self, name), getattr(self, name).address, "/metrics", self.token(name))
        assert status == 200, text
        families = {family.name: family for family in text_string_to_metric_families(text.decode())}
        return sum(int(sample.value) for sample in families["dcm_events_stored"].samples)

    def start_stores(self) -> None:
        """Postgres and Valkey, which listen on their machine's address."""
        home = self.home("stores")
        postgres.prepare(home, lambda _: None)
        rules = places(home).postgres_data / "pg_hba.conf"
        with rules.open("a", encoding="utf-8") as file:
            file.write(f"\nhost all all {self.stores.address}/24 trust\n")
        program = postgres.program(home)
        as_user = ["setpriv", "--reuid", program.user, "--regid", program.user, "--clear-groups", "--"]
        argv = [*as_user, *program.argv, "-c", f"listen_addresses={self.stores.address}"]
        self._start("postgres", self.stores, argv, {}, cwd=places(home).postgres_data.parent)
        valkey.prepare(home, "everysec")
        listens = ["--port", "6379", "--bind", self.stores.address, "--protected-mode", "no"]
        self._start("valkey", self.stores, [*valkey.program(home).argv, *listens], {})
        self.wait(lambda: postgres.answers(home) and valkey.answers(home), "postgres")

    def start_server(self, name: str, machine: Machine, *scale: str) -> None:
        """`dcm up` with the stores of the other machine."""
        told = {
            "DCM_HOME": self.home(name),
            "DCM_DATABASE_URL": f"postgresql://postgres@{self.stores.address}:5432/dcm",
            "DCM_REDIS_URL": f"redis://{self.stores.address}:6379/0",
            "DCM_SHARDS": SHARDS,
            "HOST": machine.address,
            "WS_AUTH_SECRET": "the same on both",
            "DCM_RATE_PER_SECOND": 10_000,
        }
        self._start(name, machine, [sys.executable, "-m", "dcm", "up", *scale], told)

    def start_relay(self) -> None:
        """`dcm relay`, with the token of who owns the server."""
        token = self.home("one") / "token"
        told = {"DCM_HOME": self.home("laptop"), **({"DCM_TOKEN_FILE": token} if token.exists() else {})}
        argv = [sys.executable, "-m", "dcm", "relay", "--server", self.server]
        self._start("relay", self.laptop, argv, told)
        self.wait(lambda: answers(self.laptop, "127.0.0.1", {}), "relay")

    def _start(
        self, name: str, machine: Machine, argv: list[str | None], told: Mapping[str, object], cwd: Path = ROOT
    ) -> None:
        environ = environment(PYTHONPATH=ROOT, **told)
        self.folder.joinpath(f"{name}.log").touch()
        command = [str(word) for word in argv]
        self.running[name] = machine.start(command, environ, self.folder / f"{name}.log", cwd)

    def wait(self, condition: Callable[[], object], name: str, seconds: float = 60) -> None:
        """Wait for a condition, or fail with what a program said."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, self.log(name)
            time.sleep(0.05)

    def log(self, name: str) -> str:
        return self.folder.joinpath(f"{name}.log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def stop(self, name: str, sign: signal.Signals = signal.SIGINT, seconds: float = 25) -> None:
        process = self.running.pop(name)
        if process.poll() is None:
            os.killpg(process.pid, sign)
            try:
                process.wait(seconds)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, signal.SIGKILL)
                process.wait(seconds)

    def launcher(self, payload: Mapping[str, Any]) -> str:
        """What Claude Code's hook prints on the laptop."""
        argv = self.laptop.command([str(self.home("laptop") / "launcher"), "hook"])
        environ = environment(DCM_HOME=self.home("laptop"))
        done = subprocess.run(
            argv, env=environ, input=json.dumps(payload), capture_output=True, text=True, check=False, timeout=30
        )
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout


def answers(machine: Machine, address: str, headers: Mapping[str, str]) -> bool:
    """Whether the API, or a relay, is well at an address as seen from a machine."""
    try:
        return ask(machine, address, "/health", headers)[0] == 200
    except (OSError, http.client.HTTPException):
        return False


def ask(machine: Machine, address: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, Any]:
    """Status and JSON of what a GET on a machine is answered."""
    status, body = fetch(machine, address, path, headers)
    return status, json.loads(body or b"{}")


def fetch(machine: Machine, address: str, path: str, headers: Mapping[str, str] | None = None) -> tuple[int, bytes]:
    """Status and body of what a GET on a machine is answered."""

    def work() -> tuple[int, bytes]:
        with contextlib.closing(http.client.HTTPConnection(address, PORT, timeout=10)) as link:
            link.request("GET", path, headers=dict(headers or {}))
            response = link.getresponse()
            return response.status, response.read()

    return machine.on(work)


class Hooks:
    """Hooks of the laptop over one connection, as the client's http hooks are; `seconds` is what each took."""

    def __init__(self, machine: Machine, address: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> None:
        self._headers = dict(headers or {})
        self.seconds: list[float] = []
        self._link = http.client.HTTPConnection(address, PORT, timeout=10)
        machine.on(self._link.connect)

    def post(self, payload: Mapping[str, Any]) -> Any:
        began = time.monotonic()
        self._link.request("POST", ENDPOINT, json.dumps(payload), self._headers)
        response = self._link.getresponse()
        said = response.read()
        self.seconds.append(time.monotonic() - began)
        assert response.status == 200, said
        return said

    def close(self) -> None:
        self._link.close()


def tool_call(session: str, number: int) -> dict[str, Any]:
    """A finished tool call."""
    return {
        "hook_event_name": "PostToolUse", "session_id": session, "cwd": "/home/ada/shop", "tool_name": "Bash",
        "tool_use_id": f"toolu_{session}_{number:05d}", "tool_input": {"command": f"echo {number}"},
        "tool_response": {"stdout": str(number)},
    }  # fmt: skip


@contextlib.contextmanager
def hooks(machine: Machine, address: str = "127.0.0.1", headers: Mapping[str, str] | None = None) -> Iterator[Hooks]:
    """Hooks over a connection that ends with the block."""
    posting = Hooks(machine, address, headers)
    try:
        yield posting
    finally:
        posting.close()
