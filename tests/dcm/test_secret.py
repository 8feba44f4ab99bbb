"""The secret of the tokens: given, or made once for all processes and closed to others."""

import contextlib
import dataclasses
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dcm import secret, token_file
from dcm import settings as settings_module
from dcm.domain import access
from dcm.domain.errors import StartError
from dcm.embedded.places import make_home
from dcm.settings import Settings


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return settings_module.load({"DCM_HOME": str(tmp_path / "home")})


def test_one_that_is_given_is_used_and_none_is_made(settings: Settings) -> None:
    given = dataclasses.replace(settings, ws_auth_secret="given")
    assert secret.load(given) == b"given"
    assert not settings.home.exists()
    assert given.masked()["ws_auth_secret"] == "***"


def test_whoever_asks_first_makes_it_and_all_others_get_the_same(settings: Settings) -> None:
    with ThreadPoolExecutor(16) as threads:
        found = set(threads.map(lambda _: secret.load(settings), range(64)))
    assert len(found) == 1
    assert len(found.pop()) == 64
    assert [path.name for path in settings.home.iterdir() if path.is_file()] == [secret.FILE]


def test_nobody_else_may_read_it_and_a_file_that_was_open_is_closed(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    first = secret.load(settings)
    path = settings.home / secret.FILE
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o644)
    assert caplog.messages == []
    assert secret.load(settings) == first
    assert path.stat().st_mode & 0o777 == 0o600
    [told] = caplog.messages
    assert told.startswith(f"others could read {path} until now")


def test_an_empty_file_is_refused_with_what_to_do(settings: Settings) -> None:
    secret.load(settings)
    (settings.home / secret.FILE).write_bytes(b"")
    with pytest.raises(StartError, match="delete the file"):
        secret.load(settings)


@pytest.mark.parametrize("host", ["127.0.0.1", "0.0.0.0"])
def test_a_token_that_can_be_guessed_opens_nothing_and_no_server_beyond_loopback_starts_with_it(
    settings: Settings, host: str, caplog: pytest.LogCaptureFixture
) -> None:
    settings = dataclasses.replace(settings, host=host)
    make_home(settings.home)
    token_file.path(settings.home).write_text("short\n")
    token_file.path(settings.home).chmod(0o600)
    sentence = "has 5 characters, so few can be guessed: delete the file"
    with pytest.raises(StartError, match=sentence) if host == "0.0.0.0" else contextlib.nullcontext():
        assert token_file.digest(settings) is None
        assert sentence in caplog.text
    token_file.path(settings.home).write_text("x" * secret.SHORTEST)
    assert token_file.digest(settings) == access.digest("x" * secret.SHORTEST)
