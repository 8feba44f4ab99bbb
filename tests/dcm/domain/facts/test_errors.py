"""What failed: which errors are still open, and which were put right."""

import pytest
from finished import bash, call, edit, some_calls
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.errors import ERROR_LIMIT, failures
from dcm.domain.facts.failing import Failing, Failure


def open_errors(*calls: ToolCall) -> list[str]:
    return [error.what for error in failures(calls).open]


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
    assert failures([*calls, failed]).open[0].at == failed.at


@given(CALLS)
def test_only_failures_are_open_each_thing_once_and_newest_first(calls: list[ToolCall]) -> None:
    found = failures(calls).open
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
        ("cargo build", "cargo test"),
        ("pip install x", "uv pip install x"),
        ("python3 -m pip install x", "pip3 install x"),
        ("python3 x.py", "python x.py"),
        ("python3 manage.py migrate", "./manage.py migrate"),
        (".venv/bin/pytest -q", "pytest"),
        ("bash run.sh", "./run.sh"),
        ("git push", "git push -u origin main"),
        ("npx tsc --noEmit", "npm run typecheck"),
        ("(cd web && npm test)", "cd web && npm test"),
        ("for t in a b; do pytest $t; done", "pytest"),
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
        ("pytest", "echo pytest"),
        ("npm test", "npm test 2>&1 | tail -5"),
        ("pytest", "pytest | tail -3 && ls"),
        ("pytest", "pytest\nls"),
        ("npm test", "npm -v"),
        ("make test", "make"),
        ("python3 app.py", "python3 --version"),
        ("pytest", "pytest --collect-only"),
        ("cargo test", "cargo build"),
        ("git push origin a", "git push origin b"),
        ("pytest", "for t in a; do pytest; done"),
    ],
)
def test_an_error_is_open_while_only_something_else_succeeded(failed: str, later: str) -> None:
    assert open_errors(bash(failed, "Exit code 1"), bash(later)) == [failed]


def test_a_chain_is_put_right_by_its_programs_one_after_the_other() -> None:
    chain = bash("make build && make deploy", "Exit code 2")
    assert open_errors(chain, bash("make build"), bash("make deploy")) == []


def test_reading_a_file_does_not_make_up_for_an_edit_of_it_that_failed() -> None:
    failed = edit("/w/a.py", "no permission")
    assert open_errors(failed, edit("/w/a.py", tool="Read")) == ["Edit /w/a.py"]
    assert open_errors(failed, edit("/w/a.py", tool="Read"), edit("/w/a.py")) == []
    assert open_errors(failed, edit("/w/b.py")) == ["Edit /w/a.py"]


def test_a_file_that_could_not_be_read_is_no_error_once_it_was_written() -> None:
    assert open_errors(edit("/w/new.py", "does not exist", "Read"), edit("/w/new.py", tool="Write")) == []


def test_a_long_error_keeps_the_lines_that_tell() -> None:
    (found,) = failures([bash("pytest", "Exit code 1\n" + "noise\n" * 500 + "E   assert 2 == 3")]).open
    assert found.error == "E   assert 2 == 3"


def test_an_error_without_telling_lines_keeps_its_end() -> None:
    (found,) = failures([bash("pytest", "Exit code 1\n" + "".join(f"line {n}\n" for n in range(500)))]).open
    assert found.error.endswith("line 498\nline 499")
    assert len(found.error) <= ERROR_LIMIT


@pytest.mark.parametrize(
    "output",
    ["===== 2 failed, 10 passed in 3.1s =====", "Tests:       1 failed, 3 passed",
     "test result: FAILED. 1 passed",
     "src/a.ts(3,5): error TS2322: Type", "npm error code 1", "Found 3 errors in 1 file", "--- FAIL: TestCart (0.00s)",
     "Traceback (most recent call last):\n  File x\nKeyError: 'a'", "make: *** [all] Error 2"],
)  # fmt: skip
def test_the_words_of_a_command_tell_where_a_pipe_hides_its_end(output: str) -> None:
    assert open_errors(bash("make test 2>&1 | tail -20", output=output)) == ["make test 2>&1 | tail -20"]
    assert open_errors(bash("grep -r x . | head", output=output)) == []


def test_a_passed_check_behind_a_pipe_puts_right() -> None:
    failed = bash("pytest tests -x 2>&1 | tail -5", output="E   KeyError: 'a'\n==== 1 failed in 0.1s ====")
    assert open_errors(failed, bash("pytest tests -x | tail -3", output="==== 3 passed in 0.1s ====")) == []
    assert open_errors(failed, bash("pytest -q | tail -3", output="4 passed in 0.2s")) == []
    assert open_errors(failed, bash("pytest -q | tail -3", output="")) != []


def test_what_was_put_right_is_told_with_its_error() -> None:
    found = failures([bash("pytest", "E   KeyError: 'a'"), bash("ls"), bash("pytest")])
    assert [(error.what, error.error) for error in found.solved] == [("pytest", "E   KeyError: 'a'")]
    again = failures([bash("pytest", "E   KeyError: 'a'"), bash("pytest", "E   KeyError: 'b'")])
    assert ([error.error for error in again.open], again.solved) == (["E   KeyError: 'b'"], [])


def test_a_try_that_was_given_up_is_not_open_but_a_failing_check_is() -> None:
    tried = "python3 -c 'import shop'"
    assert open_errors(bash(tried, "boom"), *some_calls(100)) == []
    assert open_errors(bash(tried, "boom"), *some_calls(10)) == [tried]
    assert open_errors(bash("npm run build", "boom"), *some_calls(500)) == ["npm run build"]


@pytest.mark.parametrize("slip", [bash("grep -r cart", "Exit code 1"), edit("/a", "not there", tool="Read"),
                                  edit("/a", "String to replace not found in file.")])  # fmt: skip
