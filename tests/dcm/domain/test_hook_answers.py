"""What of an answer to a hook is passed on."""

import json
from typing import Any

import pytest

from dcm.domain.hook_answers import complaint, passed_on

TOLD = {"hookEventName": "SessionStart", "additionalContext": "Grüße"}


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=utf-8", "Application/JSON"])
def test_a_text_for_the_conversation_is(kind: str) -> None:
    said = json.dumps({"hookSpecificOutput": TOLD}).encode()
    assert json.loads(passed_on("SessionStart", kind, said)[1]) == {"hookSpecificOutput": TOLD}


def test_what_decides_is_not() -> None:
    more = {"permissionDecision": "allow", "updatedInput": {}, "decision": {"behavior": "allow"}}
    said = json.dumps({"hookSpecificOutput": {**TOLD, **more}, "continue": False, "decision": "block"}).encode()
    assert json.loads(passed_on("PreToolUse", "application/json", said)[1]) == {"hookSpecificOutput": TOLD}


@pytest.mark.parametrize(
    "said",
    [
        {"continue": False},
        {"hookSpecificOutput": {"hookEventName": "PreToolUse", "permissionDecision": "allow"}},
        {"hookSpecificOutput": {**TOLD, "additionalContext": ["a"]}},
        {"hookSpecificOutput": {**TOLD, "hookEventName": 1}},
        {"hookSpecificOutput": "x"},
        [TOLD],
        "text",
    ],
)
def test_nothing_is_where_there_is_no_text(said: Any) -> None:
    assert passed_on("PreToolUse", "application/json", json.dumps(said).encode()) == ("application/json", b"{}")


@pytest.mark.parametrize("said", [b"", b"{", b"\xff", b"[" * 100_000])
def test_nothing_is_of_what_is_no_json(said: bytes) -> None:
    assert passed_on("PreToolUse", "application/json", said) == ("application/json", b"{}")


def test_plain_text_is_for_precompact_alone() -> None:
    kind = "text/plain; charset=utf-8"
    assert passed_on("PreCompact", kind, b"Keep the errors.") == (kind, b"Keep the errors.")
    assert passed_on("SessionStart", kind, b"Keep the errors.") == ("application/json", b"{}")


@pytest.mark.parametrize("before", ["", " \n", "\ufeff", "\u00a0\ufeff\u2028"])
def test_plain_text_that_would_be_read_as_an_answer_with_fields_is_not(before: str) -> None:
    said = (before + '{"decision": "block"}').encode()
    assert passed_on("PreCompact", "text/plain", said) == ("application/json", b"{}")
    assert passed_on("PreCompact", "text/plain", b"\xff") == ("application/json", b"{}")


@pytest.mark.parametrize("said", [b"no", b"[1]", b'{"error": {"decision": "block"}}', b'{"decision": "block"}'])
def test_a_refusal_says_why_and_nothing_else(said: bytes) -> None:
    assert set(json.loads(complaint(said))) == {"error"}
    assert complaint(b'{"error": "No.", "continue": false}') == b'{"error": "No."}'
