"""Whose pages may call: a browser says where a page comes from and by which name it calls, a program says nothing."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

ANY_ADDRESS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  # nosec B104 # read, not listened on

LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""The names of this machine for itself."""


def origins(host: str, ports: Iterable[int], more: Iterable[str]) -> frozenset[str]:
    """The origins whose pages may call: our own ports on the names of this machine, and what is allowed besides."""
    names = [f"[{name}]" if ":" in name else name for name in (*LOOPBACK, host.strip("[]"))]
    return frozenset([*(f"http://{name}:{port}" for port in ports for name in names), *more])


def hosts(host: str) -> frozenset[str] | None:
    """The names we are called by; None is any name, because we listen beyond this machine."""
    return frozenset(LOOPBACK) if host.strip("[]") in LOOPBACK else None


def local_hosts(host: str, more: Iterable[str]) -> frozenset[str]:
    """The names by which this machine calls itself: no name of somebody else's that was made to lead here."""
    own = host.strip("[]").lower()
    allowed = (urlsplit(origin).hostname for origin in more)
    return frozenset([*LOOPBACK, *filter(None, allowed), *([own] if own not in ANY_ADDRESS else [])])


def host_name(host: str) -> str:
    """The name in a Host header, without its port and an address's brackets."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request says of where it comes from; a program names the host alone.

    `host` has no port. `site`, `mode` and `dest` are the browser's Sec-Fetch headers: no page can set them.
    """

    host: str
    method: str = "GET"
    origin: str | None = None
    site: str | None = None
    mode: str | None = None
    dest: str | None = None

    @property
    def is_of_another_site(self) -> bool:
        """Whether the browser says that a page elsewhere caused it; another port of this machine is elsewhere too."""
        return self.site is not None and self.site not in {"same-origin", "none"}

    @property
    def is_visit(self) -> bool:
        """Whether a person followed a link, in a tab: nothing of the answer is seen by the page that had the link."""
        return (self.method, self.mode, self.dest) == ("GET", "navigate", "document")


@dataclass(frozen=True, slots=True)
class Gate:
    """Who is let in: `hosts` are the names we are called by (None: any), `origins` those of pages that may call.

    `local_hosts` are the names that count where the caller is of this machine, and needs no token.
    """

    hosts: frozenset[str] | None
    origins: frozenset[str]
    local_hosts: frozenset[str] = frozenset(LOOPBACK)

    def refusal(self, asked: Asked, *, of_a_page: bool = False, local: bool = True) -> str:
        """Why a request is refused, empty when it is not.

        `of_a_page`: it is for a page, which any link may lead to. `local`: its caller is of this machine.
        """
        names = self.local_hosts if local else self.hosts
        if names is not None and asked.host.lower() not in names:
            return f"DCM is not {asked.host}: call it as localhost or 127.0.0.1."
        if asked.origin is not None:
            if asked.origin in self.origins:
                return ""
            return (
                f"Pages of {asked.origin} may not call DCM: open its own dashboard, or name it in DCM_ALLOWED_ORIGINS."
            )
        if asked.is_of_another_site and not (of_a_page and asked.is_visit):
            return "A page of another site may not load this: open DCM's own dashboard, or type the address."
        return ""


def gate(host: str, ports: Iterable[int], more: Sequence[str]) -> Gate:
    """The gate of a DCM that listens on a host and these ports; `more` are origins the person allows."""
    return Gate(hosts(host), origins(host, ports, more), local_hosts(host, more))
