"""Commands in the background."""

from typing import Any

from finished import bash, call

from dcm.domain.facts.background import ended
from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.commands import STARTED, commands
from dcm.domain.facts.errors import failures


def start(command: str, task: str = "b1") -> ToolCall:
    asked = {"command": command, "run_in_background": True}
    return call("Bash", asked, got={"stdout": "", "backgroundTaskId": task})


def reading(task: str = "b1", **got: Any) -> ToolCall:
    return call("TaskOutput", {"task_id": task}, got={"task": got})


def listed(*calls: ToolCall) -> list[tuple[str, int, str]]:
    found = ended(calls)
    return [(c.command, c.times, c.error or c.outcome) for c in commands(found, failures(found).numbers)]


def test_a_command_in_the_background_is_only_started() -> None:
    assert listed(start("npm test")) == [("npm test", 1, STARTED)]
    assert listed(start("npm test"), reading(status="running", output="")) == [("npm test", 1, STARTED)]


def test_what_is_only_started_puts_nothing_right() -> None:
    assert [error.what for error in failures([bash("npm test", "boom"), start("npm test")]).open] == ["npm test"]


def test_how_it_ended_is_told_by_the_call_that_read_its_output() -> None:
    done = reading(status="completed", exitCode=0, output="Tests: 4 passed")
    assert listed(start("npm test"), done) == [("npm test", 1, "Tests: 4 passed")]
    assert listed(start("npm test"), start("make", "b2"), done, done)[0] == ("npm test", 1, "Tests: 4 passed")
    assert failures(ended([bash("npm test", "boom"), start("npm test"), done])).open == []


def test_a_failure_in_the_background_is_open() -> None:
    calls = ended([start("npm test"), reading(status="completed", exitCode=1, output="Error: boom")])
    assert [(error.what, error.error) for error in failures(calls).open] == [("npm test", "Error: boom")]


def test_the_older_tool_that_reads_outputs_is_understood() -> None:
    got = {"shellId": "b1", "status": "failed", "exitCode": 2, "stdout": "out", "stderr": "fatal: no"}
    assert listed(start("make"), call("BashOutput", {"bash_id": "b1"}, got=got)) == [("make", 1, "fatal: no")]


def test_a_reading_of_something_else_stays_what_it_is() -> None:
    calls = [start("make"), reading("b7", status="completed"), call("TaskOutput", {"task_id": "b1"}, "no such task")]
    assert ended(calls) == calls
