"""One frozen Settings, read from the environment. `SETTINGS` in the docs is generated from the fields."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import cast

from dcm import environment
from dcm.domain import passwords, retention, store_urls
from dcm.domain.errors import SettingsError
from dcm.embedded.places import places

STORE_PATIENCE = 2.0
"""Seconds until a store that does not answer counts as away where somebody asks how DCM is."""


def _doc(env: str, text: str, *, secret: bool = False, bounds: tuple[int, int] | None = None) -> dict[str, object]:
    return {"env": env, "doc": text, "secret": secret, "bounds": bounds}


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything the processes can be told. Each field names its variable and says what it does."""

    home: Path = field(metadata=_doc("DCM_HOME", "Folder of data, logs and the hook launcher."))
    database_url: str = field(metadata=_doc("DCM_DATABASE_URL", "Postgres to use.", secret=True))
    redis_url: str = field(metadata=_doc("DCM_REDIS_URL", "Valkey or Redis to use.", secret=True))
    embedded_postgres: bool = field(metadata=_doc("", "True when neither DCM_DATABASE_URL nor DB_* is set."))
    embedded_valkey: bool = field(metadata=_doc("", "True when DCM_REDIS_URL is not set."))
    host: str = field(
        default="127.0.0.1", metadata=_doc("HOST", "Address all servers listen on; a relay listens on loopback.")
    )
    port: int = field(
        default=3847, metadata=_doc("PORT", "Port of the API and the dashboard. DCM_PORT wins: honcho changes PORT.")
    )
    dashboard_port: int = field(
        default=3848, metadata=_doc("DASHBOARD_PORT", "Second port of the same server, for the dashboard.")
    )
    ws_port: int = field(default=3849, metadata=_doc("WS_PORT", "Port of the WebSocket bridge."))
    db_max_connections: int = field(
        default=10, metadata=_doc("DB_MAX_CONNECTIONS", "Most database connections of one process.", bounds=(1, 1000))
    )
    max_db_retries: int = field(
        default=3,
        metadata=_doc("MAX_DB_RETRIES", "Tries to reach the database before start-up gives up.", bounds=(0, 1000)),
    )
    healthcheck_interval_ms: int = field(
        default=30_000,
        metadata=_doc(
            "HEALTHCHECK_INTERVAL_MS",
            "Milliseconds between checks of the database by the clock.",
            bounds=(1000, 86_400_000),
        ),
    )
    message_ttl_ms: int = field(
        default=3_600_000,
        metadata=_doc(
            "MESSAGE_TTL_MS", "Milliseconds a message lives when it says nothing.", bounds=(1000, 86_400_000)
        ),
    )
    api_workers: int = field(
        default=1, metadata=_doc("DCM_API_WORKERS", "Processes of the API server.", bounds=(1, 64))
    )
    shards: int = field(
        default=1, metadata=_doc("DCM_SHARDS", "Ingest streams; a session stays on one.", bounds=(1, 64))
    )
    ws_auth_secret: str = field(
        default="",
        metadata=_doc(
            "WS_AUTH_SECRET",
            "Signs WebSocket tokens; the same for all processes. Made once in DCM_HOME when not set.",
            secret=True,
        ),
    )
    production: bool = field(
        default=False,
        metadata=_doc(
            "NODE_ENV", "When it is `production` WebSocket clients need a token: names alone are not believed."
        ),
    )
    allowed_origins: tuple[str, ...] = field(
        default=(), metadata=_doc("DCM_ALLOWED_ORIGINS", "Further origins whose pages may call, by commas.")
    )
    token: str = field(
        default="",
        metadata=_doc("DCM_TOKEN", "Access token that `dcm`, its clients and the hooks call with.", secret=True),
    )
    rate_per_second: int = field(
        default=100,
        metadata=_doc(
            "DCM_RATE_PER_SECOND",
            "Requests a second of a token, or of an address that shows none.",
            bounds=(1, 1_000_000),
        ),
    )
    rate_burst: int = field(
        default=400,
        metadata=_doc("DCM_RATE_BURST", "Requests in one go before that rate holds.", bounds=(1, 1_000_000)),
    )
    callback_private: bool = field(
        default=False,
        metadata=_doc(
            "DCM_CALLBACK_PRIVATE", "When it is 1, subscribers on this machine and private networks are called too."
        ),
    )
    session_idle_hours: int = field(
        default=24,
        metadata=_doc(
            "DCM_SESSION_IDLE_HOURS", "Hours of silence after which a session counts as ended.", bounds=(1, 8760)
        ),
    )
    keep_days: str = field(
        default="",
        metadata=_doc("DCM_KEEP_DAYS", "Days that things are kept, such as actions=30,events=3: see storage.md."),
    )
    brief_tokens: int = field(
        default=2000,
        metadata=_doc(
            "DCM_BRIEF_TOKENS",
            "Tokens of the brief after a compaction, 100 to 8000; four characters each.",
            bounds=(100, 8000),
        ),
    )
    claude_home: Path = field(
        default=Path(".claude"), metadata=_doc("CLAUDE_CONFIG_DIR", "Where Claude Code keeps settings and skills.")
    )
    valkey_fsync: str = field(
        default="everysec",
        metadata=_doc("DCM_VALKEY_FSYNC", "appendfsync of the embedded Valkey: everysec, always or no."),
    )
    autostart: bool = field(
        default=True,
        metadata=_doc("DCM_AUTOSTART", "Whether a session that starts may start DCM in the background: 1 or 0."),
    )
    redact_file: Path | None = field(
        default=None,
        metadata=_doc(
            "DCM_REDACT_FILE", "File of your own patterns of secrets, and of what is none: see redaction.md."
        ),
    )
    otlp_endpoint: str = field(
        default="",
        metadata=_doc(
            "DCM_OTLP_ENDPOINT",
            "Where traces of DCM itself are sent as OTLP over HTTP, like http://localhost:4318. "
            "Else OTEL_EXPORTER_OTLP_ENDPOINT; off without either. Needs dcm[otel].",
            secret=True,
        ),
    )
    backup_keep: int = field(
        default=7,
        metadata=_doc(
            "DCM_BACKUP_KEEP",
            "Days a backup is kept, one is made each night; 0: none is made by itself.",
            bounds=(0, 3650),
        ),
    )
    backup_folder: Path | None = field(
        default=None,
        metadata=_doc("DCM_BACKUP_FOLDER", "Where backups go, best on another disk."),
    )
    server: str = field(
        default="",
        metadata=_doc(
            "DCM_SERVER_URL", "DCM on another machine, to which this one reports: what runs here is a relay."
        ),
    )
    token_file: Path | None = field(
        default=None,
        metadata=_doc("DCM_TOKEN_FILE", "File in which a relay finds the token instead, read with every request."),
    )
    relay_spool_mb: int = field(
        default=64,
        metadata=_doc(
            "DCM_RELAY_SPOOL_MB",
            "Megabytes of events that a relay keeps while the server is away.",
            bounds=(1, 100_000),
        ),
    )
    relay_insecure: bool = field(
        default=False,
        metadata=_doc("DCM_RELAY_INSECURE", "When it is 1, a relay speaks plain HTTP to the open network too."),
    )
    log_level: str = field(default="info", metadata=_doc("DCM_LOG_LEVEL", "debug, info, warning or error."))

    @property
    def backups(self) -> Path:
        """The folder of the backups."""
        return self.backup_folder or self.home / "backups"

    def masked(self) -> dict[str, object]:
        """Every setting by field name, for a person to read: passwords in URLs are masked."""
        shown: dict[str, object] = {}
        for item in fields(self):
            value = getattr(self, item.name)
            shown[item.name] = passwords.shown(value) if item.metadata["secret"] and value else value
        return shown

    def hidden(self, text: str) -> str:
        """A text, of an error or a log, without what of these settings is secret."""
        for name in _SECRETS:
            if len(secret := getattr(self, name)) >= passwords.SHORTEST:
                text = text.replace(secret, "***")
        return passwords.hidden(text, *(getattr(self, name) for name in _ADDRESSES))


