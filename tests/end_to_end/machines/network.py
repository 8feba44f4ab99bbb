"""Machines on one wire: network namespaces, each with an address of its own and nothing else in common but the disk."""

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest

Result = TypeVar("Result")

CLONE_NEWNET = 0x40000000
NET = "10.97.0"


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Machine:
    """One of them. Programs run `on` it, and so may a function of the test."""

    def __init__(self, wire: str, name: str, number: int) -> None:
        self.space, self.address = f"{wire}{name}", f"{NET}.{number}"
        self._wire, self._plug = wire, f"to{number}"
        ip("netns", "add", self.space)
        ip("-n", self.space, "link", "set", "lo", "up")
        ip("-n", wire, "link", "add", self._plug, "type", "veth", "peer", "name", "eth0", "netns", self.space)
        ip("-n", wire, "link", "set", self._plug, "master", "switch", "up")
        ip("-n", self.space, "addr", "add", f"{self.address}/24", "dev", "eth0")
        ip("-n", self.space, "link", "set", "eth0", "up")

    def pull_the_plug(self) -> None:
        """What is sent from here on goes nowhere, and nobody is told."""
        ip("-n", self._wire, "link", "set", self._plug, "down")

    def plug_in(self) -> None:
        ip("-n", self._wire, "link", "set", self._plug, "up")

    def command(self, argv: Sequence[str]) -> list[str]:
        """The same command, on this machine."""
        return ["ip", "netns", "exec", self.space, *argv]

    def start(self, argv: Sequence[str], environ: Mapping[str, str], log: Path, cwd: Path) -> "subprocess.Popen[bytes]":
        """A program that goes on, in a session of its own."""
        with log.open("ab") as output:
            return subprocess.Popen(
                self.command(argv),
                env=dict(environ), cwd=cwd, stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                start_new_session=True,
            )  # fmt: skip

    def on(self, work: Callable[[], Result]) -> Result:
        """Do something on this machine: a thread of its own moves there, and the sockets it makes stay."""
        found: list[Result] = []
        failed: list[BaseException] = []

        def run() -> None:
            try:
                self._move()
                found.append(work())
            except BaseException as error:  # noqa: BLE001 - it is raised where it was asked for
                failed.append(error)

        thread = threading.Thread(target=run)
        thread.start()
        thread.join()
        if failed:
            raise failed[0]
        return found[0]

    def _move(self) -> None:
        """Move this thread there."""
        with Path(f"/run/netns/{self.space}").open("rb") as space:
            if ctypes.CDLL(None, use_errno=True).setns(space.fileno(), CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "setns")


@contextlib.contextmanager
def wired(*names: str) -> Iterator[list[Machine]]:
    """Machines of these names on a switch; gone with the block."""
    if os.getuid() != 0 or shutil.which("ip") is None:
        pytest.fail("These tests make network namespaces: run them as root, with iproute2 installed.", pytrace=False)
    wire = f"dcm{os.getpid()}"
    ip("netns", "add", wire)
    spaces = [wire]
    try:
        ip("-n", wire, "link", "add", "switch", "type", "bridge")
        ip("-n", wire, "link", "set", "switch", "up")
        machines = []
        for number, name in enumerate(names, 1):
            spaces.append(f"{wire}{name}")
            machines.append(Machine(wire, name, number))
        yield machines
    finally:
        for space in reversed(spaces):
            subprocess.run(["ip", "netns", "del", space], check=False, capture_output=True)


def environment(**told: Any) -> dict[str, str]:
    """The caller's environment without what it says of DCM, and with what is told."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("DCM_", "DB_"))}
    kept["PATH"] = f"{Path(sys.executable).parent}:{kept['PATH']}"
    return {**kept, **{name: str(value) for name, value in told.items()}}
