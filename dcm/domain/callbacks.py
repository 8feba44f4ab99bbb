"""Where subscribers may be called: anywhere on the internet, nowhere on this machine or its network unless allowed.

Link-local addresses are never called: a cloud tells its machines their credentials there.
"""

import ipaddress
from urllib.parse import urlsplit

from dcm.domain.errors import InvalidInput

TRANSLATED = ipaddress.IPv6Network("64:ff9b::/96")
"""Where a network that has no IPv4 of its own (NAT64) reaches IPv4 addresses, private ones too."""


def check(url: str, *, private: bool) -> None:
    """Refuse an address that can be seen to lead to a private place. `private`: such places are allowed.

    Raises:
        InvalidInput: it is not http or https, has no host, or leads where nobody is called.
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise _refused(f"it is no URL ({error})") from None
    if parts.scheme not in {"http", "https"} or not parts.hostname or port == 0:
        raise _refused("give an http or https URL")
    if parts.username is not None or parts.password is not None:
        raise _refused("leave the user name and the password out: they would not be sent")
    literal = "127.0.0.1" if parts.hostname.lower() == "localhost" else parts.hostname
    if _is_address(literal) and not reachable(literal, private=private):
        raise _refused(
            f"{parts.hostname} is on this machine or a private network: set DCM_CALLBACK_PRIVATE=1 to allow it"
        )


def shown(url: str) -> str:
    """An address as those see it who did not give it: without its query, where tokens stand."""
    parts = urlsplit(url)
    return parts._replace(query="***" if parts.query else "", fragment="").geturl()


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def reachable(address: str, *, private: bool) -> bool:
    """Whether a resolved address may be called."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = _inner(found) if isinstance(found, ipaddress.IPv6Address) else found
    if inner.is_loopback:
        return private
    if inner.is_multicast or inner.is_unspecified or inner.is_reserved or inner.is_link_local:
        return False
    return private or (inner.is_global and not getattr(inner, "is_site_local", False))


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address that an IPv6 one leads to, however it is written; else the address itself."""
    if address in TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF)
    return address.ipv4_mapped or address.sixtofour or address


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("Validation failed", {"callback_url": [reason]})
