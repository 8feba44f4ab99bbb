"""A DCM that is called by an address beyond loopback: its own hooks, probes and commands show a token by themselves."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from access_tokens import token
from api_server import ApiServer, OwnValkey, serving, wait_for
from click.testing import CliRunner
from other_machine import own_address

from db.pool import Conn
from dcm import token_file
from dcm.cli import status, up
from dcm.domain.errors import StartError
from dcm.launcher import write_launcher
from dcm.lines import healthy
from dcm.settings import Settings, load

PAYLOAD = json.dumps({"session_id": "s", "hook_event_name": "Notification"})


@pytest.fixture(scope="module")
def module_server(module_database: str, module_valkey: OwnValkey) -> Iterator[ApiServer]:
    """A server that is reached by every address of this machine."""
    with serving(module_valkey, module_database, HOST="0.0.0.0") as running:
        yield running


@pytest.fixture
def settings(server: ApiServer) -> Settings:
    """What a DCM says that listens on this machine's other address."""
    return load({"DCM_HOME": str(server.valkey.home), "HOST": own_address(), "DCM_PORT": str(server.port)})


def report(launcher: Path, **environ: str) -> None:
    """Run the launcher as a hook does."""
    told = {"PATH": os.environ["PATH"], "DCM_AUTOSTART": "0", **environ}
    subprocess.run([str(launcher), "hook"], input=PAYLOAD, text=True, env=told, timeout=20, check=True)


def test_its_launcher_shows_the_token_file(server: ApiServer, settings: Settings, conn: Conn) -> None:
    report(write_launcher(settings, {}))
    wait_for(server.valkey.payloads, "the payload")


def test_a_launcher_on_another_machine_shows_dcm_token(server: ApiServer, conn: Conn, tmp_path: Path) -> None:
    launcher = write_launcher(load({"DCM_HOME": str(tmp_path)}), {})
    shown = token(server, "ingest")
    report(launcher, CONTEXT_MANAGER_URL=f"http://{own_address()}:{server.port}", DCM_TOKEN=shown)
    wait_for(server.valkey.payloads, "the payload")


def test_a_machine_that_may_only_report_sees_that_it_is_well_and_starts_no_other(server: ApiServer, conn: Conn) -> None:
    def well(**environ: str) -> bool:
        ask = "import runpy, sys; sys.exit(not runpy.run_path(sys.argv[1])['healthy'](*sys.argv[2:]))"
        place = (str(up.ROOT / "hooks" / "client.py"), f"http://{own_address()}:{server.port}", str(server.port))
        return subprocess.run([sys.executable, "-I", "-c", ask, *place], env=environ, check=False).returncode == 0

    assert not well()
    assert well(DCM_TOKEN=token(server, "ingest"))


def test_its_keepers_see_that_it_is_well(settings: Settings) -> None:
    assert healthy(settings)


def test_its_status_shows_what_waits(server: ApiServer, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    told = {"DCM_HOME": str(settings.home), "HOST": settings.host, "DCM_PORT": str(settings.port)}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    said = CliRunner().invoke(status.command, ["--json"], catch_exceptions=False)
    assert json.loads(said.stdout)["system"]["queue"]["depth"] == 0


def test_loopback_is_shown_nothing(server: ApiServer) -> None:
    assert token_file.header(load({"DCM_HOME": str(server.valkey.home)})) == {}
    launcher = write_launcher(load({"DCM_HOME": str(server.valkey.home), "HOST": "0.0.0.0"}), {})
    assert "token=''" in launcher.read_text()


def test_up_says_how_a_token_is_made_where_others_can_call(
    settings: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    up.describe(settings)
    assert "token create NAME` makes one" in capsys.readouterr().out
    up.describe(load({"DCM_HOME": str(tmp_path)}))
    assert "token create" not in capsys.readouterr().out


def test_a_token_file_that_cannot_be_used_matters_beyond_loopback_alone(tmp_path: Path) -> None:
    (tmp_path / "token").mkdir()
    assert token_file.digest(load({"DCM_HOME": str(tmp_path)})) is None
    with pytest.raises(StartError, match=r"HOST=127\.0\.0\.1"):
        token_file.digest(load({"DCM_HOME": str(tmp_path), "HOST": "0.0.0.0"}))


def test_the_token_of_the_settings_is_not_shown_with_them() -> None:
    assert load({"DCM_TOKEN": "dcm_x"}).masked()["token"] == "***"
