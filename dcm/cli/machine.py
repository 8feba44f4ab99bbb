"""What `dcm doctor` looks at on this machine: programs, files, folders, ports."""

import difflib
import os
import re
import shlex
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from dcm import dotenv, ports
from dcm.cli import logs, registration, up
from dcm.cli.findings import Finding, broken, ok, warning
from dcm.domain.claude_settings import endpoint
from dcm.domain.errors import InvalidInput, SettingsError, StartError
from dcm.embedded.disk import require_room
from dcm.launcher import CLIENT, launcher_path, server_url
from dcm.settings import VARIABLES, Settings

PYTHON, NODE = (3, 11), 20
"""The oldest versions that work."""

CLIENT_WITH_PROMPT_IDS = (2, 1, 196)
"""From this version on Claude Code says which prompt an event belongs to."""

SECRETS = ("*secret*", "*token*")
"""Files of DCM_HOME nobody else may read."""


def python() -> Iterator[Finding]:
    """The Python that runs this."""
    found = ".".join(map(str, sys.version_info[:3]))
    if sys.version_info >= PYTHON:
        yield ok("Python", found)
    else:
        yield broken("Python", f"{found} is too old", "Install Python 3.11 or later, then `make clean` and `make up`.")


def dashboard() -> Iterator[Finding]:
    """Whether the dashboard is built, or else could be."""
    if (up.ROOT / "dashboard" / "dist" / "index.html").exists():
        yield ok("dashboard", "it is built")
        return
    version = _version("node", "--version")
    if version and version[0] >= NODE and shutil.which("npm"):
        yield warning("dashboard", "it is not built", "Run `make up` once: it builds it.")
    else:
        found = f"Node {version[0]} is too old" if version else "Node is missing"
        yield warning("dashboard", f"it is not built, and {found}", "Install Node 20 or later, then run `make up`.")


def claude() -> Iterator[Finding]:
    """Whether Claude Code is there, and new enough."""
    version = _version("claude", "--version")
    if version is None:
        yield warning("Claude Code", "it is not on the PATH", "Install it, or add its folder to PATH.")
    elif version < CLIENT_WITH_PROMPT_IDS:
        yield warning("Claude Code", f"{_dotted(version)} does not say which prompt an event is of", "Update it.")
    else:
        yield ok("Claude Code", _dotted(version))


