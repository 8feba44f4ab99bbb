"""The addresses of Postgres and Valkey: which can be one, how one is made of its parts."""

import re
from urllib.parse import quote, urlsplit

from dcm.domain.errors import SettingsError


def check_postgres(url: str) -> None:
    """Refuse what cannot be the address of a Postgres; what it says is not shown, a password may be in it.

    Raises:
        SettingsError: it cannot.
    """
    if not re.match(r"postgres(ql)?://", url) and "=" not in url:
        raise SettingsError(
            "DCM_DATABASE_URL is not the URL of a Postgres: give one like "
            "postgresql://user:password@localhost:5432/dcm, or unset it."
        )


def check_valkey(url: str) -> None:
    """Refuse what cannot be the address of a Valkey, in the same way.

    Raises:
        SettingsError: it cannot.
    """
    try:
        usable = re.match(r"(rediss?|unix)://", url) and urlsplit(url).port != 0
    except ValueError:
        usable = False
    if not usable:
        raise SettingsError(
            "DCM_REDIS_URL is not the URL of a Valkey or Redis: give one like redis://localhost:6379/0, or unset it."
        )


def postgres_url(user: str, password: str, host: str, port: int, name: str) -> str:
    """The address of a database, given piece by piece."""
    return f"postgresql://{quote(user, safe='')}:{quote(password, safe='')}@{_host(host)}:{port}/{quote(name, safe='')}"


def _host(host: str) -> str:
    """A host as a URL has it: the folder of a socket is quoted, an IPv6 address stands in brackets."""
    return f"[{quote(host, safe=':')}]" if ":" in host and not host.startswith("[") else quote(host, safe="[]:")
