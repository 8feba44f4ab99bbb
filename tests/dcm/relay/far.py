"""A server on another machine as a relay sees it, and the relay's own process."""

import contextlib
import http.client
import json
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from dcm.domain.claude_settings import ENDPOINT

ROOT = Path(__file__).parents[3]


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 20.0) -> Any:
    """What the condition gives as soon as it is true."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds} s"
        time.sleep(0.01)
    return found


def free_port() -> int:
    with contextlib.closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


class Far:
    """A server that notes what it is sent. `status` and `answer` are what it says; `seconds` what it takes to.

    `asked`: the numbers of the events it was sent, taken or not.
    """

    def __init__(self, port: int | None = None) -> None:
        self.port = port or free_port()
        self.status, self.answer, self.seconds, self.headers = 200, b"{}", 0.0, {}
        self.asked: list[Any] = []
        self.got: list[tuple[dict[str, Any], dict[str, str]]] = []
        self._server: ThreadingHTTPServer | None = None
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def told(self) -> list[Any]:
        """The numbers of the events that it took, in order."""
        return [payload.get("number") for payload, _ in list(self.got)]

    def open(self) -> None:
        far = self

        class Request(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                payload = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                far.asked.append(payload.get("number"))
                far.hold()
                if far.status == 200:
                    far.got.append((payload, {name.lower(): value for name, value in self.headers.items()}))
                self.send_response(far.status)
                told = {"Content-Length": str(len(far.answer)), "Content-Type": "application/json", **far.headers}
                for name, value in told.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(far.answer)

            def do_GET(self) -> None:
                said = json.dumps({"status": "healthy", "version": "9.9", "database": {"healthy": True}}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(said)))
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            allow_reuse_address = True

            def handle_error(self, *_: object) -> None:
                pass

        self._server = Server(("127.0.0.1", self.port), Request)
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def hold(self) -> None:
        """Wait as long as is told, also when that changes meanwhile."""
        began = time.monotonic()
        while time.monotonic() - began < self.seconds:
            time.sleep(0.005)

    def close(self) -> None:
        """Nobody listens there any more; what is connected is not answered."""
        if self._server:
            self.status = 503
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def reopen(self) -> None:
        self.status = 200
        self.open()


class Near:
    """The relay of this machine, in a process of its own."""

    def __init__(self, home: Path, server: str, **environ: str) -> None:
        self.home, self.port = home, free_port()
        told = {"DCM_HOME": str(home), "DCM_SERVER_URL": server, "DCM_PORT": str(self.port), "DASHBOARD_PORT": "1"}
        self._environ = {**os.environ, "WS_PORT": "2", "PYTHONPATH": str(ROOT), **told, **environ}
        self.start()

    def start(self) -> None:
        self.log = self.home.with_suffix(".log")
        with self.log.open("ab") as output:
            argv = [sys.executable, "-m", "dcm.relay"]
            self.process = subprocess.Popen(argv, env=self._environ, cwd=ROOT, stdout=output, stderr=output)
        wait_for(lambda: self.process.poll() is not None or self._listens(), "the relay's start")
        assert self.process.poll() is None, self.log.read_text()

    def _listens(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait(10)

    def stop(self) -> int:
        self.process.terminate()
        return self.process.wait(10)

    def ask(self, method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None) -> tuple[int, Any]:
        """Status and JSON of an answer."""
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as link:
            link.request(method, path, body, headers or {})
            response = link.getresponse()
            return response.status, json.loads(response.read() or b"{}")

    def hook(
        self, number: int, event: str = "PostToolUse", session: str = "s", **fields: Any
    ) -> tuple[int, Any, float]:
        """Status, answer and seconds of a hook."""
        payload = {"session_id": session, "hook_event_name": event, "number": number, **fields}
        began = time.monotonic()
        status, said = self.ask("POST", ENDPOINT, json.dumps(payload).encode())
        return status, said, time.monotonic() - began

    def health(self) -> dict[str, Any]:
        found = self.ask("GET", "/health")[1]["relay"]
        assert isinstance(found, dict)
        return found


@contextlib.contextmanager
def near(home: Path, server: str, **environ: str) -> Iterator[Near]:
    """A relay that ends with the block."""
    relay = Near(home, server, **environ)
    try:
        yield relay
    finally:
        if relay.process.poll() is None:
            relay.stop()
