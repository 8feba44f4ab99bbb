"""What honcho writes to: its log is set aside while it runs, and a disk that takes nothing ends nothing."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = """
import sys
from dcm import child, procfile
child.LOG_LIMIT = 100
procfile.main({log!r}, "start", "-f", {procfile!r})
"""


def run(log: Path, output: Path, lines: str) -> int:
    """honcho with one line, its output in a file; gives its exit code."""
    procfile = log.parent / "Procfile"
    procfile.write_text(f"only: {lines}\n")
    program = PROGRAM.format(log=str(log), procfile=str(procfile))
    with output.open("ab", buffering=0) as out:
        return subprocess.run(
            [sys.executable, "-c", program], stdout=out, stderr=out, timeout=60, check=False, cwd=log.parent
        ).returncode


def test_a_log_that_grows_large_while_dcm_runs_is_set_aside(tmp_path: Path) -> None:
    log = tmp_path / "dcm.log"
    log.touch()
    assert run(log, log, "for number in $(seq 1 30); do echo said $number; done") == 0
    assert 0 < log.stat().st_size < 300
    assert 100 < (tmp_path / "dcm.1.log").stat().st_size < 300
    assert "only.1 stopped (rc=0)" in log.read_text()


def test_a_file_of_somebody_elses_is_not_set_aside(tmp_path: Path) -> None:
    log, other = tmp_path / "dcm.log", tmp_path / "mine"
    log.touch()
    assert run(log, other, "for number in $(seq 1 30); do echo said $number; done") == 0
    assert other.read_text().count("| said ") == 30
    assert sorted(path.name for path in tmp_path.iterdir()) == ["Procfile", "dcm.log", "mine"]


def test_an_output_that_takes_nothing_ends_nothing(tmp_path: Path) -> None:
    done = tmp_path / "done"
    assert run(tmp_path / "dcm.log", Path("/dev/full"), f"echo lost; echo lost too; touch {done}") == 0
    assert done.exists()


@pytest.mark.parametrize("lost", [1, 3])
def test_what_could_not_be_written_is_counted_in_the_next_line_that_can(tmp_path: Path, lost: int) -> None:
    log = tmp_path / "log"
    program = f"""
import os
from pathlib import Path
from dcm.procfile import Output
full, log = os.open("/dev/full", os.O_WRONLY), os.dup(1)
output = Output(Path("none"))
os.dup2(full, 1)
for _ in range({lost}):
    output.write(b"lost\\n")
os.dup2(log, 1)
output.write(b"said\\n")
output.write(b"said\\n")
"""
    with log.open("wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, check=True, env={**os.environ})
    lines = "a line is" if lost == 1 else "3 lines are"
    assert log.read_text() == f"{lines} missing here: the log could not be written\nsaid\nsaid\n"
