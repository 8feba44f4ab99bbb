"""When a backup is due, how it is named, and which are removed."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from dcm import backups

NOW = datetime(2026, 11, 21, 9, 30, tzinfo=UTC)
LONG_AGO = NOW - timedelta(days=9)


@pytest.mark.parametrize(
    ("newest", "failed", "began", "due"),
    [
        (None, None, NOW - timedelta(minutes=59), False),
        (None, None, NOW - timedelta(hours=1), True),
        (NOW - timedelta(hours=6), None, LONG_AGO, False),
        (NOW - timedelta(hours=7), None, LONG_AGO, True),
        (NOW - timedelta(hours=7), None, NOW, True),
        (NOW - timedelta(hours=7), NOW - timedelta(minutes=59), LONG_AGO, False),
        (NOW - timedelta(hours=7), NOW - timedelta(hours=1), LONG_AGO, True),
    ],
)
def test_a_backup_is_due_when_a_night_began_since_the_newest(
    newest: datetime | None, failed: datetime | None, began: datetime, due: bool
) -> None:
    assert backups.is_due(newest, failed, began, NOW) is due


def test_before_the_hour_of_the_night_the_night_before_counts() -> None:
    early = NOW.replace(hour=1)
    assert not backups.is_due(early - timedelta(hours=20), None, LONG_AGO, early)
    assert backups.is_due(early - timedelta(hours=23), None, LONG_AGO, early)


def made(folder: Path, *days: float) -> list[Path]:
    files = [folder / backups.name(NOW - timedelta(days=day)) for day in days]
    for file in files:
        file.touch()
    return files


def test_backups_older_than_the_days_they_are_kept_are_removed_but_never_the_newest(tmp_path: Path) -> None:
    foreign = tmp_path / "dcm-mine.dump"
    foreign.touch()
    old, older, new = made(tmp_path, 8, 30, 1)
    assert [path for _, path in backups.found(tmp_path)] == [new, old, older]
    assert backups.remove_old(tmp_path, 7, NOW) == [old, older]
    assert sorted(tmp_path.iterdir()) == sorted([new, foreign])
    assert backups.remove_old(tmp_path, 7, NOW + timedelta(days=90)) == []


def test_in_one_folder_a_dcm_sees_removes_and_counts_what_is_its_own_alone(tmp_path: Path) -> None:
    homes, shared = [tmp_path / "one", tmp_path / "two"], tmp_path / "disk"
    for folder in (*homes, shared):
        folder.mkdir()
    unmarked, *_ = made(shared, 40)
    assert backups.found(shared, backups.mark(homes[0], shared)) == []
    for home in homes:
        backups.make_mark(home)
        backups.make_mark(home)
    one, two = [backups.mark(home, shared) for home in homes]
    assert (one != two, backups.mark(homes[0], homes[0] / "backups")) == (True, "")
    theirs = [shared / backups.name(NOW - timedelta(days=days), two) for days in (9, 30)]
    draft = shared / f".{backups.name(NOW, two)}.part"
    for file in (*theirs, draft, shared / backups.name(NOW, one)):
        file.touch()
    backups.note_failure(shared, "the disk is full", NOW, two)
    assert [path for _, path in backups.found(shared, two)] == theirs
    assert (backups.remove_old(shared, 7, NOW, one), backups.drafts(shared, one)) == ([], [])
    assert (backups.drafts(shared, two), backups.failure(shared, one)) == ([draft], None)
    assert backups.remove_old(shared, 7, NOW, two) == theirs[1:]
    assert unmarked.exists()


def test_why_the_last_try_failed_is_kept_until_one_succeeds(tmp_path: Path) -> None:
    assert backups.failure(tmp_path) is None
    backups.note_failure(tmp_path, "the disk is full", NOW)
    assert backups.failure(tmp_path) == (NOW, "the disk is full")
    backups.forget_failure(tmp_path)
    assert backups.failure(tmp_path) is None
    (tmp_path / f"{backups.FAILURE}.json").write_text("half a", encoding="utf-8")
    assert backups.failure(tmp_path) is None
