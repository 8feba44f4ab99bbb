"""What a restore may not undo: tokens and credentials that were revoked, and the log of what was done."""

from pathlib import Path

import psycopg
import pytest
from command import answer, run

from db import agent_credentials, audit, tokens
from db.pool import Conn
from dcm.domain import access
from dcm.domain.access import Caller

ADA = Caller("token", "token ada", frozenset(), "10.0.0.7")


@pytest.fixture
def backup(conn: Conn, home: Path, stores: dict[str, str]) -> str:
    """The file of a backup that knows a token, an act and credentials of three agents."""
    for name in ("laptop", "desk"):
        tokens.create(
            conn, name=name, kind="machine", scopes=["ingest"], token_hash=access.digest(name), expires_at=None,
            created_by="test",
        )  # fmt: skip
    audit.record(conn, ADA, "token.created", "laptop", scopes=["ingest"])
    for agent in ("ended", "renewed", "kept"):
        agent_credentials.save(conn, agent, access.digest(agent))
        audit.record(conn, ADA, "credential.created", agent)
    return str(answer(run(home, "backup", "--json", **stores))["file"])


def restored(home: Path, stores: dict[str, str], file: str) -> bool:
    """Whether the old database told what was revoked."""
    return bool(answer(run(home, "restore", file, "--yes", "--drop-old", "--json", **stores))["carried"])


def acts(url: str) -> list[tuple[str, str, str, str]]:
    with psycopg.connect(url) as conn:
        return conn.execute("SELECT who, address, act, subject FROM audit_log ORDER BY id").fetchall()


def test_a_token_that_was_revoked_after_the_backup_stays_so(
    conn: Conn, home: Path, stores: dict[str, str], backup: str, database_url: str
) -> None:
    assert tokens.revoke(conn, "laptop")
    revoked = conn.execute("SELECT revoked_at FROM access_tokens WHERE name = 'laptop'").fetchall()
    assert restored(home, stores, backup)
    with psycopg.connect(database_url) as new:
        assert tokens.used(new, access.digest("laptop")) is None
        assert new.execute("SELECT revoked_at FROM access_tokens WHERE name = 'laptop'").fetchall() == revoked
        assert tokens.used(new, access.digest("desk"))


def test_credentials_are_as_they_were_when_the_backup_took_the_place(
    conn: Conn, home: Path, stores: dict[str, str], backup: str, database_url: str
) -> None:
    assert agent_credentials.remove(conn, "ended")
    audit.record(conn, ADA, "credential.revoked", "ended")
    for agent in ("renewed", "new"):
        agent_credentials.save(conn, agent, access.digest("second"))
        audit.record(conn, ADA, "credential.created", agent)
    before = conn.execute("SELECT * FROM agent_credentials ORDER BY agent_id").fetchall()
    assert restored(home, stores, backup)
    with psycopg.connect(database_url) as new:
        assert new.execute("SELECT * FROM agent_credentials ORDER BY agent_id").fetchall() == before
        assert agent_credentials.find(new, "ended") is None


def test_a_credential_of_which_the_old_database_never_knew_stays(
    conn: Conn, home: Path, stores: dict[str, str], backup: str, database_url: str
) -> None:
    run(home, "db:reset", "--yes", **stores)
    assert restored(home, stores, backup)
    with psycopg.connect(database_url) as new:
        assert agent_credentials.find(new, "kept")


def test_the_audit_log_goes_on_over_a_restore_each_act_once(
    conn: Conn, home: Path, stores: dict[str, str], backup: str, database_url: str
) -> None:
    audit.record(conn, ADA, "token.revoked", "laptop", id="7")
    known = acts(database_url)
    assert restored(home, stores, backup)
    assert acts(database_url) == [*known, ("local", "", "database.restored", backup)]
    with psycopg.connect(database_url) as new:
        assert new.execute("SELECT details FROM audit_log ORDER BY id OFFSET 4").fetchall() == [
            ({"id": "7"},),
            ({"tokens": 0, "credentials": 0, "acts": 1},),
        ]
    assert restored(home, stores, backup)
    assert [act for _, _, act, _ in acts(database_url)[-2:]] == ["database.restored"] * 2


def test_an_old_database_that_cannot_be_asked_is_said(
    conn: Conn, home: Path, stores: dict[str, str], backup: str, database_url: str
) -> None:
    conn.execute("DROP TABLE audit_log")
    said = run(home, "restore", backup, "--yes", "--drop-old", **stores)
    assert "are good again: look at `dcm token list`" in said.output
    assert acts(database_url)[-1][2] == "database.restored"
    with psycopg.connect(database_url, autocommit=True) as new:
        new.execute("DROP TABLE agent_credentials")
    assert not restored(home, stores, backup)


def test_a_database_made_anew_says_so(home: Path, stores: dict[str, str], database_url: str) -> None:
    assert run(home, "db:reset", "--yes", **stores).exit_code == 0
    assert [act for _, _, act, _ in acts(database_url)] == ["database.reset"]