_ADDRESSES = ("database_url", "redis_url", "otlp_endpoint")
"""What is secret for the password in it; the rest of an address may be told."""

_SECRETS = tuple(item.name for item in fields(Settings) if item.metadata["secret"] and item.name not in _ADDRESSES)

VARIABLES = frozenset(item.metadata["env"] for item in fields(Settings)) - {""} | {
    "DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD", "DCM_PORT", "OTEL_EXPORTER_OTLP_ENDPOINT"
}  # fmt: skip
"""Every variable that settings are made of."""


def _database_url(environ: Mapping[str, str], home: Path) -> tuple[str, bool]:
    """The Postgres to use and whether it is the embedded one: DCM_DATABASE_URL, then DB_*, then embedded."""
    if url := environ.get("DCM_DATABASE_URL", "").strip():
        store_urls.check_postgres(url)
        return url, False
    given = [name for name in ("DB_HOST", "DB_PORT", "DB_NAME", "DB_USER", "DB_PASSWORD") if environ.get(name)]
    if not given:
        return places(home).postgres_url, True
    missing = [name for name in ("DB_USER", "DB_PASSWORD") if not environ.get(name)]
    if missing:
        raise SettingsError(
            f"{', '.join(given)} is set but {' and '.join(missing)} is not: set DB_USER and DB_PASSWORD, "
            "or DCM_DATABASE_URL, or none of them for the embedded Postgres."
        )
    port = environment.integer(environ, "DB_PORT", 5432, 1, 65535)
    host, name = environ.get("DB_HOST") or "localhost", environ.get("DB_NAME") or "claude_context"
    return store_urls.postgres_url(environ["DB_USER"], environ["DB_PASSWORD"], host, port, name), False


