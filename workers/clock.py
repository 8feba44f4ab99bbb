"""Periodic work: nudge what was forgotten, make next month's partitions, close what fell silent."""

import logging
import signal
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import redis
from dramatiq.errors import BrokerConnectionError

from db import cleanup, counts, health, housekeeping, messages, publish, subtasks
from db.pool import DatabaseError
from dcm.broker import DEFAULT, INGEST, NUDGE_MS, TELEMETRY_NUDGE, TELEMETRY_STREAM, enqueue, nudge_key, stream_key
from dcm.domain import subtasks as subtask_rules
from dcm.domain.events import Event
from dcm.figures import tell
from workers import backups, figures, pruning, running

logger = logging.getLogger("dcm.clock")

SILENT_MINUTES = 120
"""Minutes without a sign of life after which a running subagent counts as lost."""


@dataclass(slots=True)
class Duty:
    """Something done every so many seconds; `next_at` is in seconds of the monotonic clock."""

    name: str
    every: float
    run: Callable[[], None]
    next_at: float = 0.0


def nudge_forgotten() -> None:
    """Send a drain to each shard whose stream holds something and that has none on its way."""
    client = running.valkey()
    for shard in range(running.settings().shards):
        if client.xlen(stream_key(shard)) and client.set(nudge_key(shard), 1, nx=True, px=NUDGE_MS):
            enqueue(running.broker(), INGEST, "drain", shard)


def nudge_telemetry() -> None:
    """Send to the actor that writes telemetry when its stream holds something and none is on its way."""
    client = running.valkey()
    if client.xlen(TELEMETRY_STREAM) and client.set(TELEMETRY_NUDGE, 1, nx=True, px=NUDGE_MS):
        enqueue(running.broker(), DEFAULT, "telemetry")


def make_months() -> None:
    """Make the partitions of this month and the next two."""
    with running.pool().connection() as conn:
        housekeeping.make_months(conn, ahead=2)


def close_silent_subtasks() -> None:
    """Fail the subagents that will never report their end, and tell it; subscribers too, once it is committed."""
    stored: list[str] = []
    with running.pool().connection() as conn, conn.transaction():
        told = []
        for change in subtasks.close_silent(conn, SILENT_MINUTES):
            told += subtask_rules.announcements(change)
            message = subtask_rules.message(change)
            if message and messages.announce(conn, message, running.settings().message_ttl_ms):
                told.append(subtask_rules.message_event(message))
                stored.append(str(message.id))
        publish.publish(conn, told)
    for message_id in stored:
        enqueue(running.broker(), DEFAULT, "call_subscribers", message_id)


def clean_messages() -> None:
    """Delete the messages nobody needs any more."""
    with running.pool().connection() as conn:
        cleanup.clean_messages(conn)


def close_dead_sessions() -> None:
    """End the sessions that will never say so themselves, and tell it."""
    with running.pool().connection() as conn, conn.transaction():
        closed = cleanup.close_dead_sessions(conn, running.settings().session_idle_hours)
        publish.publish(conn, [Event("session.ended", {"id": one}, session_id=one) for one in closed])


def fold_counts() -> None:
    """Add what the triggers have noted to the figures."""
    with running.pool().connection() as conn:
        counts.fold(conn)


def check_database() -> None:
    """Say so in the log when the database is slow or away."""
    with running.pool().connection() as conn:
        latency = health.latency_ms(conn)
    if latency > 1000:
        logger.warning("the database answers slowly", extra={"ms": latency})


def duties() -> list[Duty]:
    """All periodic work with its period in seconds."""
    return [
        Duty("nudge", 1.0, nudge_forgotten),
        Duty("telemetry", 5.0, nudge_telemetry),
        Duty("figures", 2.0, fold_counts),
        Duty("months", 3600.0, make_months),
        Duty("silent subtasks", 60.0, close_silent_subtasks),
        Duty("messages", 60.0, clean_messages),
        Duty("dead sessions", 60.0, close_dead_sessions),
        Duty("backup", 60.0, backups.nightly().run),
        Duty("pruning", 300.0, pruning.prune_daily),
        Duty("database", running.settings().healthcheck_interval_ms / 1000, check_database),
    ]


def run_due(pending: list[Duty], now: float) -> float:
    """Run what is due and return the seconds until the next; a failure is logged and waits for its next turn."""
    for duty in pending:
        if duty.next_at <= now:
            duty.next_at = now + duty.every
            began, failed = time.monotonic(), False
            try:
                duty.run()
            except (DatabaseError, redis.RedisError, BrokerConnectionError) as error:
                failed = True
                logger.warning("%s: %s", duty.name, error)
            figures.duty(duty.name, time.monotonic() - began, time.time(), failed=failed)
    return max(0.0, min(duty.next_at for duty in pending) - now)


def main() -> None:
    """Do the periodic work until told to stop."""
    running.broker()
    tell(running.settings().home, "clock")
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    pending = duties()
    while not stop.is_set():
        stop.wait(run_due(pending, time.monotonic()))
    backups.nightly().stop()


if __name__ == "__main__":
    main()
