"""A DCM in the background whose whole home lies on a disk that fills: it goes on, and can be stopped and started."""

import contextlib
import http.client
import json
import mmap
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from command import held_locks
from system import DCM, free_ports, until

from dcm.embedded.places import places

pytestmark = pytest.mark.e2e

DISK = "420m"


class Background:
    """A DCM that `dcm start` runs, with its home on a small disk."""

    def __init__(self, folder: Path) -> None:
        self.home, self.filler = folder / "home", folder / "home" / "filler"
        self.log = places(self.home).logs / "dcm.log"
        self.port, dashboard, bridge = free_ports()
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
        ports = {"PORT": str(self.port), "DASHBOARD_PORT": str(dashboard), "WS_PORT": str(bridge)}
        self._environ = {**kept, **ports, "DCM_HOME": str(self.home), "HOME": str(folder), "DCM_AUTOSTART": "0"}

    def run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [DCM, *arguments], env=self._environ, capture_output=True, text=True, timeout=120, check=False
        )

    def fill(self) -> None:
        """Write to the disk until nothing more goes on it."""
        with self.filler.open("ab", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(b"\0" * 1_000_000)

    def hook(self) -> tuple[int, str]:
        """What a hook is answered."""
        body = {"hook_event_name": "Notification", "session_id": "s", "message": os.urandom(8).hex(), "cwd": "/w"}
        return self._ask("POST", "/api/hooks/claude", json.dumps(body))

    def logs_again(self) -> bool:
        """Whether the log says what it misses, and has the line of a request."""
        self._ask("GET", "/stats", "")
        said = self.log.read_text(encoding="utf-8", errors="replace").rpartition("missing here: the log could not")
        return "/stats" in said[2] and bool(said[1])

    def _ask(self, method: str, path: str, body: str) -> tuple[int, str]:
        with contextlib.closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as link:
            link.request(method, path, body, {"Content-Type": "application/json"})
            answer = link.getresponse()
            return answer.status, answer.read().decode()

    def log_is_cut_off(self) -> bool:
        """Whether the last page of the log is full, and none was to be had for what came after it."""
        return "its disk is full" in self.hook()[1] and self.log.stat().st_size % mmap.PAGESIZE == 0


@pytest.fixture
def background() -> Iterator[Background]:
    """One whose disk is unmounted in any case; needs root."""
    folder = Path(tempfile.mkdtemp(prefix="dcm-full-"))
    folder.chmod(0o711)
    dcm = Background(folder)
    dcm.home.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=0711", "tmpfs", str(dcm.home)], check=True)
    try:
        yield dcm
    finally:
        dcm.filler.unlink(missing_ok=True)
        dcm.run("stop")
        subprocess.run(["umount", "--lazy", str(dcm.home)], check=True)
        shutil.rmtree(folder)


def test_after_its_disk_was_full_dcm_logs_again_and_can_be_stopped_and_started(background: Background) -> None:
    said = background.run("start")
    assert said.returncode == 0, said.stderr
    background.fill()
    until(background.log_is_cut_off, 60, "the log should end in a torn line")
    background.filler.unlink()
    until(lambda: background.hook()[0] == 200, 30, "hooks should be taken again")
    until(background.logs_again, 30, "it should log again")
    stopped = background.run("stop")
    assert (stopped.stdout, stopped.stderr) == ("DCM is stopped.\n", "")
    assert held_locks(background.home) == []
    assert background.run("start").stdout.startswith("DCM is up.")
