"""What workers and the clock count: runs of actors, batches, duties."""

from prometheus_client import Counter, Gauge

from dcm.figures import REGISTRY, histogram

STORED = Counter("dcm_events_stored_total", "Events that became rows, each once.", registry=REGISTRY)
SET_ASIDE = Counter("dcm_events_rejected_total", "Events that the database refused.", registry=REGISTRY)
DIED = Counter("dcm_messages_dead_total", "Messages that failed for good.", ["actor"], registry=REGISTRY)

_RUNS = histogram("dcm_actor_duration_seconds", "How long an actor ran, by how it ended.", ["actor", "result"])
_BATCH = histogram("dcm_batch_duration_seconds", "How long it took to store a batch.")
_EVENTS = histogram(
    "dcm_batch_events", "Events of a batch.", bounds=(1, 2, 5, 10, 20, 50, 100, 200, 300, 400, 500, 1000, 2000)
)
_DUTY = histogram("dcm_clock_duty_duration_seconds", "How long a duty of the clock took.", ["duty", "result"])
_DUTY_AT = Gauge(
    "dcm_clock_duty_last_run_timestamp_seconds", "When a duty of the clock was last done.", ["duty"], registry=REGISTRY
)


def ran(actor: str, seconds: float, *, failed: bool) -> None:
    """Count a run of an actor."""
    _RUNS.labels(actor, "failed" if failed else "done").observe(seconds)


def batch(events: int, stored: int, seconds: float) -> None:
    """Count a batch: its events, those of them that are stored once it is committed, and its seconds."""
    _BATCH.observe(seconds)
    _EVENTS.observe(events)
    STORED.inc(stored)


def duty(name: str, seconds: float, at: float, *, failed: bool) -> None:
    """Count a duty of the clock; `at` is in seconds since the epoch."""
    _DUTY.labels(name, "failed" if failed else "done").observe(seconds)
    if not failed:
        _DUTY_AT.labels(name).set(at)
