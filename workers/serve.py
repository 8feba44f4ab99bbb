"""`python -m workers.serve MODULE`: one Dramatiq worker in this process, for the actors of workers.MODULE.

Dramatiq's own command starts a master that ends when a worker dies; here the keeper is the master.
Queues, threads and the idle wait are in WORKERS.
"""

import importlib
import signal
import sys
import threading

from dramatiq import Worker

from dcm import redaction, settings
from dcm.broker import DEFAULT, INGEST
from dcm.figures import tell

WORKERS = {"general": (DEFAULT, 4, 100), "ingest": (INGEST, 1, 50)}
"""{module: (queue, threads, milliseconds an idle worker sleeps at most)}: a shorter sleep costs more of a core."""

LAST_WORK_MS = 2500
"""Milliseconds that running work has to end when we are told to stop."""


def main() -> None:
    """Work until told to stop."""
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    name = sys.argv[1]
    queue, threads, idle_ms = WORKERS[name]
    broker = importlib.import_module(f"workers.{name}").broker
    redaction.get_ready()
    tell(settings.load().home, {"general": "worker"}.get(name, name))
    worker = Worker(broker, queues={queue}, worker_threads=threads, worker_timeout=idle_ms)
    worker.start()
    stop.wait()
    worker.stop(timeout=LAST_WORK_MS)
    broker.close()


if __name__ == "__main__":
    main()
