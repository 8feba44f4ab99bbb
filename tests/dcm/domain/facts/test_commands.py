"""The commands of a session and how they ended."""

import pytest
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


def subjects(*calls: ToolCall) -> list[str]:
    return [commit.subject for commit in commits(calls)]


def test_what_git_only_shows_is_no_commit_and_no_branch() -> None:
    shown = "[evil deadbee] not ours\nOn branch evil"
    calls = [bash(f"git {verb}", output=shown) for verb in ("show", "log -p", "-C /w diff")]
    calls += [bash("echo 'git commit'", output=shown), bash("grep -r git commit", output=shown)]
    assert (commits(calls), branch(calls)) == ([], "")
    one = bash("git commit -m a && git show b", output=f"[main 1a2b3c4] a\n{shown}")
    assert subjects(one) == ["a"]


def test_every_verb_that_commits_is_heard() -> None:
    calls = [
        bash(f"git {verb} x", output=f"[main 1a2b3c{n}] {verb}") for n, verb in enumerate(("revert", "cherry-pick"))
    ]
    assert subjects(*calls) == ["cherry-pick", "revert"]
    assert subjects(bash("git cherry-pick a b", output="[main 1a2b3c4] a\n[main 5a2b3c4] b")) == ["b", "a"]
    each = bash('for f in *; do git commit -m "$f" $f; done', output="[main 1a2b3c4] a\n[main 5a2b3c4] b")
    assert subjects(each) == ["b", "a"]
    assert subjects(bash("git commit -m a", output="[detached HEAD 1a2b3c4] a")) == ["a"]
    failed = bash("git commit -m a && git push", "Exit code 1\n[main 1a2b3c4] a\nrejected")
    assert subjects(failed) == ["a"]


HERE = 'git commit {} "$(cat <<\'EOF\'\nSay it\'s "so"; rm x\n\nbody\nEOF\n)"'


@pytest.mark.parametrize(
    ("command", "subject"),
    [
        (HERE.format("-q -m"), 'Say it\'s "so"; rm x'),
        (HERE.format("-qam"), 'Say it\'s "so"; rm x'),
        (HERE.format("-m") + " > /dev/null 2>&1", 'Say it\'s "so"; rm x'),
        ("git commit -q -F - <<EOF\nFrom here\n\nbody\nEOF", "From here"),
        ("git commit --quiet --message='One\n\nbody' -m two", "One"),
        ("git commit -q -m 'a && b; c'", "a && b; c"),
        ('git commit -q -m "$MESSAGE"', "(no subject seen)"),
    ],
)
def test_the_subject_of_a_quiet_commit_is_the_first_line_of_its_message(command: str, subject: str) -> None:
    assert subjects(bash(command)) == [subject]


def test_a_quiet_commit_that_was_not_made_is_none() -> None:
    assert subjects(bash("git commit -q -m x || true", output="nothing to commit, working tree clean")) == []
    assert subjects(bash("git commit -q -m x", "Exit code 1")) == []
    assert (
        subjects(bash("git commit -m '-q'"), bash("git commit -q --dry-run -m x"), bash("make || git commit -qm x"))
        == []
    )


def test_an_amended_commit_is_told_as_it_is_now() -> None:
    first = [bash("git commit -m a", output="[main 1a2b3c4] a"), bash("git commit -m b", output="[main 2a2b3c4] b")]
    amended = bash("git commit --amend -m c", output="[main 3a2b3c4] c\n Date: today")
    assert [(c.name, c.subject) for c in commits([*first, amended])] == [("3a2b3c4", "c"), ("1a2b3c4", "a")]
    assert subjects(*first, bash("git commit -q --amend --no-edit")) == ["b", "a"]
    assert subjects(amended) == ["c"]
    both = bash("git commit -m a && git commit --amend -m b", output="[main 1a2b3c4] a\n[main 2a2b3c4] b")
    assert subjects(both) == ["b"]


def test_a_commit_message_that_speaks_of_amending_amends_nothing() -> None:
    calls = [
        bash("git commit -m a", output="[main 1a2b3c4] a"),
        bash("git commit -m --amend", output="[main 2a2b3c4] --amend"),
    ]
    assert subjects(*calls) == ["--amend", "a"]
