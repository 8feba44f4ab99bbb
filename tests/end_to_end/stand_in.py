"""What stands where DCM's server should be: it refuses, never answers, is busy or talks nonsense.

with StandIn(BUSY) as server:
    ...                     # server.url, server.port
assert server.events() == [...]
"""

import contextlib
import json
import socket
import threading
from collections.abc import Mapping
from typing import Any, Self


def reply(status: str, body: bytes, kind: str = "application/json") -> bytes:
    """An HTTP reply, whole."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


WELL = reply("200 OK", b"{}")
BUSY = reply("503 Service Unavailable", b'{"title": "Valkey does not answer"}')
GARBAGE = reply("200 OK", b"\x00\xff <html> not what was asked for")
NOISE = b"\x16\x03\x01 this is not even HTTP \xff\xfe\r\n\r\n"
SILENCE = None
"""Take the connection and never answer."""


class StandIn:
    """A server on a port of its own on 127.0.0.1 that keeps the payloads and gives one reply to all events.

    `answers` are the replies to single events that get another.
    """

    def __init__(self, answer: bytes | None, answers: Mapping[str, bytes] | None = None) -> None:
        self.answer = answer
        self.answers = answers or {}
        self.payloads: list[dict[str, Any]] = []
        self._connections: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = int(self._listener.getsockname()[1])
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        for open_socket in (self._listener, *self._connections):
            with contextlib.suppress(OSError):  # the other side has gone first
                open_socket.shutdown(socket.SHUT_RDWR)
            open_socket.close()
        self._thread.join()

    @property
    def url(self) -> str:
        """Its URL, as a person would configure it."""
        return f"http://127.0.0.1:{self.port}"

    def events(self) -> set[str]:
        """The names of the events that were reported."""
        return {payload["hook_event_name"] for payload in list(self.payloads)}

    def sources(self) -> list[str]:
        """The sources of the SessionStarts, in order."""
        return [payload["source"] for payload in list(self.payloads) if "source" in payload]

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self._connections.append(connection)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        # The client may leave, or be ended with the test.
        with contextlib.suppress(OSError, ValueError), connection.makefile("rb") as stream:
            while (body := _read_request(stream)) is not None:
                payload = json.loads(body) if body else {}
                if body:
                    self.payloads.append(payload)
                answer = self.answers.get(payload.get("hook_event_name"), self.answer)
                if answer is not SILENCE:
                    connection.sendall(answer)
                if answer is NOISE:
                    connection.shutdown(socket.SHUT_RDWR)


class Refusing:
    """A port of 127.0.0.1 that nobody listens on, held so that nobody else takes it."""

    def __init__(self) -> None:
        self._held = socket.socket()

    def __enter__(self) -> Self:
        self._held.bind(("127.0.0.1", 0))
        self.port = int(self._held.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    def __exit__(self, *exc: object) -> None:
        self._held.close()


def _read_request(stream: Any) -> bytes | None:
    """The body of the next request of a connection; None at its end."""
    length = 0
    if not stream.readline():
        return None
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, text = line.partition(b":")
        length = int(text) if name.lower() == b"content-length" else length
    body: bytes = stream.read(length)
    return body
