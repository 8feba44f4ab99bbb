"""What the commands say while a store is away: that it is, what is known all the same, and what is not."""

from pathlib import Path

import pytest
from api_server import ApiServer, database_away
from command import answer, run
from recorder import Recorder, Said

from dcm import lease
from dcm.autostart import background_lock
from dcm.cli import doctor, logs
from dcm.cli.hints import callable_here
from dcm.embedded.places import make_home
from dcm.settings import load


def test_without_postgres_the_api_is_still_dcm_and_tells_what_waits(server: ApiServer, home: Path) -> None:
    ours = {"PORT": str(server.port)}
    with database_away(server.database_url):
        told = answer(run(home, "status", "--json", **ours))
        said = run(home, "health", "--url", f"http://127.0.0.1:{server.port}")
        found = {finding.check: finding for finding in doctor.api(load({"HOME": str(home), **ours}))}
    parts = {part["name"]: part for part in told["parts"]}
    assert (parts["api"]["works"], parts["database"]["works"]) == (True, False)
    assert told["system"]["queue"]["depth"] == 0
    assert "is unhealthy; the database" in said.stdout
    assert "the database does not answer" in found["API"].says
    assert found["queue"].state == "ok"
    assert (found["dead letters"].state, found["dead letters"].says) == (
        "warning", "what the database refused is not known: Postgres is away",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("rejected", "dead", "says"),
    [
        (0, 0, "none"),
        (None, 0, "refused events not known: Postgres is away, 0 messages dead"),
        (0, None, "0 events refused, dead messages not known: Valkey is away"),
        (None, 2, "refused events not known: Postgres is away, 2 messages dead: `dcm dead list`"),
        (1, 0, "1 event refused, 0 messages dead: `dcm dead list`"),
    ],
)
def test_status_does_not_take_what_is_not_known_for_nothing(
    recorder: Recorder, home: Path, rejected: int | None, dead: int | None, says: str
) -> None:
    system = {
        "queue": None,
        "failures": {"rejected": rejected, "rejected_last_day": rejected, "dead": dead},
        "disk": {"database_bytes": None, "valkey_bytes": None, "free_bytes": 2 * 10**9, "total_bytes": 3 * 10**9},
        "away": {"valkey": "gone"},
        "timestamp": "2026-11-20T12:00:00.000Z",
    }  # fmt: skip
    health = {"status": "healthy", "version": "1", "database": {"healthy": True, "latencyMs": 1}}
    recorder.answer(Said(body={**health, **system}))
    shown = run(home, "status", PORT=recorder.url.rpartition(":")[2]).stdout
    (line,) = [line for line in shown.splitlines() if " failures " in line]
    says = callable_here(says)
    assert line.split("failures", 1)[1].strip() == says
    assert line.startswith("●") == (says == "none")


def test_where_no_log_is_written_the_advice_is_the_terminal(home: Path) -> None:
    settings = load({"DCM_HOME": str(home / "dcm")})
    make_home(settings.home)
    assert logs.advice(settings, "api") == "See the terminal or the journal in which it runs."
    assert logs.advice(settings, "postgres") == "See `dcm logs postgres`."
    held = lease.take(background_lock(settings))
    assert held is not None
    assert logs.advice(settings, "api") == "See `dcm logs api`."
