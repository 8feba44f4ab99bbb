"""Prune: what somebody asked for, and once a day what the settings say."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

import dramatiq

from db import projects, pruning, retention
from db.pool import Conn, DatabaseError
from db.retention import Row
from dcm.broker import DEFAULT, accepted_streams, enqueue, enqueue_later
from dcm.domain import retention as rules
from dcm.domain.access import Caller
from dcm.domain.errors import DcmError
from workers import running

logger = logging.getLogger("dcm.pruning")
broker = running.broker()

EVERY, AT_THE_LATEST = timedelta(hours=24), timedelta(hours=48)
"""How often is pruned by the settings where it is quiet, and where it never is."""

AGAIN = timedelta(hours=1)
"""How long one that failed, or that no worker began, stands in the way of the next."""

QUIET = timedelta(minutes=10)
"""How long nothing was heard of any session when it is quiet."""

LOOK_AGAIN_MS = 60_000
"""Milliseconds until a pruning that another worker seems to do is looked at again."""

CLOCK = Caller("local", "clock", frozenset())
"""Who asks for what is done by the settings."""

Wanted = tuple[rules.Since, Mapping[UUID, datetime]]
"""Since when things are kept, and since when those of some projects."""


@dramatiq.actor(broker=broker, queue_name=DEFAULT, max_retries=0, throws=DcmError)
def prune(pruning_id: str) -> None:
    """Do a pruning that was asked for, once; how far it is stands in the table of prunings.

    One that failed, or whose worker died with it, goes on where it was when its message is delivered again.
    """
    asked_id = UUID(pruning_id)
    with running.pool().connection() as conn:
        asked = retention.one(conn, asked_id)
        if asked is None:
            return
        if not pruning.begin(conn):
            _not_now(conn, asked)
            return
        try:
            if retention.start(conn, asked_id):
                _do(conn, asked)
        finally:
            if not conn.closed:
                pruning.end(conn)


def _not_now(conn: Conn, asked: Row) -> None:
    """Refuse one that comes while another runs; look again later at one that began, for its worker may be dead."""
    if asked["began_at"] is None:
        retention.finish(conn, asked["id"], "Another pruning runs: ask again when it is over.")
    elif asked["ended_at"] is None:
        enqueue_later(broker, LOOK_AGAIN_MS, DEFAULT, "prune", str(asked["id"]))


def _do(conn: Conn, asked: Row) -> None:
    problem: str | None = "It was interrupted: ask again."
    try:
        since, of_projects = wanted(conn, asked["older_than_days"], asked["project_path"], datetime.now(UTC))
        pruning.prune(conn, since, of_projects, _Told(asked).tell, dry_run=asked["dry_run"])
        problem = None
    except (DcmError, DatabaseError) as error:
        problem = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise
    finally:
        with running.pool().connection() as other:
            retention.finish(other, asked["id"], problem)


class _Told:
    """Writes down how far a pruning is; what it let go before it was interrupted counts too."""

    def __init__(self, asked: Row) -> None:
        self.pruning_id: UUID = asked["id"]
        self.rows: dict[str, int] = {} if asked["dry_run"] else dict(asked["rows"])
        self.freed: int = 0 if asked["dry_run"] else asked["bytes"]

    def tell(self, table: str, rows: int, freed: int) -> None:
        """Note a step; seen at once, whatever transaction the pruning is in."""
        self.rows[table] = self.rows.get(table, 0) + rows
        self.freed += freed
        with running.pool().connection() as conn:
            retention.note(conn, self.pruning_id, table, {name: n for name, n in self.rows.items() if n}, self.freed)


def wanted(conn: Conn, older_than_days: int | None, project_path: str | None, now: datetime) -> Wanted:
    """What a pruning is to keep: by the settings, or by days given, of everything or of one project."""
    own = {row["id"]: row["days"] for row in retention.of_projects(conn)}
    if project_path is not None:
        found = projects.at(conn, project_path)
        days = older_than_days if older_than_days is not None else own.get(found["id"]) if found else None
        known = {found["id"]: rules.since(days, now)} if found and days is not None else {}
        return rules.everything(0, now), known
    if older_than_days is None:
        since = rules.cutoffs(rules.keep(running.settings().keep_days), now)
    else:
        since = rules.everything(older_than_days, now)
    return since, {project: rules.since(days, now) for project, days in own.items()}


def prune_daily() -> None:
    """Have the settings applied once a day, when it is quiet."""
    now = datetime.now(UTC)
    with running.pool().connection() as conn, conn.transaction():
        last, heard = retention.last_by_settings(conn, now - AGAIN), retention.quiet_since(conn)
        if last and (now - last < EVERY or (not _is_quiet(now, heard) and now - last < AT_THE_LATEST)):
            return
        asked = retention.ask(conn, CLOCK, older_than_days=None, project_path=None, dry_run=False)
    try:
        enqueue(broker, DEFAULT, "prune", str(asked["id"]))
    except Exception:
        with running.pool().connection() as conn:
            retention.finish(conn, asked["id"], "Valkey took no work.")
        raise


def _is_quiet(now: datetime, heard: datetime | None) -> bool:
    client = running.valkey()
    waiting = any(client.xlen(stream) for stream in accepted_streams(running.settings()))
    return not waiting and (heard is None or now - heard >= QUIET)
