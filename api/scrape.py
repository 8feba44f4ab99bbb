"""How the system is, as Prometheus reads it."""

from collections.abc import Iterator, Mapping

from prometheus_client.core import GaugeMetricFamily, Metric

from api.system import QueueState, StoreState, System


def families(state: System) -> Iterator[Metric]:
    """The figures that belong to no process: of the queue, of the stores, of the disk."""
    yield _gauge("dcm_valkey_up", "Whether Valkey answers.", state.queue is not None)
    yield _gauge("dcm_postgres_up", "Whether Postgres answers.", state.store is not None)
    yield _gauge("dcm_home_disk_free_bytes", "Free space on the disk of DCM_HOME.", state.free_bytes)
    yield _gauge("dcm_home_disk_size_bytes", "Size of the disk of DCM_HOME.", state.disk_bytes)
    if state.queue:
        yield from _of_queue(state.queue)
    if state.store:
        yield from _of_store(state.store)


def _of_queue(queue: QueueState) -> Iterator[Metric]:
    yield _gauge("dcm_queue_events", "Accepted events that are not stored yet.", queue.depth)
    yield _gauge("dcm_queue_lag_seconds", "How long the oldest of them has waited.", queue.lag)
    yield _by("dcm_queue_messages", "Messages that wait for an actor or are worked on.", "queue", queue.messages)
    yield _by("dcm_queue_delayed_messages", "Messages whose time has not come.", "queue", queue.later)
    yield _by("dcm_dead_messages", "Messages that failed for good, of the last week.", "queue", queue.dead)
    yield _gauge("dcm_valkey_memory_bytes", "Memory that Valkey's data takes.", queue.used_bytes)


def _of_store(store: StoreState) -> Iterator[Metric]:
    counts = store.counts
    rows = {
        "projects": counts.projects,
        "requests": counts.requests,
        "actions": counts.actions,
        "messages": counts.messages,
    }
    yield _by("dcm_stored_rows", "What is stored.", "table", rows)
    yield _gauge("dcm_rejected_events", "Events the database refused and that are kept.", store.refusals.total)
    yield _gauge("dcm_database_size_bytes", "Size of the database.", store.used_bytes)


def _gauge(name: str, text: str, value: float) -> Metric:
    return GaugeMetricFamily(name, text, value=float(value))


def _by(name: str, text: str, label: str, values: Mapping[str, float]) -> Metric:
    family = GaugeMetricFamily(name, text, labels=[label])
    for part, value in values.items():
        family.add_metric([part], float(value))
    return family
