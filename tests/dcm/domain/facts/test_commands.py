"""The commands of a session and how they ended."""

from finished import bash, some_calls

from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.commands import INTERRUPTED, KEPT, MENDED, commands, run_heads
from dcm.domain.facts.errors import failures
from dcm.domain.facts.git import branch, commits


def listed(*calls: ToolCall) -> list[tuple[str, int, str]]:
    return [(c.command, c.times, c.error or c.outcome) for c in commands(calls, failures(calls).numbers)]


def test_a_command_is_listed_once_with_its_last_outcome() -> None:
    assert listed(bash("pytest"), bash("pytest", "E   boom")) == [("pytest", 2, "E   boom")]
    assert listed(bash("pytest", "E   boom"), bash("pytest", output="== 3 passed in 1s ==")) == [
        ("pytest", 2, "3 passed in 1s")
    ]


def test_a_failure_that_another_command_mended_is_not_said_to_fail() -> None:
    outcomes = {command: outcome for command, _, outcome in listed(bash("pytest tests/a.py", "boom"), bash("pytest"))}
    assert outcomes["pytest tests/a.py"] == MENDED


def test_looking_around_is_no_command_worth_telling() -> None:
    assert listed(*some_calls(3), bash("cat a | grep b")) == []


def test_what_checks_stands_before_what_was_run_once() -> None:
    found = listed(bash("npm test"), bash("node once.js"))
    assert [command for command, _, _ in found] == ["npm test", "node once.js"]


def test_a_command_with_a_script_in_it_is_told_by_its_first_line() -> None:
    assert listed(bash("python3 - <<'EOF'\nprint(1)\nEOF")) == [("python3 - <<'EOF'", 1, "")]


def test_a_command_that_was_run_after_a_file_was_written_is_told_without_that() -> None:
    assert listed(bash("cat > x.py <<'EOF'\nprint(1)\nEOF\npython x.py")) == [("python x.py", 1, "")]
    commit = "git commit -m \"$(cat <<'EOM'"
    assert listed(bash(f'{commit}\nMake it fast\nEOM\n)"')) == [(commit, 1, "")]


def test_a_loop_is_told_with_how_its_last_run_ended() -> None:
    loop = "for t in a b; do pytest $t; done"
    assert listed(bash(loop, output="1 passed\n2 passed")) == [(loop, 1, "2 passed")]


def test_a_sum_of_nothing_is_told_only_when_there_is_no_other() -> None:
    output = "test result: ok. 5 passed; 0 failed\n\ntest result: ok. 0 passed; 0 failed\n"
    assert listed(bash("cargo test", output=output))[0][2] == "test result: ok. 5 passed; 0 failed"


def test_a_command_that_was_refused_is_not_listed_and_one_that_was_interrupted_did_not_fail() -> None:
    assert listed(bash("make", "The user doesn't want to proceed with this tool use.")) == []
    assert listed(bash("make", "[Request interrupted by user for tool use]")) == [("make", 1, INTERRUPTED)]


def test_more_commands_than_any_brief_has_room_for_are_not_told() -> None:
    assert len(listed(*(bash(f"make {number}") for number in range(KEPT + 10)))) == KEPT


def test_heads_are_weighed_by_use() -> None:
    found = run_heads(
        [bash("npm ci"), *some_calls(100), bash("git add -A && git commit -m x"), bash("git commit -m y")]
    )
    assert [name.name for name in found] == ["git commit", "git add", "npm ci"]


def test_commits_and_the_branch_are_what_git_said() -> None:
    calls = [
        bash("git checkout -b speed", output="Switched to a new branch 'speed'"),
        bash("git commit -m a", output="[speed 1a2b3c4] Make the cart faster\n 1 file changed"),
        bash("git commit -m b | tail -1", output="[speed (root-commit) 5d6e7f8] Test it"),
        bash("echo", output="[x 1234567] not git"),
        bash("git add -A && git commit -q -m 'Say nothing of it'"),
        bash("git -c user.name=Ada commit -q --allow-empty -m begin"),
    ]
    assert [(c.name, c.subject, c.branch) for c in commits(calls)] == [
        ("", "begin", ""), ("", "Say nothing of it", ""),
        ("5d6e7f8", "Test it", "speed"), ("1a2b3c4", "Make the cart faster", "speed"),
    ]  # fmt: skip
    assert branch(calls) == "speed"
