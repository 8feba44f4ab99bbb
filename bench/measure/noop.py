"""The same server with nothing behind it: what a POST costs that is read and answered. The measure of all others."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import falcon.asgi
from falcon.asgi import Request, Response


class Nothing:
    """Reads what is posted and answers as a hook is answered that needs nothing."""

    async def on_post(self, req: Request, resp: Response) -> None:
        """Read, answer."""
        await req.stream.read()
        resp.content_type, resp.data = "application/json", b"{}"


def app() -> falcon.asgi.App[Request, Response]:
    """An application with this one route."""
    made: falcon.asgi.App[Request, Response] = falcon.asgi.App()
    made.add_route("/", Nothing())
    return made


@contextlib.contextmanager
def served() -> Iterator[tuple[str, int]]:
    """The application on the server that serves the API, configured as that is; gives its address."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        host, port = found.getsockname()
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:api.server", "-b", f"{host}:{port}", "measure.noop:app()"]
    process = subprocess.Popen(
        argv, cwd=Path(__file__).parent.parent, env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    )
    try:
        deadline = time.monotonic() + 20
        while not _listens(host, port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise SystemExit("The server without anything behind it does not start: see what it says above.")
            time.sleep(0.05)
        yield host, port
    finally:
        process.terminate()
        process.wait(10)


def _listens(host: str, port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((host, port), timeout=1):
        return True
    return False
