import hashlib
import hmac
import json
import re
from typing import Any

import corpus
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain import access
from dcm.domain.own_patterns import parse
from dcm.domain.redaction import MARK, Redactor, plain, redact, without_private

TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"
"""Made of two parts, so that no forge takes it for real."""


def test_the_password_of_an_archive_is_caught_whatever_packs_it() -> None:
    for program in ("rar a", "unrar x", "zip -r", "7z a", "7za x"):
        assert "swordfish7" not in redact(f"{program} -pswordfish7 shop.bin src"), program


def test_a_putty_key_beside_another_private_key_is_caught() -> None:
    body = "aB3dE5fG7hJ9kL1m" * 4
    putty = f"PuTTY-User-Key-File-3: ssh-rsa\nPrivate-Lines: 1\n{body}\n"
    assert body not in redact(putty)
    assert body not in redact(f"{putty}\nadd the PRIVATE KEY above")


def test_a_mark_names_the_kind_and_the_beginning_of_a_keyed_sum_of_the_secret() -> None:
    digest = hmac.new(b"k", TOKEN.encode(), hashlib.sha256).hexdigest()[:8]
    assert Redactor(key=b"k").text(f"use {TOKEN} now") == f"use [redacted:github-token:{digest}] now"


def test_the_same_secret_has_the_same_mark_wherever_it_stands() -> None:
    marks = [
        found[0] for found in MARK.finditer(redact(f"{TOKEN}\nexport A_TOKEN={TOKEN}\n{json.dumps({'x': TOKEN})}"))
    ]
    assert len(marks) == 3
    assert len(set(marks)) == 1


@pytest.mark.parametrize("head", ["figu_", "figo_", "fm1r_", "fm2_", "nfp_", "vcp_", "vca_", "bkua_", "bkaj_"])
def test_every_beginning_that_an_issuer_gives_its_tokens_is_known(head: str) -> None:
    assert re.fullmatch(r"got \[redacted:[a-z]+-token:[0-9a-f]{8}\]", redact(f"got {head}{'aB3dE5fG7hJ' * 5}"))


@given(
    st.lists(
        st.sampled_from([*(case.text for case in corpus.secrets()[::7]), "password", "=", ": ", '"', "\n", "[", "a1"])
    )
)
def test_redacting_twice_changes_nothing_whatever_is_strung_together(parts: list[str]) -> None:
    once = redact("".join(parts))
    assert redact(once) == once


@given(st.text())
def test_any_text_can_be_redacted_twice_to_the_same_end(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("a <private>b</private> c", "a [private] c"),
        ("a <private>b\nc\n</private>\nd", "a [private]\nd"),
        ("a <PRIVATE>b", "a [private]"),
        ("a <private>b <private>c</private> d</private> e", "a [private] e"),
        ("a </private> b", "a </private> b"),
        (
            json.dumps({"a": "<private>b</private>"}).replace("<", "\\u003c").replace(">", "\\u003e"),
            '{"a": "[private]"}',
        ),
        ("a private matter", "a private matter"),
    ],
)
def test_private_parts_are_left_out_also_nested_and_not_closed(text: str, left: str) -> None:
    assert without_private(text) == left


@pytest.mark.parametrize(
    "text", ["DB_PW=hunter22x", '"pw": "hunter22x"', "AZURE_DEVOPS_EXT_PAT=hunter22xa7", '{"bearer": "hunter22xa7"}']
)
def test_short_names_of_secrets_tell_too(text: str) -> None:
    assert "hunter22x" not in redact(text)


def payload(**fields: Any) -> dict[str, Any]:
    return {"session_id": "s1", "hook_event_name": "PostToolUse", "tool_use_id": "toolu_01", "cwd": "/src", **fields}


@pytest.mark.parametrize(
    "value",
    [
        {"password": "x"},
        {"api_key": "abcd1234"},
        {"headers": {"Authorization": "Bearer abcd1234efgh"}},
        {"headers": {"authorization": ["Bearer abcd1234efgh"]}},
        {"env": [{"name": "DB_TOKEN", "value": "abcd1234efgh"}]},
        {"db": {"password": ["hunter2"]}},
        {"db_password": {"sensitive": True, "type": "string", "value": "hunter2"}},
        {"password": "hunter2\n"},
        {"tokens": [{"api_key": "abcd1234\r\n"}]},
        {"password": 12345678},
        {"Cookie": "theme=dark; sid=abcd1234efgh5678"},
        {"deep": [[{"secret": "hunter2"}]]},
        {"arguments": json.dumps({"password": "hunter2"})},
    ],
)
def test_the_names_of_fields_are_looked_at_however_deep_they_lie(value: Any) -> None:
    told = json.dumps(plain.value(value))
    assert MARK.search(told)
    assert not re.search(r"hunter2|abcd1234|12345678[^\]]|: \"x\"", told)
    assert told.count("\\n") == json.dumps(value).count("\\n")
    assert plain.value(plain.value(value)) == plain.value(value)


def test_what_the_system_knows_a_row_by_is_never_altered() -> None:
    ids = dict.fromkeys(
        ("session_id", "tool_use_id", "agent_id", "prompt_id", "transcript_path", "cwd", "hook_event_name"), TOKEN
    )
    assert plain.payload(ids | {"prompt": TOKEN}) == ids | {"prompt": redact(TOKEN)}


