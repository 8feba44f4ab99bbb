"""POST /api/hooks/claude: what is taken, what is refused, what lies in the stream."""

import http.client
import json
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from api_server import HOOKS, Answer, ApiServer, ask, wait_for

from dcm.broker import mailbox_key, nudge_key, stream_key
from dcm.domain.briefs import TO_KEEP
from dcm.domain.mail import Letter, sealed

MIB = 1024 * 1024


def event(name: str = "PostToolUse", session: str = "s1", **fields: Any) -> dict[str, Any]:
    """A hook payload."""
    return {"session_id": session, "hook_event_name": name, **fields}


def refused(answer: Answer, status: int) -> str:
    """The sentence of a refusal."""
    assert (answer.status, answer.type) == (status, "application/json")
    sentence: str = answer.json["error"]
    assert len(sentence.split()) >= 4
    return sentence


@pytest.mark.parametrize(
    "payload",
    [
        event("PostToolUse", tool_name="Bash", tool_input={"command": "ls"}, tool_response={"stdout": "é"}),
        event("UserPromptSubmit", prompt="do it", prompt_id="p1"),
        event("SessionStart", source="startup"),
        event("NobodyKnowsThis", new_field={"deep": [1, None, 2.5, {"a": []}]}),
        event("PreToolUse", session="../../etc", agent_id="a1", tool_name=None),
    ],
    ids=lambda payload: payload["hook_event_name"],
)
def test_any_event_is_taken_with_empty_braces_and_lies_in_the_stream(server: ApiServer, payload: object) -> None:
    answer = server.hook(payload)
    assert (answer.status, answer.type, answer.body) == (200, "application/json", b"{}")
    assert [json.loads(raw) for raw in server.valkey.payloads()] == [payload]


def test_a_small_payload_lies_in_the_stream_byte_for_byte(server: ApiServer) -> None:
    raw = b'\n{ "hook_event_name":"Stop" , "session_id" : "s1", "n": 1.0e2, "u": "\\u00e9\xc3\xa9" }\n'
    assert server.hook(raw).body == b"{}"
    assert server.valkey.payloads() == [raw]


@pytest.mark.parametrize("escape", [r"\ud800", r"\udc00x", r"\u0000", r"a\u0000\ud83d"])
@pytest.mark.parametrize("field", ["prompt", "session_id", "hook_event_name"])
def test_halves_of_surrogate_pairs_and_nul_are_taken_in_any_field(server: ApiServer, field: str, escape: str) -> None:
    fields = {"session_id": "s1", "hook_event_name": "UserPromptSubmit", "prompt": "p"} | {field: "x@"}
    raw = json.dumps(fields).replace("@", escape).encode()
    assert server.hook(raw).body == b"{}"
    assert server.valkey.payloads() == [raw]


@pytest.mark.parametrize("fields", [{"hook_event_name": "PreCompact"}, {"hook_event_name": "SessionStart"}])
def test_a_session_id_that_postgres_cannot_store_does_not_break_the_answer(
    server: ApiServer, fields: dict[str, str]
) -> None:
    raw = json.dumps({"session_id": "x@", "source": "compact", **fields}).replace("@", r"\u0000\ud800").encode()
    assert server.hook(raw).status == 200


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "JSON"),
        (b"not json", "JSON"),
        (b'{"session_id": "s1", "hook_event_name": "Stop"', "JSON"),
        (b'{"session_id": "s1", "hook_event_name": "Stop", "n": NaN}', "JSON"),
        (b'\xff\xfe{"session_id": 1}', "JSON"),
        (b"[" * 200_000, "JSON"),
        (b"[1, 2]", "object"),
        (b"null", "object"),
        (b'"text"', "object"),
        (b'{"hook_event_name": "Stop"}', "session_id"),
        (b'{"session_id": "", "hook_event_name": "Stop"}', "session_id"),
        (b'{"session_id": 7, "hook_event_name": "Stop"}', "session_id"),
        (b'{"session_id": "s1"}', "hook_event_name"),
        (b'{"session_id": "s1", "hook_event_name": " "}', "hook_event_name"),
        (b'{"session_id": "s1", "hook_event_name": null}', "hook_event_name"),
    ],
    ids=lambda value: None if isinstance(value, str) else value[:24].decode("latin-1"),
)
def test_what_is_no_hook_payload_is_refused_with_a_sentence(server: ApiServer, body: bytes, word: str) -> None:
    assert word in refused(server.hook(body), 400)
    assert server.valkey.payloads() == []


