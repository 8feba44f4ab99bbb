"""What `dcm status` and `dcm doctor` say on a machine that reports to a DCM on another."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any

from dcm.cli import options, probes
from dcm.cli.findings import Finding, Part, broken, ok, warning
from dcm.client import ClientError, Unreachable
from dcm.domain.errors import SettingsError
from dcm.launcher import server_url
from dcm.relay.running import LOOPBACK, server_of
from dcm.relay.spool import FULL
from dcm.settings import Settings

Relay = Mapping[str, Any]

NEARLY_FULL = 0.8
"""From this part of a full spool on events will soon be dropped."""


def look(settings: Settings) -> Relay | None:
    """What the relay of this machine says of itself; None when none answers."""
    link = http.client.HTTPConnection(LOOPBACK, settings.port, timeout=probes.PROBE_SECONDS)
    try:
        link.request("GET", "/health")
        said = json.load(link.getresponse())
        found = said.get("relay") if isinstance(said, dict) else None
        return found if isinstance(found, dict) else None
    except (OSError, ValueError, http.client.HTTPException):
        return None
    finally:
        link.close()


def parts(settings: Settings) -> list[Part]:
    """The relay, what it holds, and the server."""
    found = look(settings)
    if found is None:
        return [Part("relay", False, f"nothing answers at {server_url(settings)}: run `dcm start`"), _server(settings)]
    return [Part("relay", True, server_url(settings)), _spool(found), _server(settings)]


def _spool(relay: Relay) -> Part:
    waits = f"{options.count(relay['waiting'], 'event')} wait for the server" if relay["waiting"] else "nothing waits"
    if relay["dropped"]:
        return Part("spool", False, f"{relay['dropped']} EVENTS WERE DROPPED, {_why(relay)}; {waits}")
    return Part("spool", True, waits)


def _why(relay: Relay) -> str:
    return str(relay.get("dropped_why") or FULL)


def _server(settings: Settings) -> Part:
    try:
        answer = probes.api_health(str(server_of(settings)))
    except Unreachable as error:
        return Part(
            "server", False, str(error) if error.sent else f"nothing answers at {settings.server}: start it there"
        )
    except (ClientError, SettingsError) as error:
        return Part("server", False, str(error))
    return Part("server", answer["status"] == "healthy", f"{settings.server}, version {answer['version']}")


def findings(settings: Settings) -> Iterator[Finding]:
    """Whether the relay runs, the server takes what it sends, and nothing was lost."""
    try:
        server = server_of(settings)
    except SettingsError as error:
        yield broken("server", str(error), "Correct DCM_SERVER_URL.")
        return
    relay = look(settings)
    if relay is None:
        yield broken("relay", f"nothing answers at {server_url(settings)}", "Run `dcm start`.")
        return
    yield ok("relay", f"it takes hooks at {server_url(settings)} for {server}")
    if relay["reachable"]:
        yield ok("server", f"it takes what is sent; {relay['forwarded']} events so far")
    else:
        yield broken(
            "server", f"{server} does not take events since {relay['away_since']}: {relay['reason']}", "Mend it."
        )
    yield from _kept(relay)
    if off := relay["clock_off_seconds"]:
        yield warning("clock", f"the server's clock is {off} s ahead of this one", "Let both be set by NTP.")


def _kept(relay: Relay) -> Iterator[Finding]:
    if relay["dropped"]:
        mend = "Raise DCM_RELAY_SPOOL_MB" if _why(relay) == FULL else "Make room on the disk of DCM_HOME/relay"
        says = f"{relay['dropped']} events were dropped: {_why(relay)}"
        yield broken("spool", says, f"{mend}; delete lost.json in DCM_HOME/relay to forget it.")
    elif relay["waiting_bytes"] > NEARLY_FULL * relay["spool_bytes"]:
        yield warning("spool", f"{relay['waiting']} events wait, it is nearly full", "Raise DCM_RELAY_SPOOL_MB.")
    else:
        yield ok("spool", f"{relay['waiting']} events wait")
    if relay["refused"]:
        yield warning("refused events", f"the server refused {relay['refused']} events", "The relay's log tells why.")
