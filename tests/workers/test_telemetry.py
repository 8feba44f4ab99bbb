"""What telemetry told is written once, without secrets, and counts once beside transcripts."""

import json
from dataclasses import asdict
from datetime import timedelta
from typing import Any

import psycopg
import pytest
import redis
from stories import at, rows

from db import briefs, usage
from db import telemetry as stored
from db.pool import Conn
from dcm.broker import TELEMETRY_NUDGE, TELEMETRY_STREAM
from dcm.domain.costs import by_model, total
from dcm.domain.streams import AGAIN_FIELD, PAYLOAD_FIELD
from dcm.domain.telemetry import of_event, of_point
from dcm.domain.usage import MessageUse, Tokens
from dcm.figures import REGISTRY
from workers import clock, running
from workers.telemetry import telemetry

pytestmark = pytest.mark.usefixtures("worker")


def request(number: int, request_id: str | None = "", session: str = "s1", **told: Any) -> dict[str, Any]:
    """The number-th request, whose id follows from its number unless it is named or None."""
    named = {} if request_id is None else {"request_id": request_id or f"req_{number}"}
    given = {
        "session.id": session, "event.sequence": number, "model": "claude-opus-5", "query_source": "sdk",
        "input_tokens": 1000, "output_tokens": 50, "cost_usd": 0.5, **named,
    }  # fmt: skip
    return row("api_request", number, given | told)


def row(name: str, number: int, told: dict[str, Any]) -> dict[str, Any]:
    found = of_event(f"claude_code.{name}", told, at(number), at(number))
    assert found is not None
    return asdict(found)


def point(value: float, start: int, end: int, *, cumulative: bool = False, name: str = "token.usage") -> dict[str, Any]:
    given = {"session.id": "s1", "model": "claude-opus-5[1m]", "query_source": "main", "type": "input"}
    found = of_point(f"claude_code.{name}", given, value, at(start), at(end), now=at(end), cumulative=cumulative)
    assert found is not None
    return asdict(found)


def told(valkey: redis.Redis, **kinds: list[dict[str, Any]]) -> None:
    """Queue an export and write it."""
    valkey.xadd(TELEMETRY_STREAM, {PAYLOAD_FIELD: json.dumps(kinds)})
    telemetry()
    assert valkey.xlen(TELEMETRY_STREAM) == 0


def answer(
    number: int, request_id: str | None = "", session: str = "s1", agent: str = "", output: int = 50
) -> MessageUse:
    """The number-th answer, as a transcript tells it."""
    named = f"req_{number}" if request_id == "" else request_id
    tokens = Tokens(input=1000, output=output)
    return MessageUse(f"msg_{number}", session, agent, "claude-opus-5", at(number).isoformat(), tokens, named)


def used(conn: Conn, session: str = "s1") -> tuple[int, int, int, float | None]:
    """(answers, tokens in, tokens out, cost) of a session."""
    found = total(by_model({}, usage.of_session(conn, session), stored.sums(conn, session)).values())
    return found.messages, found.input_tokens, found.output_tokens, found.cost


def test_a_redelivered_export_counts_once(conn: Conn, valkey: redis.Redis) -> None:
    export = {
        "requests": [request(1), request(2, None)],
        "compactions": [row("compaction", 3, {"session.id": "s1", "pre_tokens": 9})],
        "sums": [point(100, 0, 60), point(100, 0, 60)],
    }
    told(valkey, **export)
    told(valkey, **export)
    assert rows(conn, "SELECT count(*) FROM model_requests") == [(2,)]
    assert rows(conn, "SELECT count(*) FROM compaction_sizes") == [(1,)]
    assert rows(conn, "SELECT sum(value) FROM usage_sums") == [(100.0,)]
    assert used(conn) == (2, 2000, 100, 1.0)


@pytest.mark.parametrize("transcript_first", [True, False])
def test_an_answer_that_transcript_and_telemetry_tell_counts_once_with_the_cost_of_the_client(
    conn: Conn, valkey: redis.Redis, *, transcript_first: bool
) -> None:
    if transcript_first:
        usage.keep(conn, [answer(1), answer(2, output=1)])
    told(valkey, requests=[request(1), request(2)])
    if not transcript_first:
        usage.keep(conn, [answer(1), answer(2, output=1)])
    assert used(conn) == (2, 2000, 100, 1.0)


def test_what_one_of_the_two_does_not_tell_counts_too(conn: Conn, valkey: redis.Redis) -> None:
    usage.keep(conn, [answer(1), answer(2)])
    told(valkey, requests=[request(2), request(3, query_source="compact")])
    assert used(conn)[:3] == (3, 3000, 150)
    sources = {one.source for one in usage.of_session(conn, "s1")}
    assert sources == {"", "sdk", "compact"}


def test_answers_without_an_id_count_once_when_their_numbers_are_the_same(conn: Conn, valkey: redis.Redis) -> None:
    usage.keep(conn, [answer(1, None), answer(2, None), answer(3, None, output=7)])
    told(valkey, requests=[request(1, None), request(2), request(4), request(5, None, output_tokens=9)])
    assert used(conn)[:3] == (5, 5000, 50 * 3 + 7 + 9)


def test_a_subagents_answer_has_the_id_of_the_transcript_and_the_name_of_the_telemetry(
    conn: Conn, valkey: redis.Redis
) -> None:
    usage.keep(conn, [answer(1, agent="a1")])
    told(valkey, requests=[request(1, query_source="agent:builtin:Explore", **{"agent.name": "Explore"})])
    [found] = usage.of_session(conn, "s1")
    assert (found.agent_id, found.agent_name, found.told) == ("a1", "Explore", True)


