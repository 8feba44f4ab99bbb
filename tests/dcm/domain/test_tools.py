"""What a tool call is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.tools import SUMMARY_LIMIT, file_paths, one_line, summary, tool_type, values_text


@pytest.mark.parametrize(
    ("name", "kind"),
    [("Bash", "builtin"), ("Agent", "agent"), ("Task", "agent"), ("TaskCreate", "builtin"), ("TaskUpdate", "builtin"),
     ("Skill", "skill"), ("mcp__github__search", "mcp"), ("mcp", "builtin"), ("", "builtin")],
)  # fmt: skip
def test_the_table_of_tool_types(name: str, kind: str) -> None:
    assert tool_type(name) == kind


@pytest.mark.parametrize(
    ("name", "asked", "paths"),
    [
        ("Edit", {"file_path": "/a"}, ["/a"]),
        ("NotebookEdit", {"notebook_path": "/n.ipynb"}, ["/n.ipynb"]),
        ("Read", {"file_path": "/a", "path": "/a"}, ["/a"]),
        ("Read", {"file_path": ""}, []),
        ("Write", {"file_path": 7}, []),
        ("Grep", {"path": "/a"}, []),
        ("Bash", {"command": "cat /a"}, []),
    ],
)
def test_files_are_those_that_reading_and_writing_tools_name(
    name: str, asked: dict[str, object], paths: list[str]
) -> None:
    assert file_paths(name, asked) == paths


@given(st.text(), st.integers(1, 300))
def test_one_line_has_no_line_breaks_and_fits(text: str, limit: int) -> None:
    line = one_line(text, limit)
    assert len(line) <= limit
    assert len(line.splitlines()) <= 1
    assert one_line(line, limit) == line


@given(st.dictionaries(st.sampled_from(["description", "command", "file_path", "x"]), st.text() | st.integers()))
def test_a_summary_is_one_short_line(asked: dict[str, object]) -> None:
    assert len(summary(asked)) <= SUMMARY_LIMIT
    assert "\n" not in summary(asked)


def test_a_summary_is_the_description_before_the_command() -> None:
    assert summary({"command": "ls -la", "description": " List\nfiles "}) == "List files"
    assert summary({"command": "ls -la", "description": ""}) == "ls -la"


def test_the_words_of_an_input_are_its_values_however_deep() -> None:
    assert values_text({"a": "one", "b": [{"c": "two"}, 3, None, "three"], "d": {"e": "four"}}) == "one two three four"
