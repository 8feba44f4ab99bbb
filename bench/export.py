"""Measure an export and its import into an empty database: rows a second, and the most memory each process takes.

.venv/bin/python bench/export.py                     # 200,000 actions, stores of its own in a temporary folder
.venv/bin/python bench/export.py --actions 20000
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import psycopg
from measure import rows

from db.migrate import migrate
from dcm.embedded import postgres, valkey

PORT = 25847


def fill(url: str, actions: int) -> None:
    """What a busy month leaves behind."""
    migrate(url)
    with psycopg.connect(url, autocommit=True) as conn:
        for _ in rows.lay(conn, "rows.sql", actions=actions, days=30):
            pass


def watched(api: psutil.Process, run: Callable[[], None]) -> tuple[float, dict[str, int]]:
    """(seconds, most memory by process) of a run: the API's processes, the one that exports, the command."""
    most: dict[str, int] = {}
    done = threading.Event()

    def look() -> None:
        while not done.wait(0.05):
            for process in [*api.children(recursive=True), *psutil.Process().children()]:
                try:
                    said = " ".join(process.cmdline())
                    name = "exporting" if "api.exporting" in said else "dcm" if " dcm " in said else "api"
                    most[name] = max(most.get(name, 0), process.memory_info().rss)
                except psutil.Error:
                    continue

    watcher = threading.Thread(target=look)
    watcher.start()
    began = time.perf_counter()
    run()
    seconds = time.perf_counter() - began
    done.set()
    watcher.join()
    return seconds, most


def dcm(*arguments: str) -> None:
    """Run the command."""
    subprocess.run([sys.executable, "-m", "dcm", *arguments, "--url", f"http://127.0.0.1:{PORT}"], check=True)


def served(url: str, run: Callable[[], None]) -> tuple[float, dict[str, int]]:
    """The same, with an API on this database."""
    environ = {**os.environ, "DCM_DATABASE_URL": url, "DCM_LOG_LEVEL": "error"}
    argv = [sys.executable, "-m", "gunicorn", "-c", "python:api.server", "api.app:create_app()"]
    with subprocess.Popen(argv, env=environ) as process:
        try:
            asked = [sys.executable, "-m", "dcm", "health", "--url", f"http://127.0.0.1:{PORT}"]
            while subprocess.run(asked, capture_output=True, check=False).returncode:
                time.sleep(0.1)
            return watched(psutil.Process(process.pid), run)
        finally:
            process.terminate()


def main() -> None:
    """Print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--actions", type=int, default=200_000)
    actions = parser.parse_args().actions
    folder = Path(tempfile.mkdtemp(prefix="dcm-moves-"))
    folder.chmod(0o711)
    home = folder / "home"
    file = folder / "all.jsonl"
    ports = {"DCM_PORT": PORT, "DASHBOARD_PORT": PORT + 1, "WS_PORT": PORT + 2}
    os.environ |= {"DCM_HOME": str(home), **{name: str(port) for name, port in ports.items()}}
    try:
        with postgres.running(home) as url, valkey.running(home) as redis_url:
            os.environ["DCM_REDIS_URL"] = redis_url
            fill(url, actions)
            runs = {"export": served(url, lambda: dcm("export", "--output", str(file)))}
            with psycopg.connect(url, autocommit=True) as conn:
                conn.execute("CREATE DATABASE empty")
            empty = url.replace("/dcm?", "/empty?")
            migrate(empty)
            runs["import"] = served(empty, lambda: dcm("import", "export", str(file)))
        with file.open("rb") as lines:
            rows = sum(1 for _ in lines)
        print(f"{rows} lines, {file.stat().st_size / 1e6:.0f} MB")
        for name, (seconds, most) in runs.items():
            memory = ", ".join(f"{process} {size / 1e6:.0f} MB" for process, size in sorted(most.items()))
            print(f"{name}  {seconds:7.1f} s  {rows / seconds:7.0f} rows/s  {memory}")
    finally:
        shutil.rmtree(folder)


if __name__ == "__main__":
    main()
