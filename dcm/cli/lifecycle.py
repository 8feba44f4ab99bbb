"""`dcm start`, `dcm stop`, `dcm restart`: DCM in the background."""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Iterator

import click

from dcm import lease, start_log
from dcm.autostart import AlreadyRunsError, log_path, runs, start_in_background
from dcm.cli import options, up
from dcm.cli.hints import callable_here
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.embedded.places import make_home, places
from dcm.launcher import ANY_ADDRESS
from dcm.lines import healthy
from dcm.settings import Settings

START_SECONDS = 90.0
"""Seconds a start may take; the first one makes a database."""

STOP_SECONDS, KILL_SECONDS = 15.0, 10.0
"""Seconds to stop in when asked, and after being killed."""


@click.command()
@options.as_json
def start(*, as_json: bool) -> None:
    """Run DCM in the background; `dcm stop` ends it. What it says is in DCM_HOME/logs/dcm.log.

    When it runs already nothing happens.

    \b
    Examples:
      dcm start
      DCM_HOME=/srv/second PORT=4847 DASHBOARD_PORT=4848 WS_PORT=4849 dcm start
    """
    _start(options.settings(), as_json=as_json)


@click.command()
@options.as_json
def stop(*, as_json: bool) -> None:
    """Stop the DCM of this DCM_HOME, whether it runs in the background or as `dcm up` in a terminal.

    It is known by a lock that it holds as long as it lives; nothing else is ever ended.

    \b
    Examples:
      dcm stop
      DCM_HOME=/srv/second dcm stop
    """
    settings = options.settings()
    stopped = end(settings)
    if as_json:
        options.show_json({"stopped": stopped})
    else:
        click.echo("DCM is stopped." if stopped else f"DCM does not run in {settings.home}.")


@click.command()
@options.as_json
def restart(*, as_json: bool) -> None:
    """Stop DCM if it runs, and start it in the background.

    \b
    Example:
      dcm restart
    """
    settings = options.settings()
    end(settings)
    _start(settings, as_json=as_json)


def running_pid(settings: Settings) -> int | None:
    """The process that runs this DCM_HOME, None when none does, whatever a file says."""
    path = up.pid_file(settings)
    return lease.read_pid(path) if lease.held(path) else None


def kept_lines(settings: Settings) -> list[str]:
    """The lines of the Procfile that are being kept alive."""
    run = places(settings.home).run
    return sorted(path.stem for path in run.glob("*.keeper") if lease.held(path))


def end(settings: Settings) -> bool:
    """Stop what runs in this DCM_HOME; False when nothing does.

    Raises:
        StartError: it was not started by `dcm`, or does not stop.
    """
    pid = running_pid(settings)
    if pid is None and (lines := kept_lines(settings)):
        raise StartError(
            f"{', '.join(lines)} of {settings.home} run, but were not started by `dcm`: stop them where they were "
            "started, with Ctrl-C."
        )
    if pid is None:
        return False
    for sign, seconds in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, KILL_SECONDS)):
        if running_pid(settings) != pid:
            break
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
        if _all_free(settings, seconds):
            return True
    if not _all_free(settings, KILL_SECONDS):
        raise StartError(f"DCM (process {pid}) does not stop: see {log_path(settings)}.")
    return True


def urls(settings: Settings) -> dict[str, str]:
    """Where a person finds it."""
    host = ANY_ADDRESS.get(settings.host, settings.host)
    name = f"[{host}]" if ":" in host else host
    if settings.server:
        return {"relay": f"http://{name}:{settings.port}", "server": settings.server}
    return {
        "dashboard": f"http://{name}:{settings.dashboard_port}",
        "api": f"http://{name}:{settings.port}",
        "websocket": f"ws://{name}:{settings.ws_port}",
    }


def bring_up(settings: Settings) -> bool:
    """Run it in the background and wait until it answers; False when it runs already.

    Raises:
        StartError: it did not start; the message says why.
    """
    already = _begins_or_runs(settings)
    make_home(settings.home)
    began = start_log.size(log_path(settings))
    try:
        process = None if already else start_in_background(settings)
    except AlreadyRunsError:
        process, already = None, True
    if process:
        _wait_until_healthy(settings, process, began)
    else:
        _wait_for_the_other(settings, began)
    return not already


def _start(settings: Settings, *, as_json: bool) -> None:
    already = not bring_up(settings)
    if as_json:
        options.show_json({"started": not already, "pid": running_pid(settings), **urls(settings)})
        return
    click.echo(f"DCM already runs in {settings.home}." if already else "DCM is up.")
    for name, url in urls(settings).items():
        click.echo(f"  {name:<10} {url}")
    if access.is_open(settings.host):
        click.echo(callable_here(f"  {'tokens':<10} {up.HOW_OTHERS_CALL}"))


def _begins_or_runs(settings: Settings) -> bool:
    return running_pid(settings) is not None or bool(kept_lines(settings))


def _wait_for_the_other(settings: Settings, began: int) -> None:
    """Wait for a start that somebody else made just now; one that has long been there is left as it is."""
    for _ in _until(START_SECONDS):
        if running_pid(settings) is None and not runs(settings):
            raise StartError(f"DCM did not start: {start_log.reason(log_path(settings), began)}")
        if healthy(settings) or _age(settings) > START_SECONDS:
            return


def _age(settings: Settings) -> float:
    """Seconds since the DCM of this home took its lock."""
    path = up.pid_file(settings)
    return time.time() - path.stat().st_mtime if lease.held(path) else 0.0


def _wait_until_healthy(settings: Settings, process: "subprocess.Popen[bytes]", began: int) -> None:
    for _ in _until(START_SECONDS):
        if process.poll() is not None:
            raise StartError(f"DCM did not start: {start_log.reason(log_path(settings), began)}")
        if healthy(settings) and running_pid(settings) == process.pid:
            return
    raise StartError(f"DCM does not answer after {START_SECONDS:.0f} s: see {log_path(settings)}, or run `dcm doctor`.")


def _all_free(settings: Settings, seconds: float) -> bool:
    """Wait until nothing of this DCM_HOME lives."""
    run = places(settings.home).run
    locks = [up.pid_file(settings), *run.glob("*.keeper"), *run.glob("*.child")]
    deadline = time.monotonic() + seconds
    return all(lease.wait_free(lock, deadline - time.monotonic()) for lock in locks)


def _until(seconds: float) -> Iterator[None]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        yield
        time.sleep(0.1)