def test_a_look_that_found_nothing_is_forgotten_at_once(slip: ToolCall) -> None:
    assert len(open_errors(slip)) == 1
    assert open_errors(slip, bash("ls")) == []


def test_a_script_in_a_command_is_not_part_of_what_failed() -> None:
    command = "python3 - <<'EOF'\nimport json; json.loads('')\nEOF"
    assert open_errors(bash(command, "JSONDecodeError: x")) == ["python3 - <<'EOF'"]


def test_what_a_command_is_set_to_makes_it_another_one() -> None:
    failed = bash("AWS_PROFILE=staging terraform apply", "boom")
    assert open_errors(failed, bash("AWS_PROFILE=live terraform apply")) == ["AWS_PROFILE=staging terraform apply"]
    assert open_errors(failed, bash("AWS_PROFILE=staging terraform apply")) == []
    assert open_errors(bash("CI=1 NO_COLOR=1 npm test", "boom"), bash("npm test")) == []


def test_how_the_same_failed_before_is_kept_until_it_succeeds() -> None:
    def run(error: str) -> ToolCall:
        return bash("pytest -q", f"Exit code 1\n{error}" if error else "")

    tries = [run(error) for error in ("E   KeyError: 'a'", "E   TypeError: b", "E   TypeError: b", "E   ValueError: c")]
    [error] = failures(tries).open
    assert (error.error, error.before) == ("E   ValueError: c", ["E   TypeError: b", "E   KeyError: 'a'"])
    [error] = failures([*tries, run(""), run("E   KeyError: 'd'")]).open
    assert (error.error, error.before) == ("E   KeyError: 'd'", [])


@pytest.mark.parametrize("text", ["The user doesn't want to proceed with this tool use. The tool use was rejected",
                                  "The user doesn't want to take this action right now.",
                                  "[Request interrupted by user for tool use]",
                                  "Interrupted by user", "x\nCommand was aborted before completion"])  # fmt: skip
def test_what_the_user_stopped_is_no_error(text: str) -> None:
    assert open_errors(bash("pytest", text), call("ExitPlanMode", {"plan": "p"}, text)) == []


def test_what_the_client_says_was_interrupted_is_no_error_and_puts_nothing_right() -> None:
    stopped = call("Bash", {"command": "pytest"}, "Exit code 137", interrupted=True)
    assert open_errors(stopped) == []
    assert open_errors(bash("pytest", "boom"), stopped) == ["pytest"]
    assert open_errors(call("ExitPlanMode", {"plan": "p"}, "the plan is not good")) == []


def test_a_program_that_is_not_there_is_open_while_it_is_the_newest_or_asked_for_again() -> None:
    missing = "Exit code 127\nbash: line 1: pytets: command not found"
    assert open_errors(bash("pytets -q", missing)) == ["pytets -q"]
    assert open_errors(bash("pytets -q", missing), bash("pytest -q")) == []
    assert open_errors(bash("pytets -q", missing), bash("pytets -q", missing), bash("ls")) == ["pytets -q"]
    assert open_errors(bash("npm run build", "sh: 1: vite: not found"), bash("ls")) == ["npm run build"]


@pytest.mark.parametrize("look", [call("WebFetch", {"url": "u"}, "404"), bash("kubectl -n shop get pods", "boom"),
                                  bash("docker compose ps", "boom"), bash("gh pr view 7", "boom"),
                                  call("Grep", {"pattern": "("}, "bad pattern")])  # fmt: skip
def test_a_look_elsewhere_is_forgotten_at_once_too(look: ToolCall) -> None:
    assert len(open_errors(look)) == 1
    assert open_errors(look, bash("pytest")) == []


def test_a_tool_that_worked_with_other_input_is_put_right() -> None:
    failed = call("mcp__shop__query", {"sql": "selct"}, "syntax error")
    assert open_errors(failed, call("mcp__shop__query", {"sql": "select"})) == []
    assert len(open_errors(failed, call("mcp__shop__write", {"sql": "select"}))) == 1


def test_a_command_whose_failure_is_passed_over_is_the_same_command() -> None:
    masked = bash("make lint || true", output="make: *** [lint] Error 1")
    assert open_errors(bash("make lint", "Exit code 2"), masked) == ["make lint || true"]


def test_a_failing_command_with_a_printed_exit_code_is_open() -> None:
    failed = bash("pytest -q | tail -5; echo EXIT ${PIPESTATUS[0]}", output="nothing to see\nEXIT 1")
    assert len(open_errors(failed)) == 1
    assert open_errors(failed, bash("pytest -q > log; echo EXIT $?", output="EXIT 0")) == []


def test_only_what_was_run_beside_a_file_that_was_written_is_told() -> None:
    command = "cat <<EOF > .env\nA=1\nEOF\npsql postgres://x\nmake seed"
    assert open_errors(bash(command, "boom")) == ["psql postgres://x; make seed"]


def test_an_error_of_a_subagent_is_marked() -> None:
    (found,) = failures([call("Bash", {"command": "make"}, "boom", by_subagent=True)]).open
    assert found.by_subagent


def test_a_success_is_not_held_against_every_failure_there_is() -> None:
    held: list[str] = []

    class Words(str):
        """A word that notes when it is compared."""

        __slots__ = ()
        __hash__ = str.__hash__

        def __eq__(self, other: object) -> bool:
            held.append(self)
            return str.__eq__(self, other)

    failing = Failing()
    for number in range(500):
        failing.add(("command", f"make {number}"), Failure(bash(f"make {number}"), [["make", Words(f"t{number}")]]))
    held.clear()
    assert [failure.left for failure in failing.put_right([["make", "t7"]], ())] == [[]]
    assert len(held) < 20
