"""The keeper: one for each line of the Procfile. It starts the line's process and brings it back when it dies.

It is light (standard library, no driver), waits for what its process needs, and ends by itself only
when a first start cannot succeed: honcho stops everything when one line ends.
"""

import contextlib
import os
import subprocess
import sys
import time

from dcm import child, guard, lease, ports
from dcm.domain.errors import DcmError, StartError
from dcm.embedded.disk import last_words
from dcm.embedded.places import Places, make_home, places
from dcm.lines import SERVICES, STORES, Store, healthy, no_answer, service_program
from dcm.settings import Settings, load
from dcm.wake import Wake

SPEAKER = "api"
"""The line that says at once what stops every line; the others say it a moment later, if they still live."""

FIRST_PAUSE, LONGEST_PAUSE, SETTLED = 0.2, 10.0, 30.0
"""Seconds before a dead process comes back (doubling), at most, and the life after which the pause is short again."""

FIRST_TRIES = 4
"""How often a store may die before it ever answered."""

PATIENCE = 3.4
"""Seconds the stores wait for the services at a stop; honcho kills after five."""


def say(text: str) -> None:
    """Tell the person; never fail for lack of a listener."""
    with contextlib.suppress(OSError):
        print(text, flush=True)  # noqa: T201 - the keepers' output is what `make up` shows