def padded(size: int) -> bytes:
    """A payload of exactly so many bytes."""
    head = b'{"session_id":"s1","hook_event_name":"Stop","x":"'
    return head + b"a" * (size - len(head) - 2) + b'"}'


def test_a_body_of_one_mebibyte_is_taken_and_one_byte_more_is_not(server: ApiServer) -> None:
    assert server.hook(padded(MIB)).status == 200
    assert "1048576" in refused(server.hook(padded(MIB + 1)), 413)
    assert "1048576" in refused(server.hook(padded(5 * MIB)), 413)
    assert len(server.valkey.payloads()) == 1


def test_a_chunked_body_over_one_mebibyte_is_refused_too(server: ApiServer) -> None:
    def chunks(size: int) -> list[bytes]:
        whole = padded(size)
        return [whole[at : at + 60_000] for at in range(0, size, 60_000)]

    assert server.ask("POST", HOOKS, iter(chunks(MIB))).status == 200
    assert "1048576" in refused(server.ask("POST", HOOKS, iter(chunks(MIB + 1))), 413)
    assert len(server.valkey.payloads()) == 1


def test_the_server_serves_on_after_a_refusal_on_the_same_connection_or_closes_it(server: ApiServer) -> None:
    with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=5)) as connection:
        for body, status in ((b"nonsense", 400), (padded(MIB + 1), 413), (padded(200), 200)):
            assert ask(connection, "POST", HOOKS, body).status == status


def test_big_fields_are_cut_and_marked_before_they_are_queued(server: ApiServer) -> None:
    output = "".join(f"line {number}\n" for number in range(20_000))
    assert server.hook(event(tool_response={"stdout": output, "list": [output]}, prompt="p" * 100_000)).status == 200
    kept = json.loads(server.valkey.payloads()[0])
    for text in (kept["tool_response"]["stdout"], kept["tool_response"]["list"][0]):
        assert text.startswith(output[:10_000])
        assert text.endswith(output[-4_000:])
        assert f"[... {len(output) - 14_000} characters cut ...]" in text
    assert kept["prompt"] == "p" * 100_000


def test_a_big_payload_of_small_fields_is_not_touched(server: ApiServer) -> None:
    raw = json.dumps(event(lines=["short"] * 10_000), indent=1).encode()
    assert server.hook(raw).status == 200
    assert server.valkey.payloads() == [raw]


@pytest.mark.parametrize("path", [HOOKS, "/api/messages"])
def test_a_body_that_is_nested_too_deep_is_refused_for_that(server: ApiServer, path: str) -> None:
    deep = b'{"session_id":"s1","hook_event_name":"Stop","content":%b1%b}' % (b'{"a":' * 3000, b"}" * 3000)
    assert "nested too deep" in refused(server.ask("POST", path, deep), 400)
    assert server.valkey.payloads() == []


def test_a_big_and_deeply_nested_payload_is_taken(server: ApiServer) -> None:
    deep = b"[" * 900 + b'"' + b"a" * 20_000 + b'"' + b"]" * 900
    assert server.hook(b'{"session_id":"s1","hook_event_name":"Stop","x":' + deep + b"}").status == 200
    assert len(server.valkey.payloads()) == 1


def test_two_hundred_concurrent_posts_on_twenty_connections_are_all_in_the_stream_once(server: ApiServer) -> None:
    def send(sender: int) -> list[int]:
        with closing(http.client.HTTPConnection("127.0.0.1", server.port, timeout=15)) as connection:
            bodies = [json.dumps(event(session=f"s{sender}", number=number)) for number in range(10)]
            return [ask(connection, "POST", HOOKS, body).status for body in bodies]

    with ThreadPoolExecutor(20) as senders:
        statuses = [status for each in senders.map(send, range(20)) for status in each]
    assert statuses == [200] * 200
    found = [(p["session_id"], p["number"]) for p in map(json.loads, server.valkey.payloads())]
    assert sorted(found) == sorted((f"s{sender}", number) for sender in range(20) for number in range(10))
    for sender in range(20):
        assert [number for session, number in found if session == f"s{sender}"] == list(range(10))


def test_the_stream_says_when_the_door_took_an_event(server: ApiServer) -> None:
    before = server.valkey.client.time()
    server.hook(event())
    [(_, fields)] = server.valkey.client.xrange(stream_key(0))
    assert 0 <= int(fields[b"t"]) - (before[0] * 1_000_000 + before[1]) < 5_000_000


