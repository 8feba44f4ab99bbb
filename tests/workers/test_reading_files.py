"""Transcripts that change under the reader, are half-written, large, elsewhere or no files at all."""

import json
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import redis
import story
from recovery import CALLS, COUNTS, PROMPTS, catch_up, report
from stories import rows, sent
from story import SESSION

from db.pool import Conn
from dcm import transcript_ends, transcript_files
from dcm.transcript_files import refusal
from workers import readings
from workers.readings import read_transcript

Change = Callable[[Path, list[str]], object]

CHANGES: dict[str, Change] = {
    "truncated and written anew": lambda path, lines: path.write_text("".join(lines)),
    "replaced": lambda path, lines: (path.unlink(), path.write_text("".join(lines))),
    "with other records before": lambda path, lines: path.write_text("".join(['{"type": "mode"}\n', *lines])),
    "with unknown and broken lines": lambda path, lines: path.write_text(
        "".join(["{broken\n", "\n", "5\n", '{"type": "novelty", "timestamp": {}}\n', *lines])
    ),
    "with Windows ends of lines": lambda path, lines: path.write_bytes("".join(lines).replace("\n", "\r\n").encode()),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_file_that_changed_under_the_reader_is_read_anew_and_nothing_is_stored_twice(
    valkey: redis.Redis, conn: Conn, transcript: Path, change: str
) -> None:
    lines = transcript.read_text().splitlines(keepends=True)
    transcript.write_text("".join(lines[:5]))
    report(valkey, transcript, 0, 10)
    catch_up()
    assert len(rows(conn, PROMPTS)) == 1
    CHANGES[change](transcript, lines)
    catch_up()
    assert [name for name, *_ in rows(conn, PROMPTS)] == ["p1", "p3"]
    assert len(rows(conn, CALLS)) == 3
    assert rows(conn, COUNTS)[0][1:4] == (3, 2, 1)


def test_a_half_written_line_is_left_until_it_is_whole(valkey: redis.Redis, conn: Conn, transcript: Path) -> None:
    whole = transcript.read_bytes()
    report(valkey, transcript, 0)
    for size in (0, 10, 500, 800, 1500, len(whole) - 2, len(whole)):
        transcript.write_bytes(whole[:size])
        catch_up()
        [(read_to,)] = rows(conn, "SELECT read_to FROM transcripts WHERE agent_id = ''")
        assert read_to == whole[:size].rfind(b"\n") + 1
    assert len(rows(conn, CALLS)) == 3
    assert len(rows(conn, PROMPTS)) == 2


def test_a_last_line_that_lacks_its_end_is_read_and_what_is_added_behind_it_too(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    lines = transcript.read_text().splitlines()
    report(valkey, transcript, 0)
    for count in (3, 4, 13, len(lines)):
        transcript.write_text("\n".join(lines[:count]))
        catch_up()
        assert rows(conn, "SELECT DISTINCT read_to = size FROM transcripts") == [(True,)]
        assert len(rows(conn, "SELECT FROM actions WHERE agent_id IS NULL")) == {3: 0, 4: 1}.get(count, 2)
    assert len(rows(conn, CALLS)) == 3
    assert len(rows(conn, PROMPTS)) == 2


def test_a_transcript_that_moved_is_read_on_where_it_is_now(
    valkey: redis.Redis, conn: Conn, transcript: Path, tmp_path: Path
) -> None:
    report(valkey, transcript, 0)
    catch_up()
    moved = tmp_path / "elsewhere.jsonl"
    transcript.rename(moved)
    report(valkey, moved, 10)
    catch_up()
    assert rows(conn, "SELECT path, read_to = size FROM transcripts WHERE agent_id = ''") == [(str(moved), True)]


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "nul", "link"])
def test_what_cannot_be_read_here_is_noted_and_harms_nothing(
    valkey: redis.Redis, conn: Conn, tmp_path: Path, kind: str
) -> None:
    path = tmp_path / f"{kind}.jsonl"
    if kind == "folder":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    if kind == "link":
        path.symlink_to("/dev/zero")
    report(valkey, Path(f"{path}\0" if kind == "nul" else path), 0, 1)
    catch_up()
    catch_up()
    [(problem,)] = rows(conn, "SELECT problem FROM transcripts")
    assert problem in {
        "No such file or directory", "it is not a regular file", "it is a link",
        "it is no absolute path that ends in .jsonl",
    }  # fmt: skip
    assert len(rows(conn, PROMPTS)) == 1


@pytest.mark.parametrize("name", ["shadow", "notes.json", "x.jsonl.txt", ".jsonl"])
def test_a_file_that_is_not_named_as_a_transcript_is_not_read_whoever_says_that_it_is_one(
    valkey: redis.Redis, conn: Conn, transcript: Path, tmp_path: Path, name: str
) -> None:
    other = tmp_path / name
    other.write_bytes(transcript.read_bytes())
    report(valkey, other, 0)
    catch_up()
    assert rows(conn, "SELECT problem, read_to FROM transcripts") == [("it is no absolute path that ends in .jsonl", 0)]
    assert transcript_ends.tail(other) == []
    assert transcript_ends.size(str(other)) is None
    assert transcript_ends.tail(transcript)


