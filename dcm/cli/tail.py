"""`dcm tail`: what happens, as it happens."""

import asyncio
import contextlib
import dataclasses
import fnmatch
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

import click
from rich.console import Console
from rich.markup import escape

from dcm.cli import options, texts
from dcm.client import MISSED, Absent, AsyncClient, EventStream, Told
from dcm.launcher import server_url

AGENT = "dcm-tail"
"""Who we say we are."""

OURS = frozenset({"agent.connected", "agent.disconnected"})
"""What is told of us too."""

STATES = ("created", "deleted", "updated", "pending", "running", "paused", "blocked", "completed", "failed")

KNOWN = frozenset(
    {
        "action.created", "actions.bulk_deleted", "project.deleted", "request.created", "request.deleted",
        *(f"{kind}.{state}" for kind in ("task", "subtask") for state in STATES),
        "agent_context.created", "agent.connected", "agent.disconnected", "agent.heartbeat", "agent.blocked",
        "agent.unblocked", "message.new", "message.read", "message.expired",
        "session.created", "session.ended", "session.deleted", "compact.saved", "brief.ready",
        "metric.update", "system.error", "system.info",
    }
)  # fmt: skip
"""What this version tells of, and what its clients may (docs/events.md)."""


@click.command()
@click.option("--session", "session_id", help="Only of this session.")
@click.option("--event", "events", multiple=True, help="Only these: a name, or a pattern like 'subtask.*'. Repeatable.")
@click.option(
    "--after", type=click.IntRange(0), help="Begin after this event_id, the number behind #, with what was kept since."
)
@click.option("-n", "--count", type=click.IntRange(1), help="Stop after so many.")
@options.url
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def command(
    *,
    session_id: str | None,
    events: Sequence[str],
    after: int | None,
    count: int | None,
    url: str | None,
    as_json: bool,
) -> None:
    """Print what happens, as it happens; Ctrl-C ends it. A lost connection is made again.

    \b
    Examples:
      dcm tail
      dcm tail --event 'subtask.*' --event message.new
      dcm tail --session 4f1cbe5f-2b2d-4c41-9d5b-0f1f2a3c4d5e --json
    """
    console = Console(highlight=False)
    if events and not any(fnmatch.filter(KNOWN, pattern) for pattern in events):
        named = ", ".join(events)
        click.echo(f"dcm: no event of this version is called {named}; waiting for one all the same.", err=True)

    def show(told: Told) -> None:
        if as_json:
            click.echo(texts.as_json(dataclasses.asdict(told)))
        else:
            console.print(_line(told), soft_wrap=True)

    wanted = Wanted(session_id, tuple(events), after, count)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(follow(url or server_url(options.settings()), wanted, show))


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are printed, from where on, and how many."""

    session_id: str | None
    patterns: tuple[str, ...]
    after: int | None
    count: int | None

    def holds(self, told: Told) -> bool:
        """Whether an event is one of them; that we listen is none."""
        data = told.data if isinstance(told.data, dict) else {}
        if told.event in OURS and data.get("agent_id") == AGENT:
            return False
        return not self.patterns or any(fnmatch.fnmatchcase(told.event, pattern) for pattern in self.patterns)


async def follow(server: str, wanted: Wanted, show: Callable[[Told], None]) -> None:
    """Show what is wanted until there was enough of it."""
    left = wanted.count
    shown = options.token(server)
    async with AsyncClient(server, token=shown) as client:
        bridge = await bridge_url(client)

        async def token() -> str:
            try:
                return (await client.create_token(AGENT, session_id=wanted.session_id))["token"]
            except Absent:
                return ""

        channels = [f"sessions/{wanted.session_id}" if wanted.session_id else "global"]
        stream = EventStream(
            bridge, channels=channels, token=token, access_token=shown, after=wanted.after, on_wait=_say_lost
        )
        async with stream as events:
            async for told in events:
                if told.event == MISSED:
                    click.echo("dcm: some of what happened before this is not kept any more", err=True)
                elif wanted.holds(told):
                    show(told)
                    left = None if left is None else left - 1
                if left == 0:
                    return


async def bridge_url(client: AsyncClient) -> str:
    """The WebSocket bridge of the server a client speaks to."""
    parts = urlsplit(client.url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    scheme = "wss" if parts.scheme == "https" else "ws"
    return f"{scheme}://{host}:{(await client.get_config())['ws_port']}/ws"


def _say_lost(seconds: float, reason: str) -> None:
    click.echo(f"dcm: the connection to the bridge is lost ({reason}); again in {seconds:.0f} s", err=True)


def _line(told: Told) -> str:
    """One event: when, its name, its session, what it says of itself, and its event_id where it is kept."""
    at = datetime.fromtimestamp(told.timestamp / 1000).astimezone().strftime("%H:%M:%S")
    data = told.data if isinstance(told.data, dict) else {}
    words = next((data[name] for name in ("summary", "description", "prompt", "topic") if data.get(name)), "")
    who = data.get("tool_name") or data.get("agent_type") or ""
    session = escape(texts.one_line(str(data.get("session_id") or "")[:8]))
    said, name = escape(texts.one_line(f"{who} {words}")), escape(texts.one_line(told.event))
    kept = "" if told.event_id is None else f" [dim]#{told.event_id}[/]"
    return f"[dim]{at}[/] [cyan]{name}[/] [dim]{session}[/] {said}{kept}"
