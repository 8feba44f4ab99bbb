"""`dcm dead`: what failed for good is listed, shown, sent again and dropped; `doctor` and `status` tell of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import psycopg
import pytest
from api_server import ApiServer
from command import answer, run
from recorder import Recorder, Said

from dcm.cli import doctor, status
from dcm.client import Client
from dcm.settings import load

NOBODY = "00000000-0000-0000-0000-000000000000"


@pytest.fixture
def letter(server: ApiServer, write_all: Callable[[], None]) -> dict[str, Any]:
    """An event the database refused, and would take now."""
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        conn.execute("ALTER TABLE hook_events ADD CONSTRAINT no_news CHECK (event <> 'News') NOT VALID")
        server.hook({"session_id": "s1", "hook_event_name": "News", "text": "hello \x1b[2J"})
        write_all()
        conn.execute("ALTER TABLE hook_events DROP CONSTRAINT no_news")
    with Client(url(server)) as client:
        (found,) = client.list_dead_letters()["letters"]
    return dict(found)


def url(server: ApiServer) -> str:
    return f"http://127.0.0.1:{server.port}"


def dead(home: Path, server: ApiServer, *arguments: str, typed: str | None = None) -> Any:
    return run(home, "dead", *arguments, typed=typed, CONTEXT_MANAGER_URL=url(server))


@pytest.mark.contract("dcm dead list")
def test_what_failed_is_listed_with_its_id_its_kind_and_why(
    home: Path, server: ApiServer, letter: dict[str, Any]
) -> None:
    said = dead(home, server, "list").output
    assert f"{letter['id']} event News (failed once) CheckViolation" in said
    assert "1 event and 0 messages failed for good" in said
    assert answer(dead(home, server, "list", "--json"))["counts"] == {"events": 1, "messages": 0}
    assert "0 messages" in dead(home, server, "list", "--kind", "message").output


@pytest.mark.contract("dcm dead show")
def test_one_is_shown_by_the_beginning_of_its_id_and_cannot_command_the_terminal(
    home: Path, server: ApiServer, letter: dict[str, Any]
) -> None:
    said = dead(home, server, "show", letter["id"][:8]).output
    assert "session_id: s1" in said
    assert '"text": "hello' in said
    assert "\x1b" not in said
    assert answer(dead(home, server, "show", letter["id"], "--json"))["name"] == "News"


@pytest.mark.contract("dcm dead retry")
@pytest.mark.parametrize("everything", [False, True])
def test_what_is_sent_again_is_stored_and_gone_from_the_list(
    home: Path, server: ApiServer, letter: dict[str, Any], write_all: Callable[[], None], everything: bool
) -> None:
    assert "1 letter sent again" in dead(home, server, "retry", "--all" if everything else letter["id"]).output
    assert "(sent again, not stored yet)" in dead(home, server, "list").output
    write_all()
    assert "Nothing failed for good." in dead(home, server, "list").output


@pytest.mark.contract("dcm dead drop")
def test_nothing_is_dropped_until_a_person_says_yes(home: Path, server: ApiServer, letter: dict[str, Any]) -> None:
    for typed in ("no\n", ""):
        assert "Nothing was dropped" in str(dead(home, server, "drop", letter["id"], typed=typed).exception)
    assert "1 event" in dead(home, server, "list").output
    assert "1 letter dropped" in dead(home, server, "drop", letter["id"], typed="yes\n").output
    assert answer(dead(home, server, "drop", "--all", "--yes", "--json")) == {"dropped": 0}


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("retry",), "say --all"),
        (("retry", "abc", "--all"), "say --all"),
        (("drop", "abc", "--kind", "event"), "--kind goes with --all"),
        (("show", "abc"), "No dead letters begin with 'abc'"),
        (("show", NOBODY), "No dead letter has the id"),
    ],
)
def test_what_cannot_be_meant_is_one_sentence(
    home: Path, server: ApiServer, arguments: tuple[str, ...], sentence: str
) -> None:
    assert sentence in str(dead(home, server, *arguments).exception)


@pytest.mark.parametrize("name", ["list", "show", "retry", "drop"])
def test_help_of_each_of_them_ends_in_examples_to_paste(home: Path, name: str) -> None:
    assert f"    dcm dead {name}" in run(home, "dead", name, "--help").output.split("Example")[1]


def state(**changes: Any) -> dict[str, Any]:
    """What the API says of a system that is well."""
    well: dict[str, Any] = {
        "queue": {"depth": 0, "lag_seconds": 0.0, "messages": {}, "later": {}},
        "failures": {"rejected": 0, "rejected_last_day": 0, "dead": 0},
        "disk": {"database_bytes": 52_000_000, "valkey_bytes": 1_200_000, "free_bytes": 9 * 10**9,
                 "total_bytes": 10**10},
        "away": {},
        "timestamp": "2026-11-21T12:00:00.000Z",
    }  # fmt: skip
    return well | changes


SLOW = {"depth": 12, "lag_seconds": 61.2, "messages": {}, "later": {}}
FAILED = {"rejected": 2, "rejected_last_day": 1, "dead": 1}


@pytest.mark.contract("dcm doctor")
@pytest.mark.parametrize(
    ("changes", "check", "found", "says", "mend"),
    [
        ({}, "queue", "ok", "no event waits", ""),
        ({"queue": SLOW}, "queue", "warning", "12 events to be stored, the oldest for 61 s", "the terminal"),
        ({"queue": None, "away": {"valkey": "refused"}}, "queue", "broken", "does not answer: refused",
         "`dcm logs valkey`"),
        ({}, "dead letters", "ok", "nothing failed for good", ""),
        ({"failures": FAILED}, "dead letters", "warning", "2 events the database refused, 1 message whose work failed",
         "`dcm dead retry --all`"),
    ],
)  # fmt: skip
def test_doctor_says_what_waits_and_what_failed_and_what_to_do(
    *, tmp_path: Path, changes: dict[str, Any], check: str, found: str, says: str, mend: str
) -> None:
    told, settings = cast("Any", state(**changes)), load({"DCM_HOME": str(tmp_path)})
    findings = {each.check: each for each in (*doctor.queue(settings, told), *doctor.dead_letters(told))}
    assert findings[check].state == found
    assert says in findings[check].says
    assert mend in (findings[check].mend or "")
    assert bool(mend) == bool(findings[check].mend)


@pytest.mark.contract("dcm status")
@pytest.mark.parametrize(
    ("changes", "lines"),
    [
        ({}, [(True, "nothing waits to be stored"), (True, "none"),
              (True, "database 52.0 MB, Valkey's memory 1.2 MB; 9.0 GB of 10.0 GB free")]),
        ({"queue": SLOW, "failures": FAILED},
         [(True, "12 events to be stored, the oldest for 61.2 s"),
          (False, "2 events refused, 1 message dead: `dcm dead list`"),
          (True, "database 52.0 MB, Valkey's memory 1.2 MB; 9.0 GB of 10.0 GB free")]),
    ],
    ids=["well", "slow"],
)  # fmt: skip
def test_status_says_what_waits_what_failed_and_how_much_room_there_is(
    changes: dict[str, Any], lines: list[tuple[bool, str]]
) -> None:
    told: Any = state(**changes)
    assert [(part.works, part.says) for part in status._figures(told)] == lines


def test_status_gives_the_figures_to_a_script_as_the_api_does(home: Path, recorder: Recorder) -> None:
    recorder.answer(Said(body=state(failures=FAILED)))
    port = recorder.url.rpartition(":")[2]
    told = answer(run(home, "status", "--json", DCM_PORT=port, HOST="127.0.0.1"))
    assert told["system"]["failures"] == FAILED