def test_one_drain_is_sent_and_no_other_while_it_is_pending(server: ApiServer) -> None:
    valkey = server.valkey.client

    def drains() -> list[dict[str, Any]]:
        return [json.loads(message) for message in valkey.hvals("dcm:dramatiq:ingest.msgs")]

    server.hook(event())
    valkey.persist(nudge_key(0))
    wait_for(drains, "a drain")
    for _ in range(5):
        server.hook(event())
    valkey.delete(nudge_key(0))
    server.hook(event())
    wait_for(lambda: len(drains()) >= 2, "a second drain")
    assert [(sent["actor_name"], sent["args"]) for sent in drains()] == [("drain", [0])] * 2


def test_precompact_is_answered_with_plain_text_for_the_summariser(server: ApiServer) -> None:
    answer = server.hook(event("PreCompact", trigger="auto"))
    assert (answer.status, answer.headers["content-type"]) == (200, "text/plain; charset=utf-8")
    assert answer.body.decode() == TO_KEEP


def test_mail_is_given_once_with_the_main_conversations_next_tool_call(server: ApiServer) -> None:
    server.valkey.client.set(mailbox_key("s1"), sealed(Letter("the build is red — see é")))
    for other in (event(agent_id="a1"), event("Stop"), event(session="s2"), event("SessionStart", source="startup")):
        assert server.hook(other).body == b"{}"
    assert server.hook(event()).json == {
        "hookSpecificOutput": {"hookEventName": "PostToolUse", "additionalContext": "the build is red — see é"}
    }
    assert server.hook(event()).body == b"{}"


def test_a_subagent_gets_its_own_mail_at_its_start_or_with_its_next_tool_call(server: ApiServer) -> None:
    def context(answer: Answer) -> str:
        return str(answer.json.get("hookSpecificOutput", {}).get("additionalContext", ""))

    server.valkey.client.set(mailbox_key("s1", "a1"), sealed(Letter("know this")))
    assert context(server.hook(event("SubagentStart", agent_id="a2"))) == ""
    assert context(server.hook(event())) == ""
    assert context(server.hook(event("SubagentStart", agent_id="a1"))) == "know this"
    server.valkey.client.set(mailbox_key("s1", "a1"), sealed(Letter("and this")))
    assert [context(server.hook(event(agent_id="a1"))) for _ in range(2)] == ["and this", ""]


def test_messages_among_the_mail_count_as_read_and_stale_letters_are_not_told(server: ApiServer) -> None:
    message = str(uuid.uuid4())
    box = sealed(Letter("a message", message)) + b"garbage\n" + sealed(Letter("too late", until=1.0))
    server.valkey.client.set(mailbox_key("s1"), box)
    assert server.hook(event()).json["hookSpecificOutput"]["additionalContext"] == "a message"
    asked = wait_for(lambda: server.valkey.client.hvals("dcm:dramatiq:default.msgs"), "the mark")
    assert [(one["actor_name"], one["args"]) for one in map(json.loads, asked)] == [
        ("mark_delivered", [[message], "s1"])
    ]


def test_messages_that_have_no_room_come_with_the_next_hooks(server: ApiServer) -> None:
    texts = [str(number) * 900 for number in range(5)]
    letters = [Letter(text, str(uuid.uuid4())) for text in texts]
    server.valkey.client.set(mailbox_key("s1"), b"".join(map(sealed, letters)))
    given = [server.hook(event()).json.get("hookSpecificOutput", {}).get("additionalContext") for _ in range(4)]
    assert given == ["\n\n".join(texts[:2]), "\n\n".join(texts[2:4]), texts[4], None]


def test_of_many_calls_at_once_each_letter_reaches_its_own_session_once(server: ApiServer) -> None:
    for number in range(0, 20, 2):
        server.valkey.client.set(mailbox_key(f"s{number}"), sealed(Letter(f"for {number}")))
    barrier = threading.Barrier(20)

    def send(number: int) -> str:
        barrier.wait()
        given = server.hook(event(session=f"s{number}")).json
        return str(given.get("hookSpecificOutput", {}).get("additionalContext", ""))

    with ThreadPoolExecutor(20) as senders:
        given = list(senders.map(send, range(20)))
    assert given == [f"for {number}" if number % 2 == 0 else "" for number in range(20)]


def test_every_subagent_that_starts_without_mail_is_answered(server: ApiServer) -> None:
    starts = [event("SubagentStart", agent_id=f"a{number}") for number in range(120)]
    with ThreadPoolExecutor(12) as senders:
        assert [answer.body for answer in senders.map(server.hook, starts)] == [b"{}"] * 120
