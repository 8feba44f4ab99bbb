"""A small HTTP server that keeps what it is asked and answers what it is told."""

import contextlib
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    body: Any
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Said:
    """One answer. `drop`: the connection is closed without one."""

    status: int = 200
    body: Any = None
    drop: bool = False
    type: str = "application/json"


@dataclass(slots=True)
class Recorder:
    """What was asked, and what is answered: the answers in turn, the last one for ever."""

    url: str = ""
    asked: list[Asked] = field(default_factory=list)
    answers: list[Said] = field(default_factory=lambda: [Said(body={})])

    def answer(self, *answers: Said) -> None:
        self.answers = list(answers)

    def next(self) -> Said:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


@contextlib.contextmanager
def recording(port: int = 0) -> Iterator[Recorder]:
    """A recorder that listens until the block ends."""
    recorder = Recorder()

    class Ears(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def _take(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            query = dict(parse_qsl(parts.query, keep_blank_values=True))
            recorder.asked.append(Asked(self.command, parts.path, query, body, dict(self.headers)))
            self._say(recorder.next())

        def _say(self, said: Said) -> None:
            if said.drop:
                self.close_connection = True
                return
            data = b"" if said.status == 204 else said.body if isinstance(said.body, bytes) else None
            data = json.dumps(said.body).encode() if data is None else data
            self.send_response(said.status)
            self.send_header("Content-Type", said.type)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_DELETE = _take  # noqa: N815 - http.server's names

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - http.server's signature
            pass

    server = ThreadingHTTPServer(("127.0.0.1", port), Ears)
    server.daemon_threads = True
    recorder.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield recorder
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
