"""What finished tool calls tell: above all which errors are still open."""

from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain import tool_calls
from dcm.domain.tool_calls import ERROR_LIMIT, ToolCall, commands, decisions, files_changed, files_read, program_words

BEGAN = datetime(2026, 11, 21, 12, tzinfo=UTC)
_numbers = count()


def call(tool: str, asked: dict[str, Any] | None = None, error: str = "", **fields: Any) -> ToolCall:
    """A call, a second after the one made before it."""
    path = (asked or {}).get("file_path")
    given = {"got": {}, "file_paths": [path] if path else [], "by_subagent": False} | fields
    at = BEGAN + timedelta(seconds=next(_numbers))
    return ToolCall(tool=tool, asked=asked or {}, success=not error, error=error, at=at, **given)


def bash(command: str, error: str = "") -> ToolCall:
    return call("Bash", {"command": command}, error)


def edit(path: str, error: str = "", tool: str = "Edit") -> ToolCall:
    return call(tool, {"file_path": path}, error)


def open_errors(*calls: ToolCall) -> list[str]:
    return [error.what for error in tool_calls.open_errors(calls)]


COMMANDS = ["pytest", "pytest -x tests/a.py", "cd /w && pytest -q", "npm test", "npm run lint", "make && make install",
            "git push", "FOO=1 npm test 2>&1 | tail -3", "ls; pytest", "echo a"]  # fmt: skip
SHELL = st.builds(bash, st.sampled_from(COMMANDS), st.sampled_from(["", "Exit code 1"]))
EDITS = st.builds(
    edit, st.sampled_from(["/a", "/b"]), st.sampled_from(["", "no match"]), st.sampled_from(["Edit", "Write", "Read"])
)
CALLS = st.lists(
    SHELL | EDITS | st.builds(call, st.just("WebFetch"), st.just({"url": "u"}), st.sampled_from(["", "x"])), max_size=20
)


@given(CALLS)
def test_after_everything_was_done_again_with_success_no_error_is_open(calls: list[ToolCall]) -> None:
    again = [call(c.tool, dict(c.asked)) for c in calls]
    assert open_errors(*calls, *again) == []


@given(CALLS, SHELL | EDITS)
def test_a_failure_at_the_end_is_always_open_and_stands_first(calls: list[ToolCall], last: ToolCall) -> None:
    failed = call(last.tool, dict(last.asked), "Exit code 1")
    assert tool_calls.open_errors([*calls, failed])[0].at == failed.at


@given(CALLS)
def test_only_failures_are_open_each_thing_once_and_newest_first(calls: list[ToolCall]) -> None:
    found = tool_calls.open_errors(calls)
    failed = {c.at for c in calls if not c.success}
    assert {error.at for error in found} <= failed
    assert [error.at for error in found] == sorted((error.at for error in found), reverse=True)
    assert len({error.what for error in found}) == len(found)


@pytest.mark.parametrize(
    ("failed", "later"),
    [
        ("pytest -q", "pytest -q"),
        ("pytest -k cart", "pytest"),
        ("pytest tests/a.py -x", "pytest tests/a.py"),
        ("cd /w && pytest -q", "pytest"),
        ("DEBUG=1 npm test", "npm test"),
        ("npm test", "npm test > log 2>&1"),
        ("pytest", "set -o pipefail; pytest 2>&1 | tail -5"),
        ("pytest tests/a.py", "pytest -v"),
        ("make", "make -j4"),
        ("npm run build", "cd web && npm run build && ls dist"),
        ("make && make install", "make && make install"),
    ],
)
def test_a_solved_error_is_not_open(failed: str, later: str) -> None:
    assert open_errors(bash(failed, "Exit code 1"), bash(later)) == []


@pytest.mark.parametrize(
    ("failed", "later"),
    [
        ("pytest", "pytest tests/a.py"),
        ("npm run build", "npm run lint"),
        ("git push", "git status"),
        ("make build && make deploy", "make build"),
        ("pytest", "pytest; echo done"),
        ("pytest", "ls"),
        ("cd /missing", "ls"),
        ("pytest", "echo pytest"),
        ("npm test", "npm test 2>&1 | tail -5"),
        ("pytest", "pytest | tail -3 && ls"),
        ("pytest", "pytest\nls"),
        ("npm test", "npm -v"),
        ("make test", "make"),
        ("python3 app.py", "python3 --version"),
        ("pytest", "pytest --collect-only"),
        ("ls /missing", "ls"),
    ],
)
def test_an_error_is_open_while_only_something_else_succeeded(failed: str, later: str) -> None:
    assert open_errors(bash(failed, "Exit code 1"), bash(later)) == [failed]


def test_a_chain_is_put_right_by_its_programs_one_after_the_other() -> None:
    chain = bash("make build && make deploy", "Exit code 2")
    assert open_errors(chain, bash("make build"), bash("make deploy")) == []


