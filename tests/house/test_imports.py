"""Imports run one way: the table of docs/architecture.md, held by the code and by the contracts of import-linter."""

import ast
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
OURS = ("api", "db", "dcm", "hooks", "workers", "wsbridge")
SHARED = (
    "dcm", "dcm.settings", "dcm.accepted", "dcm.backups", "dcm.bearers", "dcm.broker", "dcm.dead_messages",
    "dcm.domain", "dcm.figures", "dcm.logs", "dcm.prices", "dcm.redaction", "dcm.secret", "dcm.token_file",
    "dcm.tracing", "dcm.transcript_ends", "dcm.transcript_files",
)  # fmt: skip

MAY_IMPORT: dict[str, tuple[str, ...]] = {
    "api": ("api", "db", *SHARED),
    "workers": ("workers", "db", *SHARED),
    "wsbridge": ("wsbridge", "db", *SHARED),
    "db": ("db", "dcm.domain", "dcm.settings"),
    "dcm.domain": ("dcm.domain",),
    "dcm.cli": ("db.backups", "db.migrate", "dcm"),
    "dcm.relay": (
        "dcm.relay",
        "dcm",
        "dcm.domain",
        "dcm.settings",
        "dcm.logs",
        "dcm.lease",
        "dcm.ports",
        "dcm.token_file",
        "dcm.transcript_files",
        "dcm.embedded.places",
    ),
    "dcm": ("dcm",),
    "hooks": ("hooks",),
}
"""Who may import whom of us. The longest name that fits a module is its rule; `dcm` alone is its version."""

NEVER: dict[str, tuple[str, ...]] = {
    "api": ("workers", "wsbridge", "hooks", "dcm.cli", "dcm.embedded"),
    "workers": ("api", "wsbridge", "hooks", "dcm.cli", "dcm.embedded"),
    "wsbridge": ("api", "workers", "hooks", "dcm.cli", "dcm.embedded"),
    "db": ("api", "workers", "wsbridge", "hooks", "dcm.broker", "dcm.cli", "dcm.embedded", "dcm.logs"),
    "dcm.domain": ("api", "workers", "wsbridge", "hooks", "db", "dcm.settings", "dcm.broker", "dcm.cli"),
    "dcm.cli": ("api", "workers", "wsbridge", "hooks"),
    "dcm.relay": ("api", "workers", "wsbridge", "hooks", "db", "dcm.cli", "dcm.client", "dcm.broker"),
    "hooks": ("api", "workers", "wsbridge", "db", "dcm"),
}
"""What the contracts must say no to, directly imported."""

STANDARD_LIBRARY_ALONE = ("dcm.domain", "hooks")


def modules() -> Iterator[tuple[str, Path]]:
    """(dotted name, file) of every module of ours."""
    for package in OURS:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            yield ".".join(parts[:-1] if parts[-1] == "__init__" else parts), path


def imported(path: Path) -> Iterator[str]:
    """The dotted names a module imports: `from a import b` is a.b where that is a module, else a."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are absolute"
            for alias in node.names:
                whole = f"{node.module}.{alias.name}"
                yield whole if whole in NAMES else str(node.module)


NAMES = {name for name, _ in modules()}


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(f"{package}.")


def rule_of(module: str) -> str:
    return max((package for package in MAY_IMPORT if within(module, package)), key=len)


def allowed(name: str, by: str) -> bool:
    """`dcm` alone stands for dcm/__init__.py, except among the processes' own modules."""
    return any(
        name == package if package == "dcm" and by not in {"dcm", "dcm.cli"} else within(name, package)
        for package in MAY_IMPORT[by]
    )


@pytest.mark.parametrize("module", sorted(NAMES))
def test_a_module_imports_only_what_its_place_may(module: str) -> None:
    path = dict(modules())[module]
    rule = rule_of(module)
    ours = [name for name in imported(path) if name.partition(".")[0] in OURS]
    assert [name for name in ours if not allowed(name, rule)] == []


def test_the_rules_and_the_hook_client_stand_on_the_standard_library_alone() -> None:
    foreign = [
        f"{module} imports {name}"
        for module, path in modules()
        if any(within(module, package) for package in STANDARD_LIBRARY_ALONE)
        for name in imported(path)
        if name.partition(".")[0] not in {*sys.stdlib_module_names, *OURS}
    ]
    assert foreign == []


def test_only_db_imports_psycopg() -> None:
    importing = {
        module.partition(".")[0]
        for module, path in modules()
        for name in imported(path)
        if name.partition(".")[0].startswith("psycopg")
    }
    assert importing == {"db"}


def contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return found


def forbidden(source: str, target: str) -> bool:
    """Whether a contract forbids that anything in `source` imports anything in `target`."""
    for contract in contracts():
        if contract["type"] == "independence":
            if {source, target} <= set(contract["modules"]):
                return True
        elif any(within(source, each) for each in contract["source_modules"]) and any(
            within(target, each) for each in contract["forbidden_modules"]
        ):
            return True
    return False


@pytest.mark.parametrize("source", sorted(NEVER))
def test_the_contracts_forbid_what_the_table_forbids(source: str) -> None:
    assert [f"{source} -> {target}" for target in NEVER[source] if not forbidden(source, target)] == []


def test_the_contracts_hold_psycopg_in_db_and_libraries_out_of_the_rules_and_the_hook_client() -> None:
    for source in ("api", "workers", "wsbridge", "dcm", "hooks"):
        assert forbidden(source, "psycopg"), f"{source} -> psycopg"


def test_the_contracts_keep_the_shared_packages_from_all_of_db_but_migrations_and_backups() -> None:
    of_db = {name for name in NAMES if name.startswith("db.")} - {"db.backups", "db.migrate", "db.migrations"}
    assert {name for name in of_db if not forbidden("dcm", name)} == set()


def test_import_linter_finds_the_contracts_kept() -> None:
    told = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert told.returncode == 0, told.stdout + told.stderr
    assert "0 broken" in told.stdout


def test_every_package_is_installed() -> None:
    tool = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert set(tool["setuptools"]["packages"]["find"]["include"]) == {f"{package}*" for package in OURS}