@pytest.mark.parametrize(
    "value", [{"name": "id", "value": TOKEN}, {"id": {"value": TOKEN}}, {"cwd": [{"value": TOKEN}]}]
)
def test_a_value_that_is_named_like_an_id_by_another_field_loses_its_secrets(value: Any) -> None:
    assert TOKEN not in json.dumps(plain.value(value))


def test_a_payload_without_secrets_is_given_back_itself() -> None:
    clean = payload(tool_name="Bash", tool_input={"command": "make test"}, tool_response={"stdout": "3 passed"})
    assert plain.payload(clean) is clean


LINES = 'A=1\nSTRIPE=abcd\nexport NAME="my shop"\nDEBUG=true\nPORT=3000\n# a comment\nREF=${OTHER}\n'


@pytest.mark.parametrize(
    "asked",
    [
        {"file_path": "/src/.env"},
        {"file_path": ".env.local", "content": LINES},
        {"command": "cat .env"},
        {"command": "cd app && cat ./.env.production | sort"},
        {"command": "grep -n '' config/.env"},
    ],
)
def test_every_value_of_an_env_file_that_a_tool_touched_is_redacted(asked: dict[str, str]) -> None:
    told = plain.payload(payload(tool_input=asked, tool_response={"stdout": LINES}))
    stdout = told["tool_response"]["stdout"]
    assert "abcd" not in json.dumps(told)
    assert "my shop" not in stdout
    assert [line for line in LINES.splitlines() if line in stdout.splitlines()] == [
        "A=1", "DEBUG=true", "PORT=3000", "# a comment", "REF=${OTHER}",
    ]  # fmt: skip


def test_an_example_of_an_env_file_is_a_text_like_any_other() -> None:
    given_ = payload(
        tool_input={"file_path": "/src/.env.example"}, tool_response={"stdout": "STRIPE=abcd\nNAME=shop\n"}
    )
    assert plain.payload(given_) is given_


def test_an_env_file_that_is_quoted_in_a_prompt_loses_its_values() -> None:
    told = redact("this is my .env:\n```\nSTRIPE=abcd\nNAME='my shop'\n```\nRUN=fast is another matter")
    assert "abcd" not in told
    assert "my shop" not in told
    assert told.endswith("RUN=fast is another matter")


@pytest.mark.parametrize("prefix", [access.TOKEN, access.CREDENTIAL])
def test_the_tokens_dcm_itself_makes_are_redacted_wherever_they_are_printed(prefix: str) -> None:
    token = access.make_token(prefix)
    for text in (token, f"here: {token}.", f"{token}\n"):
        assert redact(text).startswith(text.partition(token)[0] + "[redacted:dcm-token:"), text
        assert token not in redact(text)


def test_a_secret_behind_a_line_break_of_a_string_is_caught_as_one_behind_a_line_break() -> None:
    cases = [case for case in corpus.secrets() if "\\" not in case.text and case.secret not in redact(case.text)]
    assert len(cases) > 300
    stay = [
        text
        for case in cases
        for text in (json.dumps(f"once:\n{case.secret}"), json.dumps({"stdout": json.dumps(f"a\n{case.secret}\n")}))
        if case.secret not in redact(case.secret) and case.secret in redact(text)
    ]
    assert stay == []


@pytest.mark.parametrize("before", ["session-", "access_", "-", "_", "\\n", "\\\\n", "\\t"])
def test_a_web_token_is_caught_behind_what_may_begin_its_name(before: str) -> None:
    token = f"eyJ{'hbGciOi1' * 3}.eyJ{'zdWIiOi2' * 3}.{'Zm9vYmF3' * 4}"
    assert token not in redact(f'"{before}{token}"')


@pytest.mark.parametrize("name", ["pat", "pwd", "pass", "otp", "psk", "TOKEN"])
def test_a_name_behind_a_line_break_of_a_string_tells(name: str) -> None:
    assert "x8Kd93mQ27" not in redact(json.dumps(f"made\n{name}=x8Kd93mQ27"))


def test_bearers_behind_a_line_break_of_a_string_are_caught() -> None:
    assert "aB3dE5fG7hJ9kL1mN3" not in redact(json.dumps("sent\nBearer aB3dE5fG7hJ9kL1mN3"))


def test_own_patterns_find_more_and_the_allowed_ones_are_let_be() -> None:
    own = parse("# ours\nstaff-id = EMP-(\\d{6})\nallow = ^hunter2$\n", "own")
    redactor = Redactor(more=(own.find,), allowed=own.allowed)
    assert re.fullmatch(r"EMP-\[redacted:staff-id:[0-9a-f]{8}\]", redactor.text("EMP-123456"))
    assert redactor.text("password: hunter2") == "password: hunter2"


def test_an_own_pattern_for_a_whole_line_is_found_in_any_field() -> None:
    own = parse("staff-id = ^EMP-\\d{6}$\n", "own")
    redactor = Redactor(more=(own.find,))
    told = redactor.value({"a": "one", "b": ["EMP-123456"], "c": "two\nEMP-654321\nthree"})
    assert "EMP-" not in json.dumps(told)


def test_what_is_nested_too_deep_to_walk_is_still_redacted() -> None:
    deep: Any = TOKEN
    for _ in range(400):
        deep = {"a": [deep]}
    assert TOKEN not in json.dumps(plain.value(deep))
