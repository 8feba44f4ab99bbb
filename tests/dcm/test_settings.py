from dataclasses import fields, replace
from pathlib import Path

import pytest
from honcho.environ import expand_processes, parse_procfile

from dcm.domain.errors import SettingsError
from dcm.environment import PROCFILE_ORDER
from dcm.settings import Settings, load

PROCFILE = parse_procfile((Path(__file__).parents[2] / "Procfile").read_text()).processes


def ports_under_honcho(environ: dict[str, str], **concurrency: int) -> set[int]:
    """The PORT each line ends up with when honcho starts the Procfile in this environment."""
    lines = expand_processes(PROCFILE, concurrency=concurrency, env=environ, port=int(environ.get("PORT", "5000")))
    return {load({"HOME": "/home/ada", **environ, **line.env}).port for line in lines}


def test_with_nothing_set_everything_is_embedded_on_the_usual_ports() -> None:
    settings = load({"HOME": "/home/ada"})
    assert settings.home == Path("/home/ada/.dcm")
    assert (settings.host, settings.port, settings.dashboard_port, settings.ws_port) == ("127.0.0.1", 3847, 3848, 3849)
    assert settings.embedded_postgres
    assert settings.embedded_valkey


def test_honchos_counting_of_ports_is_taken_back_on_every_line() -> None:
    assert ports_under_honcho({}) == {3847}
    assert ports_under_honcho({"PORT": "4000"}) == {4000}
    assert ports_under_honcho({"PORT": "4000"}, worker=3, ingest=2) == {4000}
    assert ports_under_honcho({}, worker=3) == {3847}


@pytest.mark.parametrize("line", PROCFILE_ORDER)
def test_a_line_started_alone_by_honcho_has_the_usual_port(line: str) -> None:
    assert load({"HOME": "/h", "PORT": "5000", "HONCHO_PROCESS_NAME": f"{line}.1"}).port == 3847


def test_dcm_port_is_the_last_word_also_for_honchos_own_5000() -> None:
    assert ports_under_honcho({"PORT": "5000", "DCM_PORT": "5000"}) == {5000}


def test_a_url_of_the_database_wins_over_its_pieces() -> None:
    environ = {"HOME": "/h", "DCM_DATABASE_URL": "postgresql://a:b@c/d", "DB_USER": "x", "DB_PASSWORD": "y"}
    settings = load(environ)
    assert settings.database_url == "postgresql://a:b@c/d"
    assert not settings.embedded_postgres


def test_the_pieces_make_a_url_with_their_signs_quoted() -> None:
    settings = load({"HOME": "/h", "DB_USER": "ada", "DB_PASSWORD": "p@ss/word", "DB_HOST": "db", "DB_PORT": "6000"})
    assert settings.database_url == "postgresql://ada:p%40ss%2Fword@db:6000/claude_context"
    assert settings.masked()["database_url"] == "postgresql://ada:***@db:6000/claude_context"


@pytest.mark.parametrize(
    ("host", "shown"),
    [
        ("/var/run/postgresql", "%2Fvar%2Frun%2Fpostgresql"),
        ("::1", "[::1]"),
        ("fe80::1%eth0", "[fe80::1%25eth0]"),
        ("[::1]", "[::1]"),
        ("10.0.0.7", "10.0.0.7"),
    ],
)
def test_a_socket_folder_and_an_ipv6_address_are_hosts_too(host: str, shown: str) -> None:
    settings = load({"HOME": "/h", "DB_USER": "ada", "DB_PASSWORD": "p", "DB_HOST": host})
    assert settings.database_url == f"postgresql://ada:p@{shown}:5432/claude_context"


def test_half_of_the_pieces_is_refused_by_name() -> None:
    with pytest.raises(SettingsError, match=r"DB_HOST is set but DB_USER and DB_PASSWORD is not"):
        load({"HOME": "/h", "DB_HOST": "db"})


@pytest.mark.parametrize(
    ("variable", "value"),
    [("PORT", "many"), ("WS_PORT", "70000"), ("DCM_SHARDS", "0"), ("DCM_LOG_LEVEL", "loud"), ("DCM_VALKEY_FSYNC", "x")],
)
def test_what_cannot_be_used_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        load({"HOME": "/h", variable: value})


def test_further_origins_are_named_by_commas_as_a_browser_says_them() -> None:
    settings = load({"HOME": "/h", "DCM_ALLOWED_ORIGINS": " https://dash.example/, http://10.0.0.7:3848 ,"})
    assert settings.allowed_origins == ("https://dash.example", "http://10.0.0.7:3848")


@pytest.mark.parametrize("field", ["autostart", "callback_private", "relay_insecure"])
@pytest.mark.parametrize(("value", "means"), [("1", True), ("Yes", True), ("true", True), ("0", False), ("off", False)])
def test_every_switch_is_read_alike(field: str, value: str, *, means: bool) -> None:
    (variable,) = [item.metadata["env"] for item in fields(Settings) if item.name == field]
    assert getattr(load({"HOME": "/h", variable: value}), field) is means
    assert getattr(load({"HOME": "/h", variable: " "}), field) is getattr(load({"HOME": "/h"}), field)
    with pytest.raises(SettingsError, match=f"{variable} is 'maybe': give 1 or 0"):
        load({"HOME": "/h", variable: "maybe"})


@pytest.mark.parametrize(("value", "production"), [("production", True), ("development", False), ("", False)])
def test_only_the_word_production_means_production(value: str, production: bool) -> None:
    assert load({"HOME": "/h", "NODE_ENV": value}).production is production


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PORT": "6121", "WS_PORT": "6121"}, "PORT and WS_PORT are both 6121"),
        ({"DASHBOARD_PORT": "3849"}, "DASHBOARD_PORT and WS_PORT are both 3849"),
        ({"DCM_DATABASE_URL": "bogus"}, "DCM_DATABASE_URL is not the URL of a Postgres"),
        ({"DCM_REDIS_URL": "bogus"}, "DCM_REDIS_URL is not the URL of a Valkey or Redis"),
        ({"DCM_REDIS_URL": "redis://h:secret"}, "DCM_REDIS_URL is not the URL of a Valkey or Redis"),
    ],
)
def test_settings_that_cannot_be_together_or_are_no_address_are_refused(environ: dict[str, str], sentence: str) -> None:
    with pytest.raises(SettingsError, match=sentence) as refused:
        load({"HOME": "/home/u", **environ})
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("name", [item.name for item in fields(Settings) if item.metadata["secret"]])
def test_no_setting_that_is_secret_is_left_in_a_text(name: str) -> None:
    settings = replace(load({"HOME": "/h"}), **{name: "hushhush"})  # type: ignore[arg-type]
    address = replace(settings, **{name: "https://ada:hushhush@far"})  # type: ignore[arg-type]
    assert "hushhush" not in address.hidden("it answered: https://ada:hushhush@far is closed")
    if name not in {"database_url", "redis_url", "otlp_endpoint"}:
        assert settings.hidden("it answered: hushhush is no good") == "it answered: *** is no good"


def test_a_text_keeps_the_addresses_of_which_only_the_password_is_secret() -> None:
    settings = load({"HOME": "/h", "DCM_OTLP_ENDPOINT": "http://ada:hushhush@collector:4318"})
    assert settings.hidden("collector:4318 refused ada and hushhush") == "collector:4318 refused ada and ***"
