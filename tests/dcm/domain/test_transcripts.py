"""What transcripts say."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.texts import storable
from dcm.domain.transcripts import TranscriptFacts, facts, records, said

JSON: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
)


def message(kind: str, content: object, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "message": {"role": kind, "content": content}, **fields}


def test_facts_are_the_last_words_the_branch_and_the_first_prompt_of_the_main_conversation() -> None:
    found = facts([
        message("user", "make it faster", gitBranch="main"),
        message("assistant", [{"type": "text", "text": "I look at the cart."}, {"type": "tool_use", "name": "Bash"}]),
        message("user", [{"type": "tool_result", "content": "x"}], toolUseResult={}),
        message("assistant", [{"type": "text", "text": "a subagent's words"}], isSidechain=True),
        message("user", "now the tests", gitBranch="speed"),
        message("assistant", [{"type": "tool_use", "name": "Bash"}]),
    ])  # fmt: skip
    assert found == TranscriptFacts("I look at the cart.", "speed", "make it faster")


def test_neither_a_summary_nor_what_the_client_wrote_itself_is_a_prompt() -> None:
    found = facts([message("user", "summary", isCompactSummary=True), message("user", "caveat", isMeta=True)])
    assert found.first_prompt == ""


@given(
    st.lists(st.dictionaries(st.sampled_from(["type", "message", "isSidechain", "gitBranch", "x"]), JSON), max_size=5)
)
def test_records_of_any_shape_are_survived(found: list[dict[str, Any]]) -> None:
    assert isinstance(facts(found), TranscriptFacts)


@given(st.lists(st.binary(max_size=30) | JSON.map(lambda value: json.dumps(value).encode()), max_size=8))
def test_lines_of_any_shape_give_only_objects(lines: list[bytes]) -> None:
    assert all(isinstance(record, dict) for record in records(lines))


def test_what_postgres_cannot_store_is_replaced() -> None:
    assert said(message("assistant", "half \ud83d and nul \x00")) == "half ? and nul \ufffd"
    assert said(message("assistant", [{"type": "text", "text": "\ud83d\x00"}])) == "?\ufffd"


@given(st.text())
def test_storable_text_stays_as_it_is_and_all_text_becomes_storable(text: str) -> None:
    kept = storable(text)
    assert "\x00" not in kept
    assert kept.encode().decode() == kept == storable(kept)
    assert len(kept) == len(text)