class Keeper:
    """Keeps one process alive until it is told to stop."""

    def __init__(self, line: str, settings: Settings, wake: Wake, *, first: bool) -> None:
        self.line, self.settings, self.wake, self.first = line, settings, wake, first
        self.where: Places = places(settings.home)
        self.name = os.environ.get("HONCHO_PROCESS_NAME") or f"{line}.1"
        self.lock = self.where.run / f"{self.name}.child"
        self.store = STORES.get(line)
        self.guard: guard.Guard | None = None
        self.process: subprocess.Popen[bytes] | None = None
        self.ready = self.unread = False
        self.pause = FIRST_PAUSE
        self.deaths = 0

    def run(self) -> None:
        """Keep until told to stop.

        Raises:
            DcmError: a first start cannot succeed.
        """
        make_home(self.settings.home)
        if lease.take(self.where.run / f"{self.name}.keeper") is None:
            raise StartError(
                f"DCM already runs in {self.settings.home}: stop it first, "
                "or give this one a DCM_HOME and ports of its own."
            )
        self.guard = guard.Guard(self.line)
        try:
            self._keep()
        except DcmError:
            self.guard.dismiss()
            raise
        self.guard.dismiss()
        if self.unread:
            guard.release_honcho()

    def _keep(self) -> None:
        if self.store and not self.store.embedded(self.settings):
            say(f"{self.store.title} is your own: nothing to run here")
            while not self.wake.stopping:
                self._pause(1.0)
            return
        program = self._program_once_ready()
        while program and not self.wake.stopping:
            self._live(program)
        if program:
            self._stop(program)

    def _program_once_ready(self) -> child.Program | None:
        """What to run, once all it needs is there; None when we are to stop before that."""
        while not self.wake.stopping:
            try:
                return self._prepare()
            except DcmError as error:
                if self.first or self.wake.stopping:
                    raise
                say(str(error))
                self._back_off()
        return None

    def _prepare(self) -> child.Program:
        if self.store:
            program = self.store.program(self.settings)
            child.end(program, self.lock)
            self.store.prepare(self.settings, say)
            return program
        program = service_program(SERVICES[self.line])
        child.end(program, self.lock)
        if self.first:
            for attribute, variable, purpose in SERVICES[self.line].ports:
                ports.require_free(self.settings.host, getattr(self.settings, attribute), variable, purpose)
        self._await_stores()
        return program

    def _await_stores(self) -> None:
        """Wait for both stores, and bring the database to this version's schema."""
        for store in STORES.values():
            self._await(store)
        while not self.wake.stopping:
            done = self._step([sys.executable, "-m", "dcm", "migrate"])
            if done.returncode == 0 or self.wake.stopping:
                if done.stdout:
                    say(done.stdout.strip())
                return
            if self._gives_up():
                raise StartError(done.stdout.strip().removeprefix("dcm: "))
            self._back_off()

    def _gives_up(self) -> bool:
        """Whether this line ends the start for all when a store of the person's own is not there."""
        return self.line == SPEAKER and self.first

    def _await(self, store: Store) -> None:
        began, tries, told = time.monotonic(), 0, False
        while not self.wake.stopping and not store.answers(self.settings):
            waited = time.monotonic() - began
            tries += 1
            if self._gives_up() and not store.embedded(self.settings) and tries > self.settings.max_db_retries:
                raise StartError(no_answer(store, self.settings))
            if not told and waited > (1 if self.line == SPEAKER else 10):
                say(f"waiting for {store.title}")
                told = True
            self._rest(0.1 if store.embedded(self.settings) else 1.0)

    def _live(self, program: child.Program) -> None:
        """One life of the process, and the pause after it."""
        born = time.monotonic()
        try:
            self.process = child.start(program, self.lock)
        except (DcmError, OSError) as error:
            reason = str(error)
        else:
            self._watch(self.process)
            if self.wake.stopping:
                return
            reason = _obituary(self.process)
        child.end(program, self.lock)
        if time.monotonic() - born > SETTLED:
            self.pause = FIRST_PAUSE
        self._mourn(program, reason)

    def _watch(self, process: "subprocess.Popen[bytes]") -> None:
        while process.poll() is None and not self.wake.stopping:
            if not self.ready and self._answers():
                self._announce()
            self._pause(1.0 if self.ready else 0.1)
            if not guard.output_is_read():
                self._lose_listener()
                return

    def _lose_listener(self) -> None:
        """Nobody reads our output: the terminal is gone, and we go too, or only the reader was killed."""
        if guard.honcho_lives() and guard.HONCHO in os.environ:
            guard.write_to(self.where.logs / f"{self.name}.log")
            self.unread = True
        else:
            self.wake.stopping = True

    def _answers(self) -> bool:
        if self.store:
            return self.store.answers(self.settings)
        return self.line != "api" or healthy(self.settings)

    def _announce(self) -> None:
        self.ready = True
        if self.line == "api":
            show = "DCM is up: http://{0}:{1} (API on port {2}, WebSocket on {3}); Ctrl-C stops it"
            now = self.settings
            say(show.format(now.host, now.dashboard_port, now.port, now.ws_port))
        elif self.store:
            say(f"{self.store.title} answers")

    def _mourn(self, program: child.Program, reason: str) -> None:
        self.deaths += 1
        if self.store and self.first and not self.ready and self.deaths >= FIRST_TRIES:
            words = last_words(program.log) if program.log else reason
            raise StartError(f"{self.store.title} does not start: {words} (the whole log: {program.log})")
        say(f"{reason}; back in {self.pause:.1f} s")
        self.ready = False
        self._back_off()

    def _back_off(self) -> None:
        self._rest(self.pause)
        self.pause = min(self.pause * 2, LONGEST_PAUSE)

    def _rest(self, seconds: float) -> None:
        """Pause that long, whatever ends meanwhile; not when we are to stop."""
        until = time.monotonic() + seconds
        while not self.wake.stopping and (left := until - time.monotonic()) > 0:
            self._pause(min(left, 1.0))

    def _pause(self, seconds: float) -> None:
        """Sleep, with an eye on our twin and on honcho."""
        self.wake.wait(seconds)
        if self.wake.stopping:
            return
        if self.guard:
            self.guard.check()
        if not guard.honcho_lives():
            self.wake.stopping = True

    def _stop(self, program: child.Program) -> None:
        if self.store:
            until = time.monotonic() + PATIENCE
            for lock in sorted(self.where.run.glob("*.child")):
                if lock.name.partition(".")[0] in SERVICES:
                    lease.wait_free(lock, until - time.monotonic())
        child.end(program, self.lock)
        if self.process:
            self.process.wait()

    def _step(self, argv: list[str]) -> "subprocess.CompletedProcess[str]":
        """Run something short to its end; in our group, so that honcho's signals reach it."""
        with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            text, _ = process.communicate()
        return subprocess.CompletedProcess(argv, process.returncode, text)


def _obituary(process: "subprocess.Popen[bytes]") -> str:
    code = process.poll()
    if code is None:
        return "starting again"
    return f"it was ended by signal {-code}" if code < 0 else f"it ended with code {code}"


def main() -> int:
    """Keep the line of the Procfile named by the first argument; `again` follows it when a twin takes over."""
    os.umask(child.OWN)
    wake = Wake()
    guard.note_honcho()
    line = sys.argv[1]
    try:
        Keeper(line, load(), wake, first="again" not in sys.argv[2:]).run()
    except DcmError as error:
        if line != SPEAKER:
            wake.wait(0.7)
        if not wake.stopping:
            say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
