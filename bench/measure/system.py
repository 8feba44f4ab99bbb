"""The system under measure: a DCM with stores of its own, or one that runs already."""

import contextlib
import io
import os
import shutil
import socket
import subprocess
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from db.migrate import migrate
from db.pool import connect as connect_database
from dcm import settings as settings_module
from dcm.cli import imports
from dcm.client import Client, ClientError
from dcm.embedded import postgres, valkey
from dcm.lines import SERVICES, healthy, service_program
from measure.replay import Replay

LINES = ("api", "ingest", "worker")
"""The lines of the Procfile that take events in, write them, and make briefs."""

START_SECONDS, STORE_SECONDS, CLIENT_SECONDS = 30, 120, 60
SETTLE_SECONDS = 1.0
"""What the events set off goes on for a moment after the last is written; a client's compaction takes half a minute."""

LEAST_TOKENS = 500
"""What the brief of one prompt fits in."""

AGENT = "main"
"""Who asks for the brief."""

EMPTY = "dcm_empty"
"""The database every case begins with: the schema and nothing else."""


class NotMeasured(Exception):
    """The system cannot be measured; the message says why and what to do."""


class Stores:
    """A Postgres and a Valkey for a whole run; each case has a database of its own and sees nothing of the others."""

    def __init__(self, home: Path, url: str, redis_url: str) -> None:
        self.home, self.redis_url = home, redis_url
        self._url, self._count = url, 0
        self._run(f"CREATE DATABASE {EMPTY}")
        migrate(self._of(EMPTY))

    @contextlib.contextmanager
    def system(self) -> Iterator[Client]:
        """DCM with nothing stored, for one case."""
        self._count += 1
        name = f"case_{self._count}"
        self._run(f"CREATE DATABASE {name} TEMPLATE {EMPTY}")
        ports = {variable: str(_free_port()) for variable in ("DCM_PORT", "DASHBOARD_PORT", "WS_PORT")}
        own = {"DCM_HOME": str(self.home), "DCM_DATABASE_URL": self._of(name), "DCM_REDIS_URL": self.redis_url, **ports}
        try:
            with _processes(own), Client(f"http://127.0.0.1:{ports['DCM_PORT']}", timeout=CLIENT_SECONDS) as client:
                _wake(client)
                yield client
        finally:
            self._run(f"DROP DATABASE {name} WITH (FORCE)")

    def _of(self, name: str) -> str:
        return self._url.replace("/dcm?", f"/{name}?")

    def _run(self, statement: str) -> None:
        with connect_database(self._url, "bench") as conn:
            conn.execute(statement.encode())


@contextlib.contextmanager
def stores() -> Iterator[Stores]:
    """Stores in a temporary folder; all of it is gone afterwards."""
    home = Path(tempfile.mkdtemp(prefix="dcm-brief-"))
    home.chmod(0o711)
    try:
        with postgres.running(home) as url, valkey.running(home) as redis_url:
            yield Stores(home, url, redis_url)
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextlib.contextmanager
def running(url: str) -> Iterator[Client]:
    """The DCM at a URL.

    Raises:
        NotMeasured: nobody answers.
    """
    with Client(url, timeout=CLIENT_SECONDS) as client:
        try:
            client.get_intake()
        except ClientError as error:
            raise NotMeasured(f"{error} Start DCM with `make up`, or measure without --url.") from None
        yield client


@contextlib.contextmanager
def _processes(own: dict[str, str]) -> Iterator[None]:
    """The processes of DCM with this environment; they end with the block."""
    settings = settings_module.load(own)
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
    with contextlib.ExitStack() as stack:
        for line in LINES:
            program = service_program(SERVICES[line])
            environment = {**kept, **program.env, **own, "DCM_LOG_LEVEL": "error"}
            process = subprocess.Popen(
                program.argv,
                env=environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
            stack.callback(_end, process)
        deadline = time.monotonic() + START_SECONDS
        while not healthy(settings):
            if time.monotonic() > deadline:
                raise NotMeasured(f"DCM does not start within {START_SECONDS} s: see what `make up` says.")
            time.sleep(0.05)
        yield


def _wake(client: Client) -> None:
    """Wait until every process works: until a session of one prompt has a brief, which is then deleted."""
    session_id, words = str(uuid.uuid4()), "Is everybody there?"
    told = {"hook_event_name": "UserPromptSubmit", "session_id": session_id, "cwd": "/nowhere", "prompt": words}
    client.import_payloads([{"at": "2026-01-01T00:00:00.000Z", "payload": told}])
    deadline = time.monotonic() + START_SECONDS
    while words not in ask(client, session_id, LEAST_TOKENS, "nobody"):
        if time.monotonic() > deadline:
            raise NotMeasured(f"No brief was made within {START_SECONDS} s of the start: see what `make up` says.")
        time.sleep(0.05)
    client.delete_session(session_id)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def bring_in(client: Client, replay: Replay) -> None:
    """Bring transcripts in by `dcm import transcripts`, and wait until all of it is written.

    Every hook of a client that runs says where the transcript lies, which no import does: one more event says it.

    Raises:
        NotMeasured: it takes too long.
    """
    with contextlib.redirect_stdout(io.StringIO()):
        imports.transcripts.main(
            [str(replay.folder / "projects"), "--url", client.url, "--json"], standalone_mode=False
        )
    told = {"hook_event_name": "Notification", "session_id": replay.session_id, "cwd": replay.cwd}
    told |= {"transcript_path": str(replay.transcript), "message": "Compacting", "notification_type": "other"}
    client.import_payloads([{"at": replay.at, "payload": told}])
    deadline = time.monotonic() + STORE_SECONDS
    while client.get_intake()["waiting"]:
        if time.monotonic() > deadline:
            raise NotMeasured(f"Events still wait to be written after {STORE_SECONDS} s: see the log of `ingest`.")
        time.sleep(0.05)
    time.sleep(SETTLE_SECONDS)


def ask(client: Client, session_id: str, tokens: int, agent: str = AGENT) -> str:
    """The brief of a session within so many tokens."""
    brief: str = client.restore_context(session_id, agent, agent_type="developer", max_tokens=tokens)["brief"]
    return brief