def _redis_url(environ: Mapping[str, str], home: Path) -> tuple[str, bool]:
    """The Valkey to use and whether it is the embedded one."""
    if url := environ.get("DCM_REDIS_URL", "").strip():
        store_urls.check_valkey(url)
        return url, False
    return places(home).valkey_url, True


def _numbers(environ: Mapping[str, str]) -> dict[str, int]:
    """The fields that are whole numbers between bounds."""
    bounded = [item for item in fields(Settings) if item.metadata["bounds"]]
    return {
        item.name: environment.integer(
            environ, item.metadata["env"], cast("int", item.default), *item.metadata["bounds"]
        )
        for item in bounded
    }


def load(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings.

    Raises:
        SettingsError: a variable cannot be used; the message says which and what to give.
    """
    environ = os.environ if environ is None else environ
    user_home = Path(environ.get("HOME") or Path.home())
    home = Path(environ.get("DCM_HOME") or user_home / ".dcm").expanduser().absolute()
    database_url, embedded_postgres = _database_url(environ, home)
    redis_url, embedded_valkey = _redis_url(environ, home)
    server = environ.get("DCM_SERVER_URL", "").strip().rstrip("/")
    return Settings(
        home=home,
        database_url=database_url,
        redis_url=redis_url,
        embedded_postgres=embedded_postgres,
        embedded_valkey=embedded_valkey,
        host="127.0.0.1" if server else environ.get("HOST") or "127.0.0.1",
        ws_auth_secret=environ.get("WS_AUTH_SECRET", "").strip(),
        production=environ.get("NODE_ENV", "") == "production",
        allowed_origins=environment.names(environ.get("DCM_ALLOWED_ORIGINS", "")),
        token=environ.get("DCM_TOKEN", "").strip(),
        callback_private=environment.flag(environ, "DCM_CALLBACK_PRIVATE", default=False),
        keep_days=retention.checked(environ.get("DCM_KEEP_DAYS", "")),
        claude_home=Path(environ.get("CLAUDE_CONFIG_DIR") or user_home / ".claude").expanduser(),
        valkey_fsync=environment.choice(environ, "DCM_VALKEY_FSYNC", "everysec", ("everysec", "always", "no")),
        autostart=environment.flag(environ, "DCM_AUTOSTART", default=True),
        redact_file=environment.file(environ, "DCM_REDACT_FILE"),
        otlp_endpoint=environment.endpoint(environ),
        backup_folder=environment.file(environ, "DCM_BACKUP_FOLDER"),
        server=server,
        token_file=environment.file(environ, "DCM_TOKEN_FILE"),
        relay_insecure=environment.flag(environ, "DCM_RELAY_INSECURE", default=False),
        log_level=environment.choice(environ, "DCM_LOG_LEVEL", "info", ("debug", "info", "warning", "error")),
        **environment.ports(environ),
        **_numbers(environ),
    )
