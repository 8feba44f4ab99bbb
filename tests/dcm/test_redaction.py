import io
import json
import logging
import re
from pathlib import Path

import pytest

from dcm import redaction
from dcm.cli import doctor
from dcm.domain import access
from dcm.domain.errors import SettingsError
from dcm.domain.redaction import MARK, plain
from dcm.domain.secret_hints import look
from dcm.logs import JsonLines
from dcm.settings import Settings, load

TOKEN = "ghp_" + "aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3z56"


def settings(home: Path, **environ: str) -> Settings:
    return load({"DCM_HOME": str(home), **environ})


def test_the_marks_of_two_installations_differ_so_that_nobody_looks_a_password_up(tmp_path: Path) -> None:
    one, other = (redaction.redactor(settings(tmp_path / name)) for name in ("one", "other"))
    assert one.text(TOKEN) != other.text(TOKEN)
    assert one.text(TOKEN) == redaction.redactor(settings(tmp_path / "one", PORT="4000")).text(TOKEN)


def test_kingfisher_finds_what_its_rules_know_wherever_it_stands_in_a_text(tmp_path: Path) -> None:
    redactor = redaction.redactor(settings(tmp_path))
    token = "NRAK-" + "7QZK3XW5RT2YB4MN6PL9CV8DF1G"
    assert MARK.sub("#", redactor.text(f"né 🦊 {token} né")) == "né 🦊 # né"
    (found,) = redaction.known_to_kingfisher(f"né 🦊 {TOKEN} né")
    assert (found.start, found.end) == (5, 5 + len(TOKEN))


def test_a_mark_says_what_kingfishers_rule_is_for_not_which_of_its_variants_fits(tmp_path: Path) -> None:
    redactor = redaction.redactor(settings(tmp_path))
    token = "re_" + "oHwLMeaZ_qo9DZDNjN1GTPdVKsb1DS2S5"
    assert re.fullmatch(r"resend \[redacted:resend-api-key:[0-9a-f]{8}\]", redactor.text(f"resend {token}"))


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("ours = (", "is not a regular expression"),
        ("no equals sign", "write `kind = pattern`"),
        ("Big Kind = x", "write `kind = pattern`"),
        ("ours = x*", "matches the empty text"),
    ],
)
def test_a_pattern_that_cannot_be_used_is_refused_with_its_line(tmp_path: Path, line: str, why: str) -> None:
    path = tmp_path / "patterns"
    path.write_text(f"# ours\nfine = EMP-\\d+\n{line}\n", encoding="utf-8")
    with pytest.raises(SettingsError, match=r"patterns, line 3: .*" + why):
        redaction.redactor(settings(tmp_path, DCM_REDACT_FILE=str(path)))


def test_a_file_of_patterns_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="DCM_REDACT_FILE names"):
        redaction.own_patterns(settings(tmp_path, DCM_REDACT_FILE=str(tmp_path / "nowhere")))


def test_log_lines_and_their_exceptions_have_no_secrets() -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(plain.value))
    error = ValueError(f"no entry for {TOKEN}")
    said = {"password": "hunter2", "count": 3}
    record = logging.getLogger("x").makeRecord(
        "x", logging.ERROR, "f", 1, "login with %s failed", (TOKEN,), (ValueError, error, None), extra=said
    )
    handler.handle(record)
    line = json.loads(stream.getvalue())
    assert TOKEN not in stream.getvalue()
    assert "hunter2" not in stream.getvalue()
    assert (line["level"], line["logger"], line["count"]) == ("error", "x", 3)


def test_doctor_tells_which_line_of_the_own_patterns_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "patterns"
    path.write_text("staff-id = EMP-\\d+\n", encoding="utf-8")
    given = settings(tmp_path, DCM_REDACT_FILE=str(path))
    assert [(found.state, found.says) for found in doctor.patterns(given)] == [
        ("ok", f"1 pattern of your own in {path}")
    ]
    path.write_text("staff-id = (\n", encoding="utf-8")
    (found,) = doctor.patterns(given)
    assert found.state == "broken"
    assert f"{path}, line 1" in found.says
    assert list(doctor.patterns(settings(tmp_path))) == []


def test_a_log_has_no_password_of_a_store_even_where_a_driver_repeats_it(tmp_path: Path) -> None:
    own = settings(
        tmp_path, DCM_DATABASE_URL="postgresql://ada:hush%zzhush@db/x", DCM_REDIS_URL="redis://:quiet@db/0",
        WS_AUTH_SECRET="silence",
    )  # fmt: skip
    told = io.StringIO()
    logger = logging.getLogger("dcm.test.passwords")
    handler = logging.StreamHandler(told)
    handler.setFormatter(JsonLines(redaction.of_logs(own)))
    logger.addHandler(handler)
    logger.warning("tried %s", own.database_url, extra={"reason": 'invalid percent-encoded token: "hush%zzhush"'})
    logger.warning("password=%s", "x", extra={"more": ["redis://:quiet@db/0", {"silence": "silence"}]})
    assert [word for word in ("hush", "quiet", '"silence"') if word in told.getvalue()] == ['"silence"']
    lines = [json.loads(line) for line in told.getvalue().splitlines()]
    assert lines[0]["reason"] == 'invalid percent-encoded token: "***"'
    assert lines[1]["more"][1] == {"silence": "***"}


def test_a_log_has_no_secret_in_an_id_that_is_kept_where_rows_are_found_by_it(tmp_path: Path) -> None:
    token, known = access.make_token(access.TOKEN), "3fa85f64-5717-4562-b3fc-2c963f66afa6"
    line = JsonLines(redaction.of_logs(settings(tmp_path)))

    def logged(session_id: str) -> str:
        record = logging.makeLogRecord({"msg": "answered", "path": f"/api/sessions/{session_id}",
                                        "session_id": session_id, "ids": [{"agent_id": session_id}]})  # fmt: skip
        return line.format(record)

    assert token not in logged(token)
    told = json.loads(logged(known))
    assert (told["session_id"], told["ids"]) == (known, [{"agent_id": known}])


def test_hints_are_found_where_the_plain_search_finds_them_also_beside_half_a_surrogate_pair() -> None:
    for text in ("password=x", "é token\ud800 secret", "", "İ key", "passpasspass"):
        lowered = text.lower()
        assert sorted(redaction.hints(lowered)) == sorted(look(lowered))
