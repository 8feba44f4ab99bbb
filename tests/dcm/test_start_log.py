"""Why a start failed, told by what it wrote."""

from pathlib import Path

import pytest

from dcm import start_log

HONCHO = """\
DCM_HOME  /h
11:31:21 system     | api.1 started (pid=1)
11:31:21 api.1      | waiting for Postgres
11:31:22 postgres.1 | Postgres is your own: nothing to run here
11:31:22 api.1      | Postgres at x does not answer: start it.
11:31:22 system     | api.1 stopped (rc=1)
11:31:22 system     | sending SIGTERM to worker.1 (pid 2)
11:31:22 worker.1   | goodbye
11:31:22 system     | worker.1 stopped (rc=-15)
"""


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        (HONCHO, "Postgres at x does not answer: start it."),
        ("DCM_HOME  /h\ndcm: Port 1 is taken.\n     Port 2 is taken.\n", "Port 1 is taken. Port 2 is taken."),
        ("11:31:22 system     | clock.1 stopped (rc=3)\n", "clock.1 ended with code 3"),
        ("one\ntwo\n", "one / two"),
        ("", "it said nothing"),
    ],
)
def test_the_reason_is_the_last_sentence_of_what_failed_first(tmp_path: Path, written: str, reason: str) -> None:
    log = tmp_path / "dcm.log"
    log.write_text("11:00:00 system     | api.1 stopped (rc=1)\ndcm: an older start.\n", encoding="utf-8")
    began = start_log.size(log)
    with log.open("a", encoding="utf-8") as file:
        file.write(written)
    assert start_log.reason(log, began) == reason


def test_a_log_begun_anew_is_read_from_its_beginning(tmp_path: Path) -> None:
    log = tmp_path / "dcm.log"
    assert start_log.reason(log, 0) == "it left no log"
    log.write_text("dcm: no.\n", encoding="utf-8")
    assert start_log.reason(log, 5000) == "no."