def test_an_answer_that_a_forks_transcript_told_first_is_the_session_s_that_asked(
    conn: Conn, valkey: redis.Redis
) -> None:
    usage.keep(conn, [answer(1, session="fork"), answer(2, session="fork")])
    told(valkey, requests=[request(1, session="s1"), request(2, session="fork")])
    assert used(conn, "s1")[0] == 1
    assert used(conn, "fork")[0] == 1


def test_a_failed_request_used_nothing_and_is_counted(conn: Conn, valkey: redis.Redis) -> None:
    told(valkey, requests=[row("api_error", 1, {"session.id": "s1", "error": "overloaded", "status_code": 529})])
    assert (used(conn)[0], stored.failed_requests(conn, "s1")) == (0, 1)


def test_deltas_are_added_up(conn: Conn, valkey: redis.Redis) -> None:
    told(valkey, sums=[point(100, 0, 60)])
    told(valkey, sums=[point(30, 60, 120), point(100, 0, 60)])
    assert used(conn)[1] == 130


def test_of_a_cumulative_stream_the_newest_counts_in_any_order_and_a_new_start_is_added(
    conn: Conn, valkey: redis.Redis
) -> None:
    told(valkey, sums=[point(150, 0, 120, cumulative=True), point(100, 0, 60, cumulative=True)])
    told(valkey, sums=[point(120, 0, 90, cumulative=True), point(7, 200, 260, cumulative=True)])
    assert used(conn)[1] == 157


def test_metrics_beside_answers_are_not_added(conn: Conn, valkey: redis.Redis) -> None:
    usage.keep(conn, [answer(1)])
    told(valkey, requests=[request(1)], sums=[point(1000, 0, 60)])
    assert used(conn)[1] == 1000


def test_no_secret_of_an_error_is_stored(conn: Conn, valkey: redis.Redis) -> None:
    secret = "sk-ant-api03-" + "Zk3vQ9xT" * 11 + "-AA"
    told(valkey, requests=[row("api_error", 1, {"session.id": "s1", "error": f"bad key {secret}"})])
    [(error,)] = rows(conn, "SELECT error FROM model_requests")
    assert secret not in error
    assert error.startswith("bad key [redacted:")


def test_an_export_the_database_refuses_is_set_aside_and_its_neighbours_are_written(
    conn: Conn, valkey: redis.Redis
) -> None:
    valkey.xadd(TELEMETRY_STREAM, {PAYLOAD_FIELD: json.dumps({"requests": [request(1) | {"created_at": "never"}]})})
    counted = REGISTRY.get_sample_value("dcm_events_rejected_total") or 0
    told(valkey, requests=[request(2)])
    assert rows(conn, "SELECT key FROM model_requests") == [("req_2",)]
    assert rows(conn, "SELECT event, reason LIKE '%timestamp%' FROM rejected_events") == [("telemetry", True)]
    assert REGISTRY.get_sample_value("dcm_events_rejected_total") == counted + 1


def test_a_database_that_is_away_leaves_exports_in_the_stream_and_no_dead_message(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    def be_away(*_: object) -> None:
        raise psycopg.OperationalError("the server closed the connection")

    monkeypatch.setattr(stored, "keep_requests", be_away)
    valkey.xadd(TELEMETRY_STREAM, {PAYLOAD_FIELD: json.dumps({"requests": [request(1)]})})
    with pytest.raises(psycopg.OperationalError):
        telemetry()
    assert telemetry.options["asked_again"]
    assert valkey.xlen(TELEMETRY_STREAM) == 1


def test_a_refused_export_that_is_sent_again_and_stored_is_refused_no_more(conn: Conn, valkey: redis.Redis) -> None:
    refused = valkey.xadd(TELEMETRY_STREAM, {PAYLOAD_FIELD: "no JSON"})
    told(valkey, requests=[request(1)])
    conn.execute("UPDATE rejected_events SET sent_again_at = now()")
    valkey.xadd(TELEMETRY_STREAM, {PAYLOAD_FIELD: json.dumps({"requests": [request(2)]}), AGAIN_FIELD: refused})
    told(valkey, requests=[request(3)])
    assert rows(conn, "SELECT key FROM model_requests ORDER BY 1") == [("req_1",), ("req_2",), ("req_3",)]
    assert rows(conn, "SELECT count(*) FROM rejected_events") == [(0,)]


def test_an_export_whose_nudge_was_lost_is_written_after_the_next_look_of_the_clock(valkey: redis.Redis) -> None:
    valkey.xadd(TELEMETRY_STREAM, {PAYLOAD_FIELD: json.dumps({"requests": [request(1)]})})
    clock.nudge_telemetry()
    clock.nudge_telemetry()
    assert valkey.exists(TELEMETRY_NUDGE)
    assert running.broker().do_qsize("default") == 1


def test_a_brief_shows_how_large_its_compaction_found_and_left_the_conversation(
    conn: Conn, valkey: redis.Redis
) -> None:
    for number, trigger in ((10, "manual"), (100, "auto"), (200, "auto")):
        conn.execute(
            "INSERT INTO briefs (session_id, made_for, trigger, content, snapshot, subject)"
            " VALUES ('s1', %s, %s, 'b', '{}', 'main')",
            [at(number), trigger],
        )
    size = {"session.id": "s1", "trigger": "auto", "pre_tokens": 900, "post_tokens": 90, "duration_ms": 52}
    told(valkey, compactions=[row("compaction", 205, size), row("compaction", 12, size | {"trigger": "manual"})])
    found = [(one["made_for"], one["pre_tokens"], one["post_tokens"]) for one in briefs.page(conn, "s1", 10)]
    assert found == [(at(200), 900, 90), (at(100), None, None), (at(10), 900, 90)]
    assert at(205) - at(200) < timedelta(minutes=10)
