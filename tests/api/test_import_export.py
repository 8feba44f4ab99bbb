"""Rows of an export at the door: who may bring them in, which times they may have, and what becomes of their briefs."""

import json
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from access_tokens import administer, bearer, token
from api_server import Answer, ApiServer

from db import briefs
from db.pool import Conn
from dcm.domain.exports import MOST_MONTHS

NOW = datetime.now(UTC)

PATH = "/api/import/export"


def hook_event(at: datetime) -> dict[str, Any]:
    known = {"kind": "hook_event", "id": str(uuid.uuid4()), "session_id": "s1", "event": "Stop", "recovered": False}
    return {**known, "event_key": uuid.uuid4().hex, "created_at": at.isoformat(), "payload": {}}


def brief(made_for: datetime, content: str = "theirs") -> dict[str, Any]:
    known = {"kind": "brief", "id": str(uuid.uuid4()), "session_id": "s1", "trigger": "auto", "snapshot": {"facts": {}}}
    made = {"made_for": made_for.isoformat(), "created_at": made_for.isoformat()}
    return {**known, **made, "content": content, "subject": "main"}


def bring(server: ApiServer, *rows: dict[str, Any]) -> Answer:
    return administer(server, "POST", PATH, {"rows": list(rows)})


def month(number: int) -> datetime:
    """The first of the number-th month of 2021 and the years after it."""
    return datetime(2021 + number // 12, 1 + number % 12, 1, tzinfo=UTC)


def months(conn: Conn) -> int:
    found = conn.execute("SELECT count(*) FROM pg_inherits WHERE inhparent = 'hook_events'::regclass").fetchone()
    assert found
    return int(found[0])


def test_only_who_administers_brings_in_rows_on_this_machine_too(server: ApiServer, conn: Conn) -> None:
    body = json.dumps({"rows": [hook_event(NOW)]})
    assert server.ask("POST", PATH, body).status == 401
    writer = bearer(token(server, "read", "write", "ingest"))
    assert server.ask("POST", PATH, body, writer).status == 403
    assert bring(server, hook_event(NOW)).json["stored"] == 1


@pytest.mark.parametrize("at", [datetime(2019, 12, 31, tzinfo=UTC), NOW + timedelta(days=2), month(12 * 150)])
def test_a_row_from_before_2020_or_of_the_future_is_refused_and_no_month_is_made_for_it(
    server: ApiServer, conn: Conn, at: datetime
) -> None:
    before = months(conn)
    told = bring(server, hook_event(at), hook_event(NOW)).json
    reason = "created_at is not a time with its zone from 2020 to now"
    assert (told["stored"], told["refused"]) == (1, [{"row": 0, "reason": reason}])
    assert months(conn) == before


def test_rows_of_more_months_than_one_body_may_name_are_refused_before_a_month_is_made(
    server: ApiServer, conn: Conn
) -> None:
    before = months(conn)
    answer = bring(server, *(hook_event(month(number)) for number in range(MOST_MONTHS + 1)))
    assert (answer.status, answer.json["details"]) == (400, {"rows": ["of 25 months: 24 are taken"]})
    assert months(conn) == before
    assert bring(server, *(hook_event(month(number)) for number in range(MOST_MONTHS))).json["stored"] == MOST_MONTHS


def test_a_row_with_half_of_a_character_is_told_and_the_others_are_stored(server: ApiServer) -> None:
    told = bring(server, hook_event(NOW) | {"session_id": "s\ud800"}, hook_event(NOW)).json
    assert (told["stored"], [each["row"] for each in told["refused"]]) == (1, [0])
    assert "surrogates not allowed" in told["refused"][0]["reason"]


def test_a_brief_for_a_time_to_come_is_refused(server: ApiServer, conn: Conn) -> None:
    told = bring(server, brief(datetime.now(UTC) + timedelta(minutes=10))).json
    assert (told["stored"], told["refused"][0]["reason"][:11]) == (0, "made_for is")


def test_a_brief_that_was_brought_in_is_shown_and_not_given_to_the_conversation(server: ApiServer, conn: Conn) -> None:
    assert bring(server, brief(NOW)).json["stored"] == 1
    server.hook({"session_id": "s1", "hook_event_name": "PreCompact", "trigger": "auto"})
    answer = server.hook({"session_id": "s1", "hook_event_name": "SessionStart", "source": "compact"})
    assert (answer.status, b"theirs" in answer.body) == (200, False)
    assert briefs.newest(conn, "s1") is None
    assert [each["brief"] for each in briefs.page(conn, "s1", 9)] == ["theirs"]
