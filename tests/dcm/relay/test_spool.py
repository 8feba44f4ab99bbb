"""The spool: bounded, in order, whole after a crash."""

import errno
import io
import os
from pathlib import Path

import pytest

from dcm.domain.relayed import Record
from dcm.relay.spool import SEGMENTS, Spool, sync

LIMIT = 64_000


def record(number: int, event: str = "PostToolUse", session: str = "s", size: int = 80) -> Record:
    return Record(number, session, event, b'{"number": %d, "x": "%s"}' % (number, b"x" * size))


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def numbers(spool: Spool) -> list[int]:
    """What would be sent, in order; the spool is empty then."""
    found = []
    while oldest := spool.oldest():
        segment, records = oldest
        for each in records:
            found.append(each.at)
            spool.sent(each)
        spool.forget(segment)
    return found


def test_what_goes_in_comes_out_in_order_and_leaves_no_file(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "relay", LIMIT)
    assert all(spool.append(record(number)) for number in range(100))
    assert (spool.count, spool.holds("s"), spool.holds("t")) == (100, True, False)
    assert numbers(spool) == list(range(100))
    assert (spool.count, spool.size, spool.holds("s")) == (0, 0, False)
    assert list((tmp_path / "relay").glob("*.events")) == []


def test_another_spool_of_the_folder_has_all_that_was_appended_without_a_sync(tmp_path: Path) -> None:
    before = Spool(tmp_path, LIMIT)
    for number in range(50):
        before.append(record(number))
    after = Spool(tmp_path, LIMIT)
    assert after.count == 50
    after.append(record(50))
    assert numbers(after) == list(range(51))


def test_a_half_written_line_is_passed_over_and_counted_and_what_follows_is_kept(tmp_path: Path) -> None:
    before = Spool(tmp_path, LIMIT)
    for number in range(3):
        before.append(record(number))
    before.close()
    [path] = tmp_path.glob("*.events")
    os.truncate(path, path.stat().st_size - 20)
    after = Spool(tmp_path, LIMIT)
    assert (after.count, after.unreadable) == (2, 1)
    after.append(record(3))
    assert numbers(after) == [0, 1, 3]


def test_a_line_that_was_changed_on_the_disk_is_not_sent(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    for number in range(3):
        spool.append(record(number))
    spool.close()
    [path] = tmp_path.glob("*.events")
    path.write_bytes(path.read_bytes().replace(b'"number": 1', b'"number": 7'))
    assert numbers(Spool(tmp_path, LIMIT)) == [0, 2]


def test_a_full_spool_drops_what_only_said_what_was_going_on_then_tool_calls_then_the_oldest(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    events = ["PreToolUse", "PostToolUse", "UserPromptSubmit"]
    for number in range(3000):
        spool.append(record(number, events[number % 3]))
        assert spool.size <= LIMIT
    kept = numbers(spool)
    assert kept == sorted(kept)
    assert {number % 3 for number in kept[: len(kept) // 2]} == {2}
    assert kept[-1] == 2999
    assert spool.dropped == 3000 - len(kept)


def test_no_more_files_are_open_than_the_spool_has_however_much_it_drops_between_two_syncs(tmp_path: Path) -> None:
    before = descriptors()
    spool = Spool(tmp_path, LIMIT)
    for number in range(3000):
        spool.append(record(number))
    files = len(list(tmp_path.glob("*.*")))
    assert descriptors() - before <= files + 1
    spool.close()
    assert descriptors() == before


def test_an_event_of_little_importance_never_takes_the_place_of_another(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    number = 0
    while spool.append(record(number, "UserPromptSubmit")) and spool.dropped == 0:
        number += 1
    before = spool.count
    assert not spool.append(record(9999, "Notification", size=3000))
    assert spool.count == before
    assert 9999 not in numbers(spool)


def test_how_many_were_dropped_is_known_after_a_start_and_until_the_file_is_deleted(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    for number in range(2000):
        spool.append(record(number))
    assert spool.dropped > 0
    assert Spool(tmp_path, LIMIT).dropped == spool.dropped
    (tmp_path / "lost.json").unlink()
    assert Spool(tmp_path, LIMIT).dropped == 0


def test_who_deletes_the_file_while_the_relay_runs_forgets_what_was_dropped_until_more_is(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    assert not spool.append(record(0, size=LIMIT))
    assert spool.dropped == 1
    (tmp_path / "lost.json").unlink()
    assert (spool.dropped, spool.dropped_why) == (0, "")
    assert not spool.append(record(1, size=LIMIT))
    assert (spool.dropped, Spool(tmp_path, LIMIT).dropped) == (1, 1)


def test_what_is_being_sent_is_not_thinned(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    for number in range(300):
        spool.append(record(number, "PreToolUse"))
    oldest = spool.oldest()
    assert oldest is not None
    for number in range(300, 1000):
        spool.append(record(number))
    assert oldest[0].path.exists()
    assert [each.at for each in oldest[1]] == list(range(len(oldest[1])))


def test_a_disk_that_takes_nothing_is_counted_and_raises_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(tmp_path, LIMIT)
    spool.append(record(0))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, text: write(descriptor, text[:10]))
    assert not spool.append(record(1))
    monkeypatch.undo()
    assert spool.append(record(2))
    assert (spool.dropped, spool.dropped_why) == (1, "the disk does not take it: No space left on device")
    assert numbers(spool) == [0, 2]


@pytest.fixture
def full_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that makes files and puts nothing into them."""

    def refuse(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    class Full(io.BufferedWriter):
        write = refuse  # type: ignore[assignment]

    monkeypatch.setattr(os, "write", refuse)
    monkeypatch.setattr(os, "fdopen", lambda descriptor, *_, **__: Full(io.FileIO(descriptor, "wb", closefd=False)))


@pytest.mark.usefixtures("full_disk")
def test_a_full_disk_leaves_no_empty_file_behind_and_is_told_of_as_the_count_doubles(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = descriptors()
    spool = Spool(tmp_path, LIMIT)
    assert not any(spool.append(record(number)) for number in range(100))
    assert list(tmp_path.iterdir()) == []
    assert (spool.dropped, spool.count, descriptors()) == (100, 0, before)
    assert spool.dropped_why == "the disk does not take it: No space left on device"
    assert len(caplog.records) == (100).bit_length()


def test_a_full_spool_on_a_full_disk_keeps_what_it_has_and_counts_it_as_it_is(
    tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    spool = Spool(tmp_path, LIMIT)
    number = 0
    while spool.size + 200 < LIMIT:
        spool.append(record(number, "PreToolUse" if number % 2 else "PostToolUse", session=f"s{number % 2}"))
        number += 1
    request.getfixturevalue("full_disk")
    assert not any(spool.append(record(9999, size=400)) for _ in range(3))
    assert (spool.count, spool.dropped, spool.holds("s1")) == (number, 3, True)
    assert not list(tmp_path.glob("*.draft"))
    assert numbers(spool) == list(range(number))


def test_what_was_written_is_synced_once_and_closed(tmp_path: Path) -> None:
    spool = Spool(tmp_path, LIMIT)
    for number in range(2 * LIMIT // SEGMENTS // 100):
        spool.append(record(number))
    descriptors = spool.unsynced()
    assert len(descriptors) >= 2
    sync(descriptors)
    for descriptor in descriptors:
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(descriptor)
