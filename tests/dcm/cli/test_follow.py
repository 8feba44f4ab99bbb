"""`dcm import transcripts --follow`: another machine's transcripts, sent as they grow."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import psycopg
import pytest
import story
from api_server import ApiServer
from click.testing import Result
from command import run
from recorder import Recorder, Said
from story import MAIN, SESSION, SUB

Round = Callable[[], object]


@pytest.fixture
def rounds(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Round]]:
    """What happens between two looks, in turn; then Ctrl-C is pressed."""
    waiting: list[Round] = []

    def between(_seconds: float) -> None:
        if not waiting:
            raise KeyboardInterrupt
        waiting.pop(0)()

    monkeypatch.setattr("dcm.cli.imports.sleep", between)
    return waiting


def follow(home: Path, url: str, *more: str) -> Result:
    return run(home, "import", "transcripts", str(home), "--follow", "--url", url, *more)


def rows(server: ApiServer, query: str) -> list[tuple[Any, ...]]:
    with psycopg.connect(server.database_url) as conn:
        return conn.execute(query.encode()).fetchall()


def used(second: float, name: str, **tokens: int) -> Any:
    made = story.record(second, "assistant", story.words("done"))
    return made | {"message": made["message"] | {"id": name, "usage": tokens}}


def test_follow_sends_what_is_added_and_each_event_once(
    server: ApiServer, home: Path, write_all: Callable[[], None], rounds: list[Round]
) -> None:
    url = f"http://127.0.0.1:{server.port}"
    rounds += [partial(story.write, home, main=MAIN[:n], sub=SUB[: n // 4], touched=time.time()) for n in range(2, 17)]
    said = follow(home, url)
    assert (said.exit_code, said.exception) == (0, None)
    rounds.append(lambda: story.write(home, touched=time.time() - 7200))
    follow(home, url)
    write_all()
    assert rows(server, "SELECT tool_use_id FROM actions ORDER BY 1") == [("toolu_1",), ("toolu_2",), ("toolu_7",)]
    assert rows(server, "SELECT event, count(*) FROM hook_events GROUP BY 1 ORDER BY 1") == [
        ("SessionEnd", 1), ("SessionStart", 1), ("Stop", 2), ("SubagentStart", 1), ("SubagentStop", 1),
        ("UserPromptSubmit", 2),
    ]  # fmt: skip


def test_follow_remembers_where_it_stood(recorder: Recorder, home: Path, rounds: list[Round]) -> None:
    recorder.answer(Said(200, {"accepted": 5, "known": 0, "waiting": 0}))
    story.write(home, main=MAIN[:12])
    follow(home, recorder.url)
    sent = len(recorder.asked)
    assert sent >= 1
    follow(home, recorder.url)
    assert len(recorder.asked) == sent
    story.write(home)
    follow(home, recorder.url)
    [asked] = [asked for asked in recorder.asked[sent:] if asked.path == "/api/import"]
    told = [past["payload"].get("prompt") for past in asked.body["payloads"] if "prompt" in past["payload"]]
    assert told == ["now the tests"]


def test_follow_goes_on_when_the_server_is_back(recorder: Recorder, home: Path, rounds: list[Round]) -> None:
    story.write(home)
    away = [Said(503, {"error": "away"})] * 4
    recorder.answer(*away, Said(200, {"accepted": 11, "known": 0, "waiting": 0}))
    rounds += [lambda: None] * 6
    said = follow(home, recorder.url)
    assert said.exit_code == 0
    assert said.stdout.count("11 events are new") == 1
    assert said.stderr.count("is sent again until it is taken") == 1


def test_tokens_are_sent_with_the_events(server: ApiServer, home: Path) -> None:
    main = [*MAIN, used(30, "m1", input_tokens=4, output_tokens=1), used(31, "m1", input_tokens=4, output_tokens=8)]
    story.write(home, main=main)
    run(home, "import", "transcripts", str(home), "--url", f"http://127.0.0.1:{server.port}")
    found = server.get(f"/api/sessions/{SESSION}/usage").json
    assert (found["total"]["output_tokens"], found["total"]["messages"], found["context"]["tokens"]) == (8, 1, 4)


def test_a_record_of_this_moment_waits_for_the_next_look(recorder: Recorder, home: Path, rounds: list[Round]) -> None:
    recorder.answer(Said(200, {"accepted": 5, "known": 0, "waiting": 0}))
    project = story.write(home, sub=[])
    young = MAIN[1] | {"timestamp": (datetime.now(UTC) + timedelta(seconds=5)).isoformat()}
    (project / f"{SESSION}.jsonl").write_text(f"{json.dumps(young)}\n", encoding="utf-8")
    follow(home, recorder.url)
    assert recorder.asked == []
