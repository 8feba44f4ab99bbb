"""What a relay does with the transcripts of its machine."""

import asyncio
import os
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from dcm.relay import transcripts
from dcm.relay.transcripts import Transcripts


class Sent:
    """Notes what would be sent; ends with `code`."""

    def __init__(self) -> None:
        self.code, self.given = 0, list[list[str]]()

    async def __call__(self, paths: Sequence[str]) -> int:
        self.given.append(list(paths))
        return self.code


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits."""
    monkeypatch.setattr(transcripts, "AFTER_SECONDS", 0.0)
    monkeypatch.setattr(transcripts, "BETWEEN_SECONDS", 0.0)


def play(
    sent: Sent,
    *payloads: dict[str, str],
    is_away: Callable[[], bool] = lambda: False,
    rounds: int = 1,
    seconds: float = 5.0,
) -> None:
    """Note these events, and let it work until it has sent so often."""

    async def work() -> None:
        reading = Transcripts(is_away, sent)
        for payload in payloads:
            reading.note(payload)
        running = asyncio.create_task(reading.run())
        async with asyncio.timeout(seconds):
            while len(sent.given) < rounds:  # noqa: ASYNC110 - no event tells
                await asyncio.sleep(0)
        running.cancel()

    asyncio.run(work())


def stop(path: Path, event: str = "Stop") -> dict[str, str]:
    return {"session_id": "s", "hook_event_name": event, "transcript_path": str(path)}


@pytest.fixture
def transcript(tmp_path: Path) -> Path:
    """A session's transcript, with one of a subagent."""
    path = tmp_path / "4f1c.jsonl"
    path.touch()
    (tmp_path / "4f1c" / "subagents").mkdir(parents=True)
    (tmp_path / "4f1c" / "subagents" / "agent-a1.jsonl").touch()
    return path


def test_after_a_turn_a_sessions_transcript_and_its_subagents_are_sent(transcript: Path) -> None:
    sent = Sent()
    play(sent, stop(transcript), stop(transcript, "SubagentStop"))
    assert sent.given == [[str(transcript), str(transcript.with_suffix("") / "subagents" / "agent-a1.jsonl")]]


def test_what_could_not_be_sent_is_sent_again(transcript: Path) -> None:
    sent = Sent()
    sent.code = 1
    play(sent, stop(transcript), rounds=3)
    assert sent.given[0] == sent.given[2]


def test_nothing_is_sent_while_the_server_is_away(transcript: Path) -> None:
    sent, away = Sent(), iter([True, True, False])
    play(sent, stop(transcript), is_away=lambda: next(away, False))
    assert len(sent.given) == 1
    assert next(away, None) is None


def test_a_tool_call_and_a_transcript_that_is_not_there_send_nothing(transcript: Path, tmp_path: Path) -> None:
    sent = Sent()
    play(sent, stop(transcript, "PostToolUse"), stop(tmp_path / "gone.jsonl"), rounds=0)
    play(sent, stop(tmp_path / "gone.jsonl"), stop(transcript))
    assert all("gone" not in path for paths in sent.given for path in paths)


@pytest.mark.parametrize(
    "named", ["/", ".", "..", "/etc", "a.jsonl", "-x.jsonl", "/" + "a" * 4096 + ".jsonl", "/a\0.jsonl", "/\ud800.jsonl"]
)
def test_a_path_that_is_no_transcript_sends_nothing_and_ends_nothing(transcript: Path, named: str) -> None:
    sent = Sent()
    play(sent, {**stop(transcript), "transcript_path": named}, stop(transcript))
    assert [path for paths in sent.given for path in paths if "4f1c" not in path] == []


def test_a_folder_and_a_link_and_what_belongs_to_others_are_not_read(
    transcript: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "folder.jsonl").mkdir()
    (tmp_path / "folder.jsonl" / "inner.jsonl").touch()
    (tmp_path / "link.jsonl").symlink_to(transcript)
    sent = Sent()
    play(sent, stop(tmp_path / "folder.jsonl"), stop(tmp_path / "link.jsonl"), stop(transcript))
    assert [path for paths in sent.given for path in paths if "4f1c" not in path] == []
    monkeypatch.setattr(os, "geteuid", lambda: transcript.stat().st_uid + 1)
    theirs = Sent()
    with pytest.raises(TimeoutError):
        play(theirs, stop(transcript), seconds=0.1)
    assert theirs.given == []


def test_paths_are_never_read_as_options(monkeypatch: pytest.MonkeyPatch) -> None:
    run: list[str] = []

    async def start(*argv: str, **_: object) -> None:
        run.extend(argv)
        raise FileNotFoundError

    monkeypatch.setattr(asyncio, "create_subprocess_exec", start)
    with pytest.raises(FileNotFoundError):
        asyncio.run(transcripts.run(["--help"]))
    assert run[-2:] == ["--", "--help"]


def test_the_command_it_runs_says_when_it_failed(transcript: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DCM_SERVER_URL", "http://127.0.0.1:1")
    monkeypatch.setenv("DCM_HOME", str(transcript.parent / "home"))
    transcript.write_text('{"type": "user"}\n')
    assert asyncio.run(transcripts.run([str(transcript)])) in (0, 1)
    assert asyncio.run(transcripts.run(["/nowhere.jsonl"])) != 0
