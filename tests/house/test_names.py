"""Names, sizes and documentation: what a reader may count on in every file."""

import ast
import re
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import pytest

from dcm.cli.configuration import DEFAULTS
from dcm.settings import Settings

ROOT = Path(__file__).parents[2]
CODE = ("api", "bench", "db", "dcm", "hooks", "runner", "tests", "workers", "wsbridge")
FOLDERS = (*CODE, "dashboard", "docs", ".ci", ".claude-plugin")
NOT_OURS = {"node_modules", "dist", "__pycache__", "build"}
FORBIDDEN = {
    "utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "service", "services", "handler",
    "handlers", "core", "impl",
}  # fmt: skip
LINES, OF_A_FUNCTION = 300, 40


def files() -> Iterator[Path]:
    """Every file of ours in a folder of ours, and those beside them."""
    yield from (path for path in ROOT.iterdir() if path.is_file())
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path.is_file() and not NOT_OURS & set(path.relative_to(ROOT).parts):
                yield path


def python_files() -> list[Path]:
    return [path for path in files() if path.suffix == ".py"]


def words(name: str) -> set[str]:
    """The words of a name: of-a-path, of_a_function, OfAClass."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", " ", name)
    return {word.lower() for word in re.split(r"[^A-Za-z]+", parted) if word}


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in python_files():
        yield path, ast.parse(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("TaskManager", {"manager"}),
        ("HTTPHandler", {"handler"}),
        ("dcm/common/x.py", {"common"}),
        ("db-utils.ts", {"utils"}),
        ("database.py", set()),
        ("Rescore", set()),
    ],
)
def test_a_forbidden_word_is_found_as_a_word_of_a_name(name: str, found: set[str]) -> None:
    assert words(name) & FORBIDDEN == found


def test_no_path_has_a_word_that_names_nothing() -> None:
    assert [shown(path) for path in files() if words(shown(path)) & FORBIDDEN] == []


def test_no_class_has_a_word_that_names_nothing() -> None:
    python = [
        f"{shown(path)}: {node.name}"
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef) and words(node.name) & FORBIDDEN
    ]
    typescript = [
        f"{shown(path)}: {name}"
        for path in files()
        if path.suffix in {".ts", ".tsx"}
        for name in re.findall(r"\b(?:class|interface|type)\s+([A-Z]\w*)", path.read_text(encoding="utf-8"))
        if words(name) & FORBIDDEN
    ]
    assert python + typescript == []


def test_no_top_level_folder_shadows_a_library_or_is_taken_for_part_of_the_plugin() -> None:
    taken = {"commands", "agents", "skills", "bin", "monitors", "workflows", "mcp", "queue", "redis", "logging"}
    assert {path.name for path in ROOT.iterdir() if path.is_dir()} & taken == set()


def test_no_python_file_is_longer_than_three_hundred_lines() -> None:
    lengths = {shown(path): len(path.read_text(encoding="utf-8").splitlines()) for path in python_files()}
    assert {name: length for name, length in lengths.items() if length > LINES} == {}


def test_no_function_but_those_of_tests_is_longer_than_forty_lines() -> None:
    lengths = {
        f"{shown(path)}: {node.name}": node.end_lineno - node.lineno + 1
        for path, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.end_lineno
    }
    long = {name: length for name, length in lengths.items() if length > OF_A_FUNCTION}
    assert [name for name in long if not name.startswith("tests/")] == []


def test_every_module_has_a_docstring() -> None:
    """A test's name is its specification: of tests the linter asks for none."""
    bare = [shown(path) for path, tree in trees() if not ast.get_docstring(tree)]
    assert [name for name in bare if not name.startswith("tests/")] == []


def test_tests_have_no_package_that_would_shadow_what_they_test() -> None:
    assert [shown(path) for path in (ROOT / "tests").rglob("__init__.py") if "node_modules" not in path.parts] == []


def test_every_test_is_named_as_a_specification() -> None:
    """At least four words: what holds, and when."""
    short = [
        f"{shown(path)}: {node.name}"
        for path, tree in trees()
        if path.name.startswith("test_")
        for node in tree.body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and node.name.count("_") < 4
    ]
    assert short == []


def test_every_setting_says_what_it_does_and_which_variable_sets_it() -> None:
    named = []
    for item in fields(Settings):
        assert re.fullmatch(r"\w.{10,}\.", item.metadata["doc"]), item.name
        assert isinstance(item.metadata["secret"], bool), item.name
        if item.metadata["env"]:
            named.append(item.metadata["env"])
    assert len(set(named)) == len(named)
    assert all(re.fullmatch(r"[A-Z][A-Z_]+", name) for name in named)


def test_a_default_that_the_example_of_an_environment_names_is_the_one_of_the_settings_page() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    told = dict(re.findall(r"^# ([A-Z_]+)=.*\(default:? ([^)]+)\)$", example, re.MULTILINE))
    page = {item.metadata["env"]: DEFAULTS[item.name].strip("`") for item in fields(Settings) if item.name in DEFAULTS}
    both = told.keys() & page.keys()
    assert "DCM_TOKEN_FILE" in both
    assert {name: told[name] for name in both} == {name: page[name] for name in both}


def test_every_variable_that_is_read_is_told_of_in_the_example_of_an_environment() -> None:
    example = (ROOT / ".env.example").read_text(encoding="utf-8")
    source = (ROOT / "dcm" / "settings.py").read_text(encoding="utf-8")
    read = re.findall(r'environ(?:\.get\(|\[|, )"([A-Z_]+)"', source)
    set_by_programs = {"HOME", "HONCHO_PROCESS_NAME", "DCM_PORT"}
    told = set(re.findall(r"^#? ?([A-Z_]+)=", example, re.MULTILINE))
    assert set(read) - set_by_programs - told == set()
    assert {item.metadata["env"] for item in fields(Settings)} - {""} - told == set()
