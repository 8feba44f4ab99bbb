import os
import signal
import stat
from pathlib import Path

import pytest
import redis

from dcm import lease
from dcm.embedded import valkey
from dcm.embedded.places import places


def ask(url: str) -> "redis.Redis":
    return redis.Redis.from_url(url, decode_responses=True)


def test_it_speaks_on_a_private_socket_only_and_its_files_are_private(home: Path) -> None:
    with valkey.running(home) as url, ask(url) as client:
        assert client.config_get("port") == {"port": "0"}
        assert client.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        where = places(home)
        assert stat.S_IMODE(where.valkey_socket.stat().st_mode) == 0o700
        files = [path for path in where.valkey_data.rglob("*") if path.is_file()]
        assert files
        assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


@pytest.mark.parametrize("fsync", ["always", "everysec"])
def test_what_was_acknowledged_survives_kill_9(home: Path, fsync: str) -> None:
    with valkey.running(home, fsync) as url:
        with ask(url) as client:
            client.xadd("stream", {"event": "7"})
        lock = places(home).run / "valkey.child"
        pid = lease.read_pid(lock)
        assert pid
        os.kill(pid, signal.SIGKILL)
        assert lease.wait_free(lock, 5)
    with valkey.running(home, fsync) as url, ask(url) as client:
        assert client.xlen("stream") == 1


def test_a_tail_cut_off_by_a_crash_is_dropped_and_the_rest_loads(home: Path) -> None:
    with valkey.running(home, "always") as url, ask(url) as client:
        client.set("whole", "1")
    (log,) = places(home).valkey_data.rglob("*.incr.aof")
    with log.open("ab") as file:
        file.write(b"*3\r\n$3\r\nSET\r\n$4\r\nha")
    with valkey.running(home) as url, ask(url) as client:
        assert client.get("whole") == "1"


def test_a_path_with_blanks_and_quotes_works(home: Path) -> None:
    with valkey.running(home / 'a "b" c') as url, ask(url) as client:
        assert client.ping()
