"""`dcm token` and `dcm audit` against the real API, and what `dcm` shows to whom."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api_server import ApiServer
from click.testing import Result
from command import answer, run
from recorder import Recorder, Said

from dcm import lease
from dcm.client import Client, Refused
from dcm.embedded.places import places


@pytest.fixture
def dcm(server: ApiServer, home: Path) -> Any:
    """Runs `dcm` as the owner of the server's DCM_HOME does."""
    told = {"DCM_HOME": str(server.valkey.home), "DCM_PORT": str(server.port)}

    def call(*arguments: str, **environ: str) -> Result:
        return run(home, *arguments, **told, **environ)

    return call


@pytest.mark.contract("dcm token create", "dcm token list", "dcm token revoke")
def test_a_token_is_printed_once_listed_without_itself_and_revoked(dcm: Any) -> None:
    made = dcm("token", "create", "laptop", "--expires", "90d")
    assert re.fullmatch(r"dcm_[\w-]{43}\n", made.stdout)
    assert made.stderr == "laptop may ingest. The token is shown this once:\n"
    listed = dcm("token", "list")
    assert "laptop" in listed.stdout
    assert made.stdout.strip() not in listed.stdout
    assert dcm("token", "revoke", "laptop").stdout == "The token laptop is revoked.\n"
    assert "revoked" in dcm("token", "list").stdout


def test_a_script_gets_json_of_all_of_it(dcm: Any) -> None:
    made = answer(dcm("token", "create", "ada", "--person", "--json"))
    assert (made["kind"], made["scopes"]) == ("person", ["read", "write"])
    boss = answer(dcm("token", "create", "boss", "--scope", "admin", "--scope", "read", "--json"))
    assert boss["scopes"] == ["admin", "read"]
    assert {each["name"] for each in answer(dcm("token", "list", "--json"))["tokens"]} >= {"ada", "boss"}
    assert answer(dcm("token", "revoke", made["id"], "--json"))["name"] == "ada"
    assert answer(dcm("audit", "--act", "token.revoked", "--limit", "1", "--json"))["acts"][0]["subject"] == "ada"


@pytest.mark.contract("dcm audit")
def test_the_audit_log_is_printed_a_line_an_act(dcm: Any) -> None:
    dcm("token", "create", "printed")
    line = dcm("audit", "--limit", "1").stdout
    assert re.fullmatch(r"\d+ \d{4}-\d\d-\d\d \S+ token.created printed token file \(127.0.0.1\) \{.*\}\n", line)
    nothing = "There is no act whose name begins with nothing: `dcm audit` prints all.\n"
    assert dcm("audit", "--act", "nothing").stdout == nothing
    assert dcm("audit", "--before", "1").stdout == "There is no act before 1.\n"


def test_a_name_that_no_token_may_have_and_one_that_none_has_are_refused_with_what_to_do(dcm: Any) -> None:
    refused = dcm("token", "create", "a b").exception
    assert isinstance(refused, Refused)
    assert "letters of a to z, digits" in str(refused.details)
    assert str(dcm("token", "revoke", "nobody").exception) == "Token not found: see `dcm token list`."


def test_a_project_nobody_knows_and_one_without_days_are_refused_with_what_to_do(dcm: Any, server: ApiServer) -> None:
    assert "in which a session ran" in str(dcm("retention", "set", "/w/none", "--days", "1").exception)
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO projects (path) VALUES ('/w/shop')")
    assert "(`--older-than`, older_than_days)" in str(dcm("prune", "--project", "/w/shop").exception)


def test_what_is_no_time_and_no_scope_is_refused_before_anybody_is_asked(dcm: Any) -> None:
    for arguments in (("--expires", "soon"), ("--scope", "root")):
        assert dcm("token", "create", "x", *arguments).exit_code == 2


def test_this_dcm_is_shown_the_file_before_the_token_of_dcm_token_and_another_that_one(
    dcm: Any, server: ApiServer
) -> None:
    reader = answer(dcm("token", "create", "reader", "--scope", "read", "--json"))["token"]
    assert dcm("token", "list", DCM_TOKEN=reader).exit_code == 0
    refused = dcm("token", "list", DCM_TOKEN=reader, CONTEXT_MANAGER_URL=f"http://localhost:{server.port}")
    assert isinstance(refused.exception, Refused)
    assert refused.exception.status == 403


