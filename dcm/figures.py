"""The figures of a process: counted in memory, told on a socket of its own when somebody asks."""

import atexit
import contextlib
import itertools
import logging
import socket
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from dcm import lease
from dcm.domain.errors import DcmError
from dcm.embedded.places import make_socket_folder, places

logger = logging.getLogger("dcm.figures")

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
"""Prometheus' text format."""

ANSWER_WITHIN = 1.0
"""Seconds after which a process that does not tell its figures counts as not up."""

FAST = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds, in seconds, for what somebody waits for."""

LONG = (0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds, in seconds, for what is done behind the door."""

REGISTRY = CollectorRegistry()
"""What this process counts."""

_POOL = Gauge(
    "dcm_database_pool_connections",
    "Connections of a pool, and who waits for one.",
    ["pool", "state"],
    registry=REGISTRY,
)

disable_created_metrics()  # type: ignore[no-untyped-call]
ProcessCollector(registry=REGISTRY)


def histogram(name: str, text: str, labels: Iterable[str] = (), bounds: Iterable[float] = LONG) -> Histogram:
    """A histogram of this process."""
    return Histogram(name, text, list(labels), buckets=tuple(bounds), registry=REGISTRY)


def watch_pool(name: str, stats: Callable[[], Mapping[str, Any]]) -> None:
    """Tell of a pool of database connections what it knows when it is asked."""
    _POOL.labels(name, "in_use").set_function(lambda: stats()["pool_size"] - stats()["pool_available"])
    _POOL.labels(name, "idle").set_function(lambda: stats()["pool_available"])
    _POOL.labels(name, "waiting").set_function(lambda: stats().get("requests_waiting", 0))


def tell(home: Path, name: str) -> None:
    """Tell this process's figures to whoever asks, in a thread that sleeps until then; never fail for it."""
    try:
        listener = _listen(home, name)
    except (OSError, DcmError) as error:
        logger.warning("nobody can ask this process for its figures: %s", error)
        return
    threading.Thread(target=_answer_all, args=[listener], name="figures", daemon=True).start()


def _listen(home: Path, name: str) -> socket.socket:
    """A socket with the first number that no living process of this name has."""
    folder = places(home).figures_sockets
    make_socket_folder(folder, home)
    for number in itertools.count(1):
        if lease.take(folder / f"{name}.{number}.lock", 0) is not None:
            break
    path = folder / f"{name}.{number}.sock"
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    atexit.register(path.unlink, missing_ok=True)
    return listener


def _answer_all(listener: socket.socket) -> None:
    while True:
        connection, _ = listener.accept()
        with connection, contextlib.suppress(OSError):
            connection.settimeout(ANSWER_WITHIN)
            connection.sendall(generate_latest(REGISTRY))


class Together(Collector):
    """The figures of every process of a DCM_HOME, each with the name of its process."""

    def __init__(self, home: Path, others: Iterable[Metric] = ()) -> None:
        self._folder, self._others = places(home).figures_sockets, others

    def collect(self) -> Iterator[Metric]:
        """Ask them all at once; `dcm_process_up` says who answered."""
        yield from self._others
        sockets = sorted(self._folder.glob("*.sock"))
        with ThreadPoolExecutor(len(sockets) or 1) as threads:
            told = dict(zip((path.stem for path in sockets), threads.map(_ask, sockets), strict=True))
        up = GaugeMetricFamily("dcm_process_up", "Whether a process tells its figures.", labels=["process"])
        for process, text in told.items():
            up.add_metric([process], float(bool(text)))
        yield up
        yield from _merged(told)


def _merged(told: dict[str, str]) -> Iterable[Metric]:
    families: dict[str, Metric] = {}
    for process, text in told.items():
        for family in text_string_to_metric_families(text):
            merged = families.setdefault(family.name, Metric(family.name, family.documentation, family.type))
            merged.samples += [one._replace(labels={**one.labels, "process": process}) for one in family.samples]
    return families.values()


def _ask(path: Path) -> str:
    """What a process tells; empty when it does not answer."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_WITHIN)
        connection.connect(str(path))
        return b"".join(iter(lambda: connection.recv(65536), b"")).decode()
    return ""


def text_of(collector: Collector) -> bytes:
    """Figures in Prometheus' text format."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(collector)
    return generate_latest(registry)
