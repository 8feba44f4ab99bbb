"""docs/events.md says what the code does."""

import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from dcm.domain.events import KEPT, Event
from wsbridge import client, deliveries, hub, protocol, server

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
SOURCES = [path for folder in ("api", "workers", "dcm") for path in (ROOT / folder).rglob("*.py")]


def rows() -> list[tuple[list[str], bool, bool]]:
    """(names, kept, sent again) of the table of events."""
    table = PAGE.partition("## What is told")[2].partition("## Channels")[0]
    found = [line.strip("|").split("|") for line in table.splitlines() if line.startswith("| `")]
    return [(re.findall(r"`([a-z_]+\.[a-z_]+)`", row[0]), "yes" in row[3], "yes" in row[4]) for row in found]


def names() -> set[str]:
    return {name for row in rows() for name in row[0]}


def test_every_event_that_is_published_stands_in_the_table() -> None:
    literal, begun = set[str](), set[str]()
    for path in SOURCES:
        text = path.read_text(encoding="utf-8")
        literal |= set(re.findall(r'Event\(\s*"([a-z_]+\.[a-z_]+)"', text))
        begun |= set(re.findall(r'Event\(\s*f"([a-z_]+\.)\{', text))
    assert len(literal) > 8
    assert literal - names() == set()
    assert {start for start in begun if not any(name.startswith(start) for name in names())} == set()


@pytest.mark.parametrize(("named", "kept", "again"), rows(), ids=lambda value: str(value)[:40])
def test_the_table_says_what_is_kept_and_what_is_sent_again(named: list[str], kept: bool, again: bool) -> None:
    assert named
    for name in named:
        assert name.startswith(protocol.ACKNOWLEDGED) is again
        if kept:
            assert Event(name, {}).kept
        else:
            assert not name.startswith(KEPT) or name in {"agent.connected", "agent.disconnected"}


def test_every_event_a_client_may_publish_is_named() -> None:
    told = PAGE.partition("May be published:")[2].partition("Another is refused")[0]
    assert set(re.findall(r"`([a-z.]+)`", told)) == protocol.PUBLISHABLE


@pytest.mark.parametrize("frame", [protocol.Connected, protocol.Ack, protocol.Error, protocol.Resumed])
def test_every_field_of_a_frame_is_named(frame: Any) -> None:
    kind = frame.__dataclass_fields__["type"].default
    [row] = re.findall(rf"^\| `{kind}` \| (.*) \|$", PAGE.partition("## What a client gets")[2], re.MULTILINE)
    assert {each.name for each in fields(frame)} - {"type"} - set(re.findall(r"\w+", row)) == set()


@pytest.mark.parametrize("code", ["PARSE_ERROR", "UNKNOWN_MESSAGE_TYPE", protocol.BAD_TOKEN, protocol.TOKEN_NEEDED,
                                  protocol.NOBODY])  # fmt: skip
def test_every_code_is_explained(code: str) -> None:
    assert f"| `{code}` |" in PAGE


def test_the_bounds_are_those_of_the_code() -> None:
    for text in (
        f"at most {hub.MOST_CHANNELS} channels",
        f"the latest {hub.REMEMBERED_AGENTS:,} agents",
        f"more than {client.QUEUE_LIMIT:,} frames",
        f"{deliveries.MOST:,} messages wait",
        f"every {deliveries.LOOK_EVERY:.0f} s for what is older than {deliveries.AGAIN_AFTER:.0f} s",
        f"every {server.PING_EVERY:.0f} s",
        f"said nothing for {server.SILENT_FOR:.0f} s",
        f"at most {server.FRAME_LIMIT // 1024} KiB",
        f"does not read on within {server.SLOW_CLOSE_TIMEOUT:.0f} s",
    ):
        assert text in re.sub(r"\s+", " ", PAGE), text
