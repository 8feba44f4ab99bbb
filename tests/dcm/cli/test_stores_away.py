"""What the commands say while a store is away: that it is, what is known all the same, and what is not."""

from pathlib import Path

from api_server import ApiServer, database_away
from command import answer, run

from dcm import lease
from dcm.autostart import background_lock
from dcm.cli import doctor, logs
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


def test_where_no_log_is_written_the_advice_is_the_terminal(home: Path) -> None:
    settings = load({"DCM_HOME": str(home / "dcm")})
    make_home(settings.home)
    assert logs.advice(settings, "api") == "See the terminal or the journal in which it runs."
    assert logs.advice(settings, "postgres") == "See `dcm logs postgres`."
    held = lease.take(background_lock(settings))
    assert held is not None
    assert logs.advice(settings, "api") == "See `dcm logs api`."
