"""`dcm backup` and `dcm restore` on a Postgres of the person's own: names, modes, refusals, the exchange."""

import os
import stat
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from api_server import wait_for
from command import answer, run

from db import backups as rules
from dcm import backups, lease
from dcm.broker import TELEMETRY_STREAM, redis_client, stream_key
from dcm.cli import backup, postgres_programs
from dcm.domain.errors import InvalidInput, StartError
from dcm.settings import load


def remember(url: str, path: str) -> None:
    with psycopg.connect(url) as conn:
        conn.execute("INSERT INTO projects (path) VALUES (%s)", [path])


def remembered(url: str) -> list[str]:
    with psycopg.connect(url) as conn:
        return [row[0] for row in conn.execute("SELECT path FROM projects ORDER BY path")]


def backed_up(home: Path, stores: dict[str, str], *options: str) -> Any:
    return answer(run(home, "backup", "--json", *options, **stores))


def databases(url: str) -> set[str]:
    with psycopg.connect(url) as conn:
        return {row[0] for row in conn.execute("SELECT datname FROM pg_database")}


@pytest.mark.contract("dcm backup", "dcm restore")
def test_a_restored_database_is_as_it_was_and_the_one_before_it_is_kept_once(
    home: Path, stores: dict[str, str], database_url: str
) -> None:
    name = str(psycopg.conninfo.conninfo_to_dict(database_url)["dbname"])
    remember(database_url, "/w/shop")
    made = backed_up(home, stores)
    remember(database_url, "/w/later")
    told = answer(run(home, "restore", made["file"], "--yes", "--json", **stores))
    assert remembered(database_url) == ["/w/shop"]
    assert (told["kept"], told["restarted"]) == (f"{name}_before_restore", False)
    assert remembered(database_url.replace(f"/{name}?", f"/{name}_before_restore?")) == ["/w/later", "/w/shop"]
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("DROP TABLE projects, sessions, requests CASCADE")
    told = answer(run(home, "restore", made["file"], "--yes", "--drop-old", "--json", **stores))
    assert remembered(database_url) == ["/w/shop"]
    assert told["kept"] is None
    assert not {f"{name}_before_restore", f"{name}_restoring"} & databases(database_url)


