"""The launcher as a file and as a program."""

import json
import stat
import subprocess
from pathlib import Path

import pytest
from stand_in import StandIn, reply

import dcm.launcher
from dcm.domain.errors import StartError
from dcm.launcher import launcher_path, server_url, start_path, write_launcher
from dcm.settings import load

ANSWER = '{"hookSpecificOutput": {"hookEventName": "SessionStart", "additionalContext": "here"}}'


def run(path: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the launcher in an empty environment, as a hook of SessionStart would."""
    return subprocess.run(
        [str(path), *arguments],
        input=json.dumps({"hook_event_name": "SessionStart"}),
        capture_output=True,
        encoding="utf-8",
        env={"PATH": "/usr/bin:/bin", "DCM_AUTOSTART": "0", **environ},
        timeout=20,
        check=False,
    )


def test_it_is_the_owners_alone_and_knows_the_configured_port(tmp_path: Path) -> None:
    with StandIn(reply("200 OK", ANSWER.encode())) as server:
        path = write_launcher(load({"DCM_HOME": str(tmp_path / "home"), "PORT": str(server.port)}))
        done = run(path, "hook")
    assert path == launcher_path(tmp_path / "home") == tmp_path / "home" / "launcher"
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (done.returncode, done.stdout, done.stderr) == (0, ANSWER, "")


def test_what_dcm_was_told_is_kept_for_its_next_start_and_the_owners_alone(tmp_path: Path) -> None:
    told = {"DCM_DATABASE_URL": "postgresql://ada:secret@db/dcm", "PORT": "4000", "PATH": "/usr/bin"}
    write_launcher(load({"DCM_HOME": str(tmp_path)}), told)
    kept = start_path(tmp_path)
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    del told["PATH"]
    assert json.loads(kept.read_text(encoding="utf-8")) == told | {"DCM_HOME": str(tmp_path)}


def test_paths_may_hold_spaces_and_quotes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    client = tmp_path / 'a "b" $c' / "client.py"
    client.parent.mkdir()
    client.write_bytes(dcm.launcher.CLIENT.read_bytes())
    monkeypatch.setattr(dcm.launcher, "CLIENT", client)
    with StandIn(reply("200 OK", ANSWER.encode())) as server:
        path = write_launcher(load({"DCM_HOME": str(tmp_path / "it's mine"), "PORT": str(server.port)}))
        assert run(path, "hook").stdout == ANSWER


def test_the_environment_goes_before_the_argument_and_that_before_the_port(tmp_path: Path) -> None:
    path = write_launcher(load({"DCM_HOME": str(tmp_path), "PORT": "1"}))
    with StandIn(reply("200 OK", ANSWER.encode())) as server:
        assert run(path, "hook").stdout == ""
        assert run(path, "hook", server.url).stdout == ANSWER
        assert run(path, "hook", "http://127.0.0.1:1", CONTEXT_MANAGER_URL=server.url).stdout == ANSWER


def test_it_is_silent_when_this_copy_of_dcm_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dcm.launcher, "CLIENT", tmp_path / "gone" / "client.py")
    done = run(write_launcher(load({"DCM_HOME": str(tmp_path)})), "hook")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_another_word_is_told_the_usage(tmp_path: Path) -> None:
    done = run(write_launcher(load({"DCM_HOME": str(tmp_path)})), "walk")
    assert (done.returncode, done.stderr) == (2, "usage: launcher hook [URL]\n")


def test_writing_it_again_replaces_it_and_leaves_nothing_beside_it(tmp_path: Path) -> None:
    write_launcher(load({"DCM_HOME": str(tmp_path)}))
    path = write_launcher(load({"DCM_HOME": str(tmp_path), "PORT": "4000"}))
    assert "http://127.0.0.1:4000" in path.read_text(encoding="utf-8")
    assert list(tmp_path.glob("*launcher*")) == [path]


@pytest.mark.parametrize(
    ("host", "url"),
    [
        ("127.0.0.1", "http://127.0.0.1:3847"),
        ("0.0.0.0", "http://127.0.0.1:3847"),
        ("::", "http://[::1]:3847"),
        ("192.0.2.7", "http://192.0.2.7:3847"),
    ],
)
def test_the_address_is_one_a_client_can_reach(host: str, url: str, tmp_path: Path) -> None:
    assert server_url(load({"DCM_HOME": str(tmp_path), "HOST": host})) == url


def test_a_launcher_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "launcher").mkdir()
    with pytest.raises(StartError, match=r"^The hook launcher .*/launcher cannot be written: Is a directory\.$"):
        write_launcher(load({"DCM_HOME": str(tmp_path)}))