def test_a_link_to_a_transcript_is_not_followed_and_a_folder_that_is_one_is(
    valkey: redis.Redis, conn: Conn, transcript: Path, tmp_path: Path
) -> None:
    link, folder = tmp_path / "link.jsonl", tmp_path / "folder"
    link.symlink_to(transcript)
    folder.symlink_to(transcript.parent)
    assert transcript_ends.tail(link) == []
    report(valkey, folder / transcript.name, 0)
    catch_up()
    assert len(rows(conn, CALLS)) == 3


def test_a_transcript_of_another_user_is_read_by_root_alone(transcript: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    owner = transcript.stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    assert refusal(transcript) == "it belongs to another user"
    assert transcript_ends.tail(transcript) == []
    for who in (0, owner):
        monkeypatch.setattr(os, "geteuid", lambda who=who: who)
        assert refusal(transcript) == ""


@pytest.mark.parametrize("kind", ["pipe", "endless", "deep"])
def test_what_lies_beside_a_subagents_transcript_neither_holds_nor_fills_the_reader(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "agent-1.jsonl"
    path.write_text(json.dumps({"attributionAgent": "counter"}) + "\n")
    beside = path.with_suffix(".meta.json")
    if kind == "pipe":
        os.mkfifo(beside)
    elif kind == "endless":
        beside.symlink_to("/dev/zero")
    else:
        beside.write_text("[" * 60_000)
    agent = transcript_files.agent_of(path)
    assert agent
    assert agent.type == "counter"


def test_a_transcript_that_appears_later_is_read_then(valkey: redis.Redis, conn: Conn, tmp_path: Path) -> None:
    path = tmp_path / "-w-shop" / f"{SESSION}.jsonl"
    report(valkey, path, 0)
    catch_up()
    story.write(tmp_path)
    catch_up()
    assert rows(conn, "SELECT DISTINCT problem FROM transcripts") == [(None,)]
    assert len(rows(conn, CALLS)) == 3


def test_a_large_transcript_is_read_in_pieces_by_several_runs(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript_files, "PIECE_BYTES", 1000)
    monkeypatch.setattr(transcript_files, "LINE_BYTES", 4000)
    report(valkey, transcript, 0)
    with monkeypatch.context() as hurried:
        hurried.setattr(readings, "READ_FOR", -1.0)
        read_transcript(SESSION)
        assert sent(valkey, "read_transcript", "default.DQ")[-1] == [SESSION]
        assert rows(conn, "SELECT FROM transcripts") == []
    catch_up()
    assert len(rows(conn, CALLS)) == 3
    assert rows(conn, "SELECT DISTINCT read_to = size FROM transcripts") == [(True,)]


def test_a_line_too_long_to_be_read_is_passed_over(
    valkey: redis.Redis, conn: Conn, transcript: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transcript_files, "PIECE_BYTES", 1000)
    monkeypatch.setattr(transcript_files, "LINE_BYTES", 4000)
    giant = json.dumps(story.record(2, "assistant", story.words("x" * 20_000)))
    lines = transcript.read_text().splitlines(keepends=True)
    transcript.write_text("".join([*lines[:3], f"{giant}\n", *lines[3:]]))
    report(valkey, transcript, 0)
    catch_up()
    assert len(rows(conn, CALLS)) == 3
    assert rows(conn, "SELECT DISTINCT read_to = size FROM transcripts") == [(True,)]


def test_a_record_nested_too_deep_is_passed_over(valkey: redis.Redis, conn: Conn, transcript: Path) -> None:
    deep = json.dumps(story.record(2, "user", story.result(1, "x"), toolUseResult="DEEP"))
    lines = transcript.read_text().splitlines(keepends=True)
    broken = [deep.replace('"DEEP"', '{"a":' * depth + "1" + "}" * depth) for depth in (300, 900, 100_000)]
    transcript.write_text("".join([*lines[:3], *(f"{line}\n" for line in broken), *lines[3:]]))
    report(valkey, transcript, 0)
    catch_up()
    assert "toolu_2" in [call for _, call, *_ in rows(conn, CALLS)]
    assert rows(conn, "SELECT DISTINCT read_to = size FROM transcripts") == [(True,)]


def test_what_no_database_can_store_is_recovered_in_a_form_it_can(
    valkey: redis.Redis, conn: Conn, transcript: Path
) -> None:
    odd = "a\x00b\ud800c"
    main = [
        story.record(1, "user", f"{odd} go"),
        story.record(2, "assistant", story.call("Bash", 1, command=odd)),
        story.record(3, "user", story.result(1, odd), toolUseResult={"stdout": odd}),
        story.record(4, "assistant", story.call("Bash", 2, command=odd)),
    ]
    story.write(transcript.parent.parent, main=main)
    report(valkey, transcript, 0)
    catch_up()
    catch_up()
    assert rows(conn, "SELECT FROM rejected_events") == []
    assert len(rows(conn, CALLS)) == 2