def _version(*argv: str) -> tuple[int, ...] | None:
    """The version a program prints; None when it is not there or does not say."""
    try:
        told = subprocess.run(argv, capture_output=True, text=True, timeout=10, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return None
    found = re.search(r"(\d+)\.(\d+)\.(\d+)", told)
    return tuple(map(int, found.groups())) if found else None


def _dotted(version: tuple[int, ...]) -> str:
    return ".".join(map(str, version))


def env_file(path: Path) -> Iterator[Finding]:
    """Whether .env says what its writer meant."""
    if not path.exists():
        yield ok(".env", "there is none")
        return
    try:
        dotenv.read(path)
        faults = [*_line_faults(path)]
    except SettingsError as error:
        says, _, mend = str(error).rstrip(".").replace(": write", ". Write").rpartition(". ")
        yield broken(".env", says, f"{mend}.")
        return
    for says in faults:
        yield warning(".env", says, f"Correct {path}.")
    if any("PASSWORD" in line for line in dotenv.lines(path)) and path.stat().st_mode & 0o077:
        yield warning(".env", "others may read the password in it", f"Run `chmod 600 {path}`.")
    elif not faults:
        yield ok(".env", str(path))


def _line_faults(path: Path) -> Iterator[str]:
    for number, line in enumerate(dotenv.lines(path), 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        name, equals, value = line.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]\w*", name.strip()):
            yield f"line {number} is not NAME=value"
        elif name.strip().startswith(("DCM_", "DB_")) and name.strip() not in VARIABLES:
            yield f"line {number} sets {name.strip()}, which DCM does not know{_meant(name.strip())}"
        elif name.strip() not in VARIABLES and _meant(name.strip()):
            yield f"line {number} sets {name.strip()}{_meant(name.strip())}"
        elif re.search(r"\S\s{2,}\S|\s#", value):
            yield f"line {number}: what follows the value of {name.strip()} is taken as part of it"


def _meant(name: str) -> str:
    """Which variable may have been meant by a name that is none."""
    near = difflib.get_close_matches(name, sorted(VARIABLES | {"CONTEXT_MANAGER_URL"}), n=1, cutoff=0.75)
    return f" (did you mean {near[0]}?)" if near and near[0] != name else ""


def home(settings: Settings) -> Iterator[Finding]:
    """Whether DCM_HOME is ours, closed to others, and has room."""
    folder = settings.home
    given = os.environ.get("DCM_HOME", "")
    if given and not Path(given).expanduser().is_absolute():
        yield warning("DCM_HOME", f"{given} is another folder wherever you are, now {folder}", "Give its whole path.")
    if not folder.exists():
        parent = next(part for part in folder.parents if part.exists())
        if parent.is_dir() and os.access(parent, os.W_OK | os.X_OK):
            yield ok("DCM_HOME", f"{folder} will be made at the first start")
        else:
            yield broken("DCM_HOME", f"{folder} cannot be made in {parent}", "Set DCM_HOME to a folder of your own.")
        yield from _room(folder)
        return
    if not folder.is_dir():
        yield broken("DCM_HOME", f"{folder} is not a folder", "Set DCM_HOME to a folder, or move what is there away.")
        return
    mode = stat.S_IMODE(folder.stat().st_mode)
    if folder.stat().st_uid != os.getuid():
        yield broken("DCM_HOME", f"{folder} belongs to another user", "Set DCM_HOME to a folder of your own.")
    elif not os.access(folder, os.W_OK | os.X_OK):
        yield broken("DCM_HOME", f"{folder} cannot be written", f"Run `chmod u+rwx {folder}`.")
    elif mode & 0o066:
        yield warning("DCM_HOME", f"others may look into {folder}", f"Run `chmod go-rw {folder}`.")
    else:
        yield ok("DCM_HOME", str(folder))
    yield from _room(folder)
    for path in sorted(path for pattern in SECRETS for path in folder.glob(pattern) if path.is_file()):
        if path.stat().st_mode & 0o077:
            yield broken("secret", f"others may read {path}", f"Run `chmod 600 {path}`.")
        else:
            yield ok("secret", f"only you can read {path}")


def _room(folder: Path) -> Iterator[Finding]:
    for megabytes, found in ((20, broken), (300, warning)):
        try:
            require_room(folder, megabytes, "DCM")
        except StartError as error:
            fault, _, mend = str(error).rpartition(": ")
            yield found("disk", fault, mend[:1].upper() + mend[1:])
            return
    yield ok("disk", "there is room")


def free_ports(settings: Settings) -> Iterator[Finding]:
    """Whether the ports could be had; asked only while DCM does not run."""
    try:
        up.require_ports(settings)
    except StartError as error:
        for says in str(error).splitlines():
            fault, _, mend = says.strip().rpartition(". ")
            yield broken("port", fault, mend)
        return
    yield ok("ports", f"{settings.port}, {settings.dashboard_port} and {settings.ws_port} are free")


def own_ports(settings: Settings) -> Iterator[Finding]:
    """Whether the ports of a DCM that runs are listened on."""
    for port, variable in ((settings.port, "PORT"), (settings.dashboard_port, "DASHBOARD_PORT")):
        if ports.owner_of(port) is None and Path("/proc/net/tcp").exists():
            yield broken(
                "port",
                f"nobody listens on {port} ({variable})",
                f"{logs.advice(settings, 'api')} Then run `dcm restart`.",
            )


def launcher(settings: Settings) -> Iterator[Finding]:
    """Whether the hooks find this copy of DCM."""
    path = launcher_path(settings.home)
    if not path.exists():
        yield broken("launcher", f"{path} is missing", "Run `dcm install`.")
        return
    lines = (line.partition("=") for line in path.read_text(encoding="utf-8").splitlines())
    told = {name: "".join(shlex.split(value)) for name, _, value in lines if name in {"python", "client", "url"}}
    if told.get("url") != server_url(settings):
        yield broken("launcher", f"it reports to {told.get('url')}, not {server_url(settings)}", "Run `dcm install`.")
    elif not os.access(path, os.X_OK) or not os.access(told.get("python", ""), os.X_OK):
        yield broken("launcher", "it cannot be run, or its Python is gone", "Run `dcm install`.")
    elif told.get("client") != str(CLIENT):
        yield warning("launcher", f"it runs another copy of DCM: {told.get('client')}", "Run `dcm install`.")
    else:
        yield ok("launcher", str(path))


def hooks(settings: Settings) -> Iterator[Finding]:
    """Whether Claude Code was told to report here."""
    found = registration.look()
    if found.problem:
        yield broken("hooks", found.problem, "Correct the file; Claude Code does not read it as it is.")
    elif not found.ways:
        yield broken("hooks", "Claude Code does not report to DCM", "Run `dcm hooks`, or install the plugin.")
    elif found.disabled:
        yield broken("hooks", f"{found.settings} says disableAllHooks", "Take that line out.")
    elif elsewhere := sorted(url for url in found.urls if not _same_server(url, server_url(settings))):
        yield broken("hooks", f"they report to {', '.join(elsewhere)}, not {server_url(settings)}", "Run `dcm hooks`.")
    elif found.absent:
        yield warning("hooks", f"{', '.join(found.absent)} are not reported", "Run `dcm hooks`.")
    else:
        yield ok("hooks", " and ".join(found.ways))


def _same_server(one: str, other: str) -> bool:
    try:
        return endpoint(one).replace("localhost", "127.0.0.1") == endpoint(other)
    except InvalidInput:
        return False