def test_a_backup_whose_name_begins_with_a_dash_is_restored(
    home: Path, stores: dict[str, str], database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    remember(database_url, "/w/shop")
    Path(backed_up(home, stores)["file"]).rename(home / "--file=x")
    remember(database_url, "/w/later")
    monkeypatch.chdir(home)
    assert run(home, "restore", "--yes", "--drop-old", "--", "--file=x", **stores).exit_code == 0
    assert remembered(database_url) == ["/w/shop"]


def test_a_backup_has_its_name_when_it_is_whole_and_only_its_owner_reads_it(
    home: Path, stores: dict[str, str], tmp_path: Path
) -> None:
    folder = home / "backups"
    folder.mkdir()
    (folder / ".dcm-20200101-000000.dump.part").touch()
    made = backed_up(home, stores)
    file = Path(made["file"])
    assert [path.name for path in folder.iterdir()] == [file.name]
    assert (stat.S_IMODE(file.stat().st_mode), file.stat().st_size) == (0o600, made["bytes"])
    elsewhere = backed_up(home, stores, "--output", str(tmp_path / "disk"))
    assert Path(elsewhere["file"]).parent == tmp_path / "disk"


def test_two_backups_in_one_second_have_names_of_their_own(tmp_path: Path) -> None:
    now = datetime.now(UTC)
    for later in range(60):
        (tmp_path / backups.name(now + timedelta(seconds=later), "-0a1b2c3d")).touch()
    made = backup._free(tmp_path, "-0a1b2c3d")
    assert not made.exists()
    assert backups.found(tmp_path, "-0a1b2c3d")[0][1].name < made.name


def test_older_backups_are_removed_by_the_setting_and_in_another_folder_only_when_asked(
    home: Path, stores: dict[str, str]
) -> None:
    for folder in (home / "backups", home / "disk"):
        folder.mkdir()
        (folder / backups.name(datetime.now(UTC) - timedelta(days=8))).touch()
    assert len(backed_up(home, stores)["removed"]) == 1
    mark = backups.mark(home, home / "disk")
    (home / "disk" / backups.name(datetime.now(UTC) - timedelta(days=8), mark)).touch()
    assert backed_up(home, stores, "--output", str(home / "disk"))["removed"] == []
    assert len(backed_up(home, stores, "--output", str(home / "disk"), "--keep", "3")["removed"]) == 1


def test_two_dcms_with_one_folder_leave_each_others_backups_and_know_which_are_their_own(
    home: Path, stores: dict[str, str]
) -> None:
    shared, other = {**stores, "DCM_BACKUP_FOLDER": str(home / "disk")}, {"DCM_HOME": str(home / "other")}
    first = Path(backed_up(home, shared)["file"])
    old = first.with_name(first.name.replace(first.name[4:12], "20200101"))
    first.rename(old)
    draft = old.with_name(f".{old.name}.part")
    draft.touch()
    findings = answer(run(home, "doctor", "--json", **shared | other), code=1)["findings"]
    [said] = [finding["says"] for finding in findings if finding["check"] == "backup"]
    assert "there is none" in said
    assert [backed_up(home, shared | other)["removed"] for _ in range(2)] == [[], []]
    assert len(list((home / "disk").glob("dcm-*.dump"))) == 3
    assert draft.exists()
    assert backed_up(home, shared)["removed"] == [str(old)]
    assert not draft.exists()


def test_a_backup_says_how_many_accepted_events_it_does_not_hold(
    home: Path, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "ELSEWHERE_SECONDS", 0.1)
    assert backed_up(home, stores)["waiting"] == 0
    with redis_client(load({**stores, "HOME": str(home)})) as client:
        client.xadd(TELEMETRY_STREAM, {"p": "{}"})
        assert backed_up(home, stores)["waiting"] == 1
        client.delete(TELEMETRY_STREAM)
        client.xadd(stream_key(0), {"p": "{}"})
    assert backed_up(home, stores)["waiting"] == 1
    assert "1 events were accepted and are not stored yet" in run(home, "backup", **stores).stderr
    away = {**stores, "DCM_REDIS_URL": "redis://127.0.0.1:1/0"}
    assert backed_up(home, away)["waiting"] is None


def test_a_backup_waits_for_workers_that_run_where_it_cannot_see_them(home: Path, stores: dict[str, str]) -> None:
    with redis_client(load({**stores, "HOME": str(home)})) as client, ThreadPoolExecutor() as beside:
        entry = client.xadd(stream_key(0), {"p": "{}"})
        client.config_resetstat()
        made = beside.submit(backed_up, home, stores)
        wait_for(lambda: "cmdstat_xrange" in client.info("commandstats"), "a look at what waits")
        client.xdel(stream_key(0), entry)
        assert made.result(60)["waiting"] == 0


def test_a_second_backup_beside_one_that_is_being_made_is_refused(home: Path, stores: dict[str, str]) -> None:
    (home / "run").mkdir()
    lock = lease.take(home / "run" / "backup.lock")
    refused = run(home, "backup", **stores)
    assert lock
    os.close(lock)
    assert "A backup is being made" in str(refused.exception)


def test_a_second_restore_beside_one_that_is_at_work_is_refused_and_takes_nothing_from_it(
    home: Path, stores: dict[str, str], database_url: str
) -> None:
    made = backed_up(home, stores)
    lock = lease.take(home / "run" / "restore.lock")
    rules.make_beside(database_url)
    with psycopg.connect(rules.beside(database_url), autocommit=True) as first:
        refused = run(home, "restore", made["file"], "--yes", **stores)
        assert "A restore is being made" in str(refused.exception)
        assert first.execute("SELECT 1").fetchone() == (1,)
    assert lock
    os.close(lock)
    assert run(home, "restore", made["file"], "--yes", **stores).exit_code == 0


def test_the_reason_why_a_program_failed_is_its_first_error() -> None:
    said = (
        "pg_restore: connecting to database\npg_restore: while PROCESSING TOC:\n"
        'pg_restore: error: could not execute query: ERROR:  type "vector" does not exist\n'
        "LINE 3:     meaning vector\nCommand was: CREATE TABLE public.notes (\n    meaning vector\n);\n"
    )
    assert postgres_programs.reason(said) == 'could not execute query: ERROR:  type "vector" does not exist'
    assert postgres_programs.reason("pg_dump: no password was given.\n") == "no password was given"
    assert postgres_programs.reason("") == "it gave no reason"


def test_doctor_says_what_a_restore_that_was_killed_left_until_another_removed_it(
    home: Path, stores: dict[str, str], database_url: str
) -> None:
    def said() -> list[str]:
        findings = answer(run(home, "doctor", "--json", **stores), code=1)["findings"]
        return [finding["says"] for finding in findings if finding["check"] == "restore"]

    file = backed_up(home, stores)["file"]
    rules.make_beside(database_url)
    name = psycopg.conninfo.conninfo_to_dict(database_url)["dbname"]
    assert said() == [f"one that did not end left the database {name}_restoring on the disk"]
    lock = lease.take(home / "run" / "restore.lock")
    assert said() == []
    assert lock
    os.close(lock)
    assert run(home, "restore", file, "--yes", **stores).exit_code == 0
    assert said() == []


@pytest.mark.parametrize("typed", ["\n", "y\n", ""])
def test_nothing_is_restored_without_the_word_yes(
    home: Path, stores: dict[str, str], database_url: str, typed: str
) -> None:
    made = backed_up(home, stores)
    remember(database_url, "/w/later")
    refused = run(home, "restore", made["file"], typed=typed, **stores)
    assert isinstance(refused.exception, InvalidInput)
    assert remembered(database_url) == ["/w/later"]


def test_a_file_that_is_no_backup_or_is_cut_off_changes_nothing(
    home: Path, stores: dict[str, str], database_url: str
) -> None:
    remember(database_url, "/w/shop")
    whole = Path(backed_up(home, stores)["file"]).read_bytes()
    for content, sentence in ((b"hello", "cannot be read as a backup"), (whole[: len(whole) // 2], "cannot be")):
        (home / "odd.dump").write_bytes(content)
        refused = run(home, "restore", str(home / "odd.dump"), "--yes", **stores)
        assert isinstance(refused.exception, StartError)
        assert sentence in str(refused.exception)
    assert remembered(database_url) == ["/w/shop"]
    assert not any(name.endswith("_restoring") for name in databases(database_url))


def test_a_restore_while_another_process_of_dcm_uses_the_database_is_refused(
    home: Path, stores: dict[str, str], database_url: str
) -> None:
    remember(database_url, "/w/shop")
    made = backed_up(home, stores)
    remember(database_url, "/w/later")
    with psycopg.connect(database_url, application_name="dcm worker"):
        refused = run(home, "restore", made["file"], "--yes", **stores)
    assert "1 process of DCM still use the database" in str(refused.exception)
    assert remembered(database_url) == ["/w/later", "/w/shop"]


def test_a_backup_of_a_later_version_is_refused_and_one_of_an_earlier_brought_to_the_schema(
    home: Path, stores: dict[str, str], database_url: str
) -> None:
    with psycopg.connect(database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO migrations (name, checksum) VALUES ('9999_later.sql', 'x')")
    later = backed_up(home, stores)["file"]
    refused = run(home, "restore", later, "--yes", **stores)
    assert "migrations this version of DCM does not know" in str(refused.exception)
    assert remembered(database_url) == []


def test_the_programs_of_the_servers_version_are_taken_and_older_ones_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 16.2 (Debian 16.2-1)'\n", encoding="utf-8")
    old.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    assert postgres_programs.dump(16) == str(old)
    assert "pginstall18" in postgres_programs.dump(17)
    with pytest.raises(StartError, match="Your Postgres is version 19 and the newest pg_dump here is 18"):
        postgres_programs.dump(19)


def test_no_password_stands_on_a_command_line(database_url: str) -> None:
    told = postgres_programs.environment("postgresql://ada:secret@db:6432/shop?sslmode=require")
    names = ("PGHOST", "PGPORT", "PGUSER", "PGPASSWORD", "PGDATABASE", "PGSSLMODE")
    assert [told[name] for name in names] == ["db", "6432", "ada", "secret", "shop", "require"]


def test_a_failure_is_kept_for_doctor_until_a_backup_succeeds(
    home: Path, stores: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(url: str, path: Path) -> None:
        raise StartError("The backup could not be made: no space left on device.")

    backed_up(home, stores)
    with monkeypatch.context() as patched:
        patched.setattr(backup, "_dump", broken)
        assert isinstance(run(home, "backup", **stores).exception, StartError)
    findings = answer(run(home, "doctor", "--json", **stores), code=1)["findings"]
    [found] = [finding for finding in findings if finding["check"] == "backup"]
    assert found["state"] == "warning"
    assert "no space left on device" in found["says"]
    backed_up(home, stores)
    findings = answer(run(home, "doctor", "--json", **stores), code=1)["findings"]
    assert [one["state"] for one in findings if one["check"] == "backup"] == ["ok"]


def test_doctor_says_when_the_newest_backup_is_older_than_two_days(home: Path, stores: dict[str, str]) -> None:
    (home / "backups").mkdir()
    (home / "backups" / backups.name(datetime.now(UTC) - timedelta(days=3))).touch()
    findings = answer(run(home, "doctor", "--json", **stores), code=1)["findings"]
    [found] = [finding for finding in findings if finding["check"] == "backup"]
    assert (found["state"], found["mend"]) == ("warning", "Run `dcm backup`.")
