"""`python docs/conformance.py` writes conformance.md: each promise of contract.toml and the tests that prove it."""

import ast
import re
import sys
import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

DOCS = Path(__file__).resolve().parent
TESTS = DOCS.parent / "tests"
PAGE = DOCS / "conformance.md"

TITLES = {
    "routes": "Routes",
    "running": "Running it",
    "telemetry": "Telemetry",
    "websocket": "WebSocket",
    "hooks": "Hooks",
    "commands": "Commands",
}

Contract = Mapping[str, Mapping[str, list[str]]]
"""Part, heading, promises."""

Proofs = Mapping[str, list[tuple[str, str]]]
"""Promise: the tests that prove it, each its file, as seen from the repository's root, and its name."""


class UnknownPromise(LookupError):
    """A test names what contract.toml does not."""


def contract() -> Contract:
    """The promises, as they stand in contract.toml."""
    parts: Contract = tomllib.loads((DOCS / "contract.toml").read_text(encoding="utf-8"))
    return parts


def promises(parts: Contract) -> list[str]:
    """All promises, in order."""
    return [promise for headings in parts.values() for rows in headings.values() for promise in rows]


def marks(source: str) -> Iterator[tuple[str, str]]:
    """(promise, name of the test) of every `@pytest.mark.contract("promise", ...)` in a module."""
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        for mark in node.decorator_list:
            if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.contract":
                yield from ((ast.literal_eval(promise), node.name) for promise in mark.args)


def proofs(known: list[str]) -> Proofs:
    """The tests of every promise that has one.

    Raises:
        UnknownPromise: a test names another; the message says which.
    """
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    for path in sorted(TESTS.rglob("test_*.py")):
        if "node_modules" in path.parts:
            continue
        place = path.relative_to(DOCS.parent).as_posix()
        for promise, test in marks(path.read_text(encoding="utf-8")):
            if promise not in known:
                raise UnknownPromise(f"{place}: {test} is marked with {promise!r}, which docs/contract.toml lacks.")
            found[promise].append((place, test))
    return found


def page(parts: Contract, found: Proofs) -> str:
    """The page."""
    rows = promises(parts)
    open_ones = [promise for promise in rows if promise not in found]
    lines = ["# Conformance", ""]
    lines += [
        "<!-- Written by `python docs/conformance.py`; change docs/contract.toml or a test's mark instead. -->",
        "",
    ]
    lines += [f"{len(rows) - len(open_ones)} of {len(rows)} promises have a test that is marked with them.", ""]
    for part, headings in parts.items():
        lines += [f"## {TITLES[part]}", ""]
        for heading, promised in headings.items():
            lines += [f"### {heading}", "", "| promise | proved by |", "|---|---|"]
            lines += [f"| `{promise}` | {_proved(found.get(promise, []))} |" for promise in promised]
            lines += [""]
    if open_ones:
        lines += ["## Without a test", "", *(f"- `{promise}`" for promise in open_ones), ""]
    return "\n".join(lines)


def _proved(tests: list[tuple[str, str]]) -> str:
    shown = (f"[{re.sub('_', ' ', name.removeprefix('test_'))}](../{place})" for place, name in tests)
    return "<br>".join(shown) or "nothing yet"


def current() -> str:
    """The page as it should be now."""
    parts = contract()
    return page(parts, proofs(promises(parts)))


if __name__ == "__main__":
    try:
        PAGE.write_text(current(), encoding="utf-8")
    except UnknownPromise as error:
        sys.exit(str(error))
