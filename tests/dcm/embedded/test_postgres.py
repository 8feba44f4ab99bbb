import os
import signal
import stat
from pathlib import Path

import psycopg
import pytest

from dcm import child, lease
from dcm.domain.errors import StartError
from dcm.embedded import postgres
from dcm.embedded.places import places


def test_a_new_database_is_utf8_and_speaks_on_a_private_socket_only(home: Path) -> None:
    with postgres.running(home) as url, psycopg.connect(url) as conn:
        asked = "SELECT current_database(), current_setting('server_encoding'), current_setting('listen_addresses')"
        assert conn.execute(asked).fetchone() == ("dcm", "UTF8", "")
        where = places(home)
        assert stat.S_IMODE(where.postgres_sockets.stat().st_mode) == 0o700
        assert stat.S_IMODE((where.postgres_sockets / ".s.PGSQL.5432").stat().st_mode) == 0o700
        assert stat.S_IMODE(where.postgres_data.stat().st_mode) == 0o700


def test_what_was_committed_is_there_at_the_next_start(home: Path) -> None:
    with postgres.running(home) as url, psycopg.connect(url) as conn:
        conn.execute("CREATE TABLE kept AS SELECT 7 AS value")
    with postgres.running(home) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT value FROM kept").fetchone() == (7,)


def test_a_killed_postmaster_loses_nothing_and_starts_again(home: Path) -> None:
    with postgres.running(home) as url:
        with psycopg.connect(url, autocommit=True) as conn:
            conn.execute("CREATE TABLE kept AS SELECT 7 AS value")
        lock = places(home).run / "postgres.child"
        pid = lease.read_pid(lock)
        assert pid
        os.kill(pid, signal.SIGKILL)
        assert lease.wait_free(lock, 10), "its processes should have ended with it"
    with postgres.running(home) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT value FROM kept").fetchone() == (7,)


def test_a_left_over_postgres_is_ended_by_the_lock_it_holds(home: Path) -> None:
    postgres.prepare(home, lambda _: None)
    lock = places(home).run / "postgres.child"
    process = child.start(postgres.program(home), lock)
    assert lease.held(lock)
    assert child.end(postgres.program(home), lock)
    process.wait()
    assert not postgres.answers(home)


def test_a_private_folder_is_not_opened_for_it(private_home: Path) -> None:
    with postgres.running(private_home) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert stat.S_IMODE(private_home.stat().st_mode) == 0o700
    assert stat.S_IMODE(private_home.parent.stat().st_mode) == 0o700


def test_a_path_too_long_for_a_socket_works(home: Path) -> None:
    long = home / ("x" * 120)
    try:
        with postgres.running(long) as url, psycopg.connect(url) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    finally:
        sockets = places(long).postgres_sockets
        sockets.rmdir()
        sockets.parent.rmdir()


def test_data_of_another_version_is_refused_in_a_sentence(home: Path) -> None:
    postgres.prepare(home, lambda _: None)
    (places(home).postgres_data / "PG_VERSION").write_text("15\n")
    with pytest.raises(StartError, match=r"is of Postgres 15 and this DCM runs Postgres 18"):
        postgres.prepare(home, lambda _: None)


def test_half_a_database_of_an_interrupted_start_is_made_anew(home: Path) -> None:
    draft = places(home).postgres_data.with_name("postgres.new")
    draft.mkdir(parents=True)
    (draft / "PG_VERSION").write_text("18\n")
    home.chmod(0o711)
    with postgres.running(home) as url, psycopg.connect(url) as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    assert not draft.exists()


def test_a_full_disk_is_said_before_anything_is_made(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    full = os.statvfs_result((4096, 4096, 100, 0, 0, 10, 0, 0, 0, 255))
    monkeypatch.setattr(os, "statvfs", lambda _: full)
    with pytest.raises(StartError, match=r"has 0 MB free and a new database needs 300 MB"):
        postgres.prepare(home, lambda _: None)
    assert not places(home).postgres_data.exists()
