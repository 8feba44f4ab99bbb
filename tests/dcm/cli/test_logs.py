"""`dcm logs -f` while the log is set aside."""

import os
import subprocess
import sys
from pathlib import Path


def test_who_follows_a_log_reads_on_in_the_one_that_takes_its_place(tmp_path: Path) -> None:
    log = tmp_path / "logs" / "dcm.log"
    log.parent.mkdir()
    log.write_text("one\n", encoding="utf-8")
    argv = [sys.executable, "-m", "dcm", "logs", "-f"]
    environ = {**os.environ, "DCM_HOME": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, text=True, env=environ) as following:
        assert following.stdout
        try:
            assert following.stdout.readline() == "one\n"
            with log.open("a", encoding="utf-8") as file:
                file.write("two\n")
            log.rename(log.with_suffix(".1.log"))
            log.write_text("three\n", encoding="utf-8")
            assert [following.stdout.readline() for _ in range(2)] == ["two\n", "three\n"]
        finally:
            following.kill()