def test_reading_a_file_does_not_make_up_for_an_edit_of_it_that_failed() -> None:
    failed = edit("/w/a.py", "String to replace not found")
    assert open_errors(failed, edit("/w/a.py", tool="Read")) == ["Edit /w/a.py"]
    assert open_errors(failed, edit("/w/a.py", tool="Read"), edit("/w/a.py")) == []
    assert open_errors(failed, edit("/w/b.py")) == ["Edit /w/a.py"]


def test_a_file_that_could_not_be_read_is_no_error_once_it_was_written() -> None:
    assert open_errors(edit("/w/new.py", "does not exist", "Read"), edit("/w/new.py", tool="Write")) == []


@pytest.mark.parametrize(
    ("command", "words"),
    [("pytest -q tests", ["pytest", "tests"]), ("cd /a && B=1 npm test > out", ["npm", "test"]), ("", []),
     ("cd a; make -j4 all && ls", ["make", "all"]), ("  ls   -la  ", ["ls"])],
)  # fmt: skip
def test_the_words_of_a_command_are_without_options_and_surroundings(command: str, words: list[str]) -> None:
    assert program_words(command) == words


def test_a_long_error_keeps_its_first_line_and_its_end() -> None:
    (found,) = tool_calls.open_errors([bash("pytest", "Exit code 1\n" + "noise\n" * 500 + "E   assert 2 == 3")])
    assert found.error.startswith("Exit code 1\n…")
    assert found.error.endswith("E   assert 2 == 3")
    assert len(found.error) <= ERROR_LIMIT + 2


def test_files_changed_are_counted_newest_first_and_failed_edits_are_not_among_them() -> None:
    found = files_changed([edit("/a"), edit("/b", tool="Write"), edit("/a"), edit("/c", "no match")])
    assert [(change.path, change.times, change.how) for change in found] == [("/a", 2, "edited"), ("/b", 1, "written")]


def test_files_read_are_those_that_were_not_changed_too() -> None:
    calls = [
        edit("/a", tool="Read"),
        edit("/b", tool="Read"),
        edit("/c", tool="Read"),
        edit("/a", tool="Read"),
        edit("/b"),
    ]
    assert files_read(calls, files_changed(calls)) == ["/a", "/c"]


def test_a_command_is_listed_once_with_its_last_outcome() -> None:
    (found,) = commands([bash("pytest"), bash("pytest", "Exit code 1\nboom")])
    assert (found.command, found.times, found.error) == ("pytest", 2, "Exit code 1\nboom")


def test_answers_and_approved_plans_are_decisions() -> None:
    asked = call("AskUserQuestion", {"questions": []}, got={"answers": {"Which cache?": "none"}})
    refused = call("ExitPlanMode", {"plan": "rewrite all"}, "The user doesn't want to proceed")
    approved = call("ExitPlanMode", {"plan": "measure first"})
    assert decisions([asked, refused, approved]) == ["Approved plan: measure first", "Which cache? → none"]


def test_the_agents_own_list_is_as_it_last_wrote_it() -> None:
    old = call("TodoWrite", {"todos": [{"content": "old", "status": "pending"}]})
    new = call("TodoWrite", {"todos": [{"content": "measure", "status": "completed"}, {"content": "fix"}, "garbage"]})
    theirs = call("TodoWrite", {"todos": [{"content": "of a subagent"}]}, by_subagent=True)
    listed = tool_calls.todo_list([old, new, theirs])
    assert [(task.description, task.status) for task in listed] == [("measure", "completed"), ("fix", "pending")]


def test_a_created_task_has_the_number_its_answer_gives() -> None:
    listed = tool_calls.todo_list([
        call("TaskCreate", {"subject": "measure"}, got={"task": {"id": "7", "subject": "measure"}}),
        call("TaskUpdate", {"taskId": "7", "status": "completed"}),
    ])  # fmt: skip
    assert [(task.id, task.status) for task in listed] == [("7", "completed")]


def test_tasks_are_created_updated_and_deleted_by_their_number() -> None:
    listed = tool_calls.todo_list([
        call("TaskCreate", {"subject": "measure"}),
        call("TaskCreate", {"subject": "fix"}),
        call("TaskUpdate", {"taskId": "1", "status": "completed"}),
        call("TaskUpdate", {"taskId": "2", "status": "deleted"}),
        call("TaskCreate", {"subject": "tell"}),
        call("TaskUpdate", {"taskId": "3", "subject": "tell everyone"}),
        call("TaskUpdate", {"taskId": "99", "status": "completed"}),
    ])  # fmt: skip
    assert [(task.id, task.description, task.status) for task in listed] == [
        ("1", "measure", "completed"),
        ("3", "tell everyone", "pending"),
    ]
