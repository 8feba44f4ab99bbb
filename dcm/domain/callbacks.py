"""Where subscribers may be called: anywhere on the internet, nowhere on this machine or its network unless allowed."""

import ipaddress
from urllib.parse import urlsplit

from dcm.domain.errors import InvalidInput


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
    literal = "127.0.0.1" if parts.hostname.lower() == "localhost" else parts.hostname
    if _is_address(literal) and not reachable(literal, private=private):
        raise _refused(
            f"{parts.hostname} is on this machine or a private network: set DCM_CALLBACK_PRIVATE=1 to allow it"
        )


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def reachable(address: str, *, private: bool) -> bool:
    """Whether a resolved address may be called."""
    found = ipaddress.ip_address(address.partition("%")[0])
    inner = getattr(found, "ipv4_mapped", None) or getattr(found, "sixtofour", None) or found
    if inner.is_loopback:
        return private
    if inner.is_multicast or inner.is_unspecified or inner.is_reserved:
        return False
    return private or (inner.is_global and not getattr(inner, "is_site_local", False))


def _refused(reason: str) -> InvalidInput:
    return InvalidInput("Validation failed", {"callback_url": [reason]})
