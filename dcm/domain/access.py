"""Who may call with which right: scopes, tokens, and what makes a request one of this machine."""

import base64
import binascii
import hashlib
import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Literal
from uuid import UUID

Scope = Literal["ingest", "read", "write", "admin"]

INGEST, READ, WRITE, ADMIN = SCOPES = ("ingest", "read", "write", "admin")
"""What a caller may do: report what happened, read, change what is remembered, and all of it with DCM itself."""

Needed = Literal[Scope, "any"]

ANY = "any"
"""What every good token opens, whatever its scopes are."""

TOKEN, CREDENTIAL = "dcm_", "dcma_"
"""How access tokens and the credentials of agents begin, so that a person, or a scanner, knows one when it sees it."""

CHALLENGE = 'Basic realm="DCM", Bearer realm="DCM"'
"""What an answer of 401 asks for. Basic stands first: some browsers read no further, and it is theirs."""

AGENT_HEADER = "X-DCM-Agent-Token"
"""Where an agent shows its credential; as a bearer it may stand too where no access token does."""

FAILURES = 10
"""Tokens that are not good which an address may show a minute."""

FORWARDED = (b"forwarded", b"x-forwarded-", b"x-real-ip")
"""How the headers begin that a proxy adds for the caller it speaks for."""


@dataclass(frozen=True, slots=True)
class Caller:
    """Who sent a request. `name` is what the audit log says; `token_id` is set for an access token of the database."""

    kind: Literal["local", "file", "token", "nobody"]
    name: str
    scopes: frozenset[str]
    address: str = ""
    token_id: UUID | None = None
    expires_at: datetime | None = None

    def may(self, scope: str) -> bool:
        """Whether it has a scope, or any where any will do; who may administer may do everything."""
        return scope in self.scopes or ADMIN in self.scopes or (scope == ANY and bool(self.scopes))

    @property
    def owns_files(self) -> bool:
        """Whether the files it names are those of this machine: it is of it, or can read the token file."""
        return self.kind in {"local", "file"}


@dataclass(frozen=True, slots=True)
class Known:
    """An access token that is good: its hash, and what its bearer may."""

    id: UUID
    name: str
    scopes: list[str]
    token_hash: bytes
    expires_at: datetime | None


def is_good(known: Known, hashed: bytes, now: datetime) -> bool:
    """Whether a token is the one that is known, and its time is not over."""
    return (known.expires_at is None or known.expires_at > now) and same(known.token_hash, hashed)


def make_token(prefix: str) -> str:
    """A new token: 256 random bits behind a prefix."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> bytes:
    """What is stored of a token.

    A slow hash protects what a person thought up, because that can be guessed. Nobody guesses 256 random bits, at any
    speed: one round of SHA-256 cannot be turned back, and costs a request nothing.
    """
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()


def same(one: bytes, other: bytes) -> bool:
    """Whether two digests are one, in a time that tells nothing of where they differ."""
    return hmac.compare_digest(one, other)


def presented(authorization: str | None) -> str:
    """The token of an Authorization header: a bearer's, or the password a browser asked for; empty when there is none.

    The user name beside that password is nobody's business.
    """
    scheme, _, rest = (authorization or "").partition(" ")
    rest = rest.strip()
    if scheme.lower() == "bearer":
        return rest
    if scheme.lower() != "basic":
        return ""
    try:
        return base64.b64decode(rest, validate=True).decode().partition(":")[2]
    except (binascii.Error, ValueError):
        return ""


def shown_digests(agent_token: str | None, authorization: str | None) -> tuple[bytes, ...]:
    """The digests of what somebody presents to be an agent: its credential, in its header or as a bearer."""
    tokens = (agent_token, presented(authorization))
    return tuple(digest(each) for each in tokens if each and each.startswith(CREDENTIAL))


@lru_cache(maxsize=1024)
def is_loopback(address: str) -> bool:
    """Whether an address of a peer is this machine's own loopback."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found).is_loopback


def is_local(address: str, header_names: Iterable[bytes]) -> bool:
    """Whether a request is of a program of this machine: from loopback, and not handed on by a proxy for somebody.

    The names of the headers are in small letters.
    """
    return is_loopback(address) and not any(name.startswith(FORWARDED) for name in header_names)


def is_open(host: str) -> bool:
    """Whether a server that listens on this address is reached from beyond loopback."""
    name = host.strip("[]")
    return name != "localhost" and not is_loopback(name)


def neighbourhood(address: str) -> str:
    """What counts as one address: of IPv6, where everybody has 2^64 of them, the network."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address) and not found.ipv4_mapped:
        return str(ipaddress.ip_network((found, 64), strict=False))
    return address


def place(address: str, forwarded_for: str) -> str:
    """What limits are counted by: where somebody calls from. A proxy of this machine says it of whom it speaks for.

    The last it names is the one that is connected to it; what stands before, the caller may have made up.
    """
    told = forwarded_for.rpartition(",")[2].strip()
    return neighbourhood(told if is_loopback(address) and _is_address(told) else address)


def _is_address(text: str) -> bool:
    try:
        return bool(ipaddress.ip_address(text))
    except ValueError:
        return False
