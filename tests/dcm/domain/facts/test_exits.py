"""The exit code that a command prints itself."""

import pytest

from dcm.domain.facts.exits import printed_exit
from dcm.domain.facts.outputs import Verdict


@pytest.mark.parametrize(
    ("command", "output", "found"),
    [
        ('pytest | tail -5; echo "EXIT ${PIPESTATUS[0]}"', "a\nEXIT 1\n", Verdict.FAILED),
        ("pytest | tail -5; echo EXIT ${PIPESTATUS[0]}", "EXIT 0", Verdict.PASSED),
        ('pytest > log 2>&1; echo "exit: $?"; tail log', "exit: 2\nboom", Verdict.FAILED),
        ("make\necho $?", "done\n0", Verdict.PASSED),
        ("make a; make b; echo rc=$?", "rc=0", Verdict.SILENT),
        ("pytest | tail -5; echo exit $?", "exit 0", Verdict.SILENT),
        ("set -o pipefail; pytest | tail -5; echo exit $?", "exit 1", Verdict.FAILED),
        ("make; grep -c x log; echo exit $?", "exit 1", Verdict.SILENT),
        ("make; echo done", "done", Verdict.SILENT),
        ("make; echo exit $?", "killed", Verdict.SILENT),
    ],
)
def test_a_printed_exit_code_tells_of_the_program_it_is_of(command: str, output: str, found: Verdict) -> None:
    assert printed_exit(command, output) == found