@pytest.fixture
def in_our_place(recorder: Recorder, server: ApiServer, home: Path) -> Callable[..., str | None]:
    """Runs `dcm` while something else listens where DCM would, and gives what it was shown."""
    told = {"DCM_HOME": str(server.valkey.home), "DCM_PORT": recorder.url.rpartition(":")[2]}

    def call(*arguments: str, **environ: str) -> str | None:
        recorder.answer(Said(200, {"results": [], "tokens": [], "count": 0}))
        run(home, *arguments, **told, **environ)
        shown: str | None = recorder.asked[-1].headers.get("Authorization")
        return shown

    return call


def test_the_file_is_shown_by_commands_that_administer_alone(
    in_our_place: Callable[..., str | None], server: ApiServer
) -> None:
    token = (server.valkey.home / "token").read_text()
    assert in_our_place("token", "list") == f"Bearer {token}"
    assert in_our_place("search", "x") is None
    assert in_our_place("search", "x", DCM_TOKEN="dcm_x") == "Bearer dcm_x"


def test_the_file_is_not_shown_to_what_another_user_lets_listen_on_our_port(
    in_our_place: Callable[..., str | None], server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for users in ({os.getuid() + 1}, {os.getuid(), os.getuid() + 1}):
        monkeypatch.setattr("dcm.ports.users_of", lambda _, users=users: users)
        assert in_our_place("token", "list") is None
        assert in_our_place("token", "list", DCM_TOKEN="dcm_x") == "Bearer dcm_x"


def test_where_the_system_does_not_tell_who_listens_a_kept_line_says_that_dcm_runs(
    in_our_place: Callable[..., str | None], server: ApiServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dcm.ports.users_of", lambda _: None)
    assert in_our_place("token", "list") is None
    held = lease.take(places(server.valkey.home).run / "api.keeper")
    assert held is not None
    assert (in_our_place("token", "list") or "").startswith("Bearer dcm_")
    os.close(held)


def test_the_token_file_is_shown_to_this_dcm_alone(recorder: Recorder, server: ApiServer, home: Path) -> None:
    recorder.answer(Said(200, {"tokens": [], "count": 0}), Said(200, {"tokens": [], "count": 0}))
    run(home, "token", "list", "--url", recorder.url, DCM_HOME=str(server.valkey.home))
    run(home, "token", "list", "--url", recorder.url, DCM_HOME=str(server.valkey.home), DCM_TOKEN="dcm_x")
    assert [asked.headers.get("Authorization") for asked in recorder.asked] == [None, "Bearer dcm_x"]


def test_a_server_that_this_machine_reports_to_is_shown_the_token_it_gave_and_no_other(
    recorder: Recorder, home: Path, tmp_path: Path
) -> None:
    recorder.answer(*[Said(200, {"tokens": [], "count": 0})] * 3)
    told = {"DCM_HOME": str(home), "DCM_SERVER_URL": recorder.url}
    (home / "token").write_text("dcm_own\n")
    run(home, "token", "list", **told)
    (home / "server-token").write_text("dcm_given\n")
    run(home, "token", "list", **told)
    (tmp_path / "elsewhere").write_text("dcm_other\n")
    run(home, "token", "list", **told, DCM_TOKEN_FILE=str(tmp_path / "elsewhere"))
    shown = [asked.headers.get("Authorization") for asked in recorder.asked]
    assert shown == [None, "Bearer dcm_given", "Bearer dcm_other"]


def test_the_client_shows_dcm_token_unless_it_is_given_another(
    recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DCM_TOKEN", "dcm_set")
    recorder.answer(*[Said(200, {"projectCount": 0})] * 3)
    for told in ({}, {"token": "dcm_given", "agent_token": "dcma_x"}, {"token": ""}):
        with Client(recorder.url, **told) as client:
            client.get_stats()
    shown = [(asked.headers.get("Authorization"), asked.headers.get("X-DCM-Agent-Token")) for asked in recorder.asked]
    assert shown == [("Bearer dcm_set", None), ("Bearer dcm_given", "dcma_x"), (None, None)]


def test_a_token_that_no_header_carries_is_refused_in_a_sentence(home: Path) -> None:
    refused = run(home, "token", "list", "--json", DCM_TOKEN="dcm_\N{SNOWMAN}")
    assert "DCM_TOKEN" in str(refused.exception)
    assert "SNOWMAN" not in json.dumps(str(refused.exception))
