"""The address of a DCM on another machine, and whether it may be spoken to without encryption."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from dcm.domain.errors import SettingsError


@dataclass(frozen=True, slots=True)
class ServerUrl:
    """A server's address, taken apart. `path` has no slash at its end."""

    secure: bool
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """Host and port as a request names them."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    def __str__(self) -> str:
        return f"{'https' if self.secure else 'http'}://{self.authority}{self.path}"


def server_url(text: str) -> ServerUrl:
    """The address a person gave.

    Raises:
        SettingsError: it is not the address of a server.
    """
    try:
        parts = urlsplit(text.strip())
        host, port = parts.hostname, parts.port
    except ValueError:
        parts, host, port = urlsplit(""), None, None
    secure = parts.scheme == "https"
    if (
        not host
        or parts.scheme not in {"http", "https"}
        or parts.query
        or parts.fragment
        or parts.username
        or port == 0
    ):
        raise SettingsError(f"{text!r} is not the URL of a server: give one like https://dcm.example.org:3847.")
    return ServerUrl(secure, host, port or (443 if secure else 80), parts.path.rstrip("/"))


def is_near(address: str) -> bool:
    """Whether an IP address is this machine's own or of a private network, where plain HTTP is let pass."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return not (mapped or found).is_global


def is_own(server: ServerUrl, port: int) -> bool:
    """Whether the address is this machine's own, as it names itself, with this port."""
    if server.port != port:
        return False
    try:
        found = ipaddress.ip_address(server.host.partition("%")[0])
    except ValueError:
        return server.host.rstrip(".") == "localhost"
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_unspecified


def needs_encryption(server: ServerUrl) -> bool:
    """Whether the address itself, where it is a number, says that plain HTTP must not be spoken to it."""
    try:
        ipaddress.ip_address(server.host.partition("%")[0])
    except ValueError:
        return False
    return not server.secure and not is_near(server.host)


def refusal(server: ServerUrl) -> str:
    """The sentence for a server that must not be spoken to in plain text."""
    return (
        f"{server} is on the open network and not encrypted: prompts, code and the token would be readable on the "
        "way. Use https://, a tunnel or a private network, or say --insecure."
    )
