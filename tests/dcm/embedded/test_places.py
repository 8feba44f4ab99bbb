import os
import shutil
import tempfile
from pathlib import Path

import pytest

from dcm.domain.errors import StartError
from dcm.embedded import places as module
from dcm.embedded.places import SOCKET_PATH_LIMIT, make_home, make_socket_folder, places, private_folder


def test_everything_of_a_plain_user_is_under_dcm_home() -> None:
    where = places(Path("/home/ada/.dcm"), uid=1000)
    assert where.postgres_data == Path("/home/ada/.dcm/postgres")
    assert where.postgres_sockets == Path("/home/ada/.dcm/postgres-sockets")
    assert where.valkey_socket == Path("/home/ada/.dcm/valkey/valkey.sock")


def test_the_sockets_of_a_long_dcm_home_are_short_and_differ_by_home() -> None:
    first, second = (places(Path("/home/ada") / ("x" * 120) / name, uid=1000) for name in "ab")
    for where in (first, second):
        for path in (where.postgres_sockets / ".s.PGSQL.5432", where.valkey_socket):
            assert len(str(path)) <= SOCKET_PATH_LIMIT
    assert first.postgres_sockets != second.postgres_sockets
    assert first.valkey_socket != second.valkey_socket


def test_root_keeps_its_database_out_of_a_private_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROOT_STORE", tmp_path / "store")
    private = tmp_path / "private"
    private.mkdir(mode=0o700)
    assert (tmp_path / "store") in places(private / ".dcm", uid=0).postgres_data.parents
    assert private.stat().st_mode & 0o777 == 0o700


def test_data_that_exists_stays_where_it_is_when_folders_are_closed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ROOT_STORE", tmp_path / "store")
    home = tmp_path / "home"
    (home / "postgres").mkdir(parents=True)
    home.chmod(0o700)
    assert places(home, uid=0).postgres_data == home / "postgres"


def test_urls_survive_blanks_and_percent_signs() -> None:
    where = places(Path("/home/ada love/100%"), uid=1000)
    assert where.postgres_url.startswith("postgresql://postgres@/dcm?host=%2Fhome%2Fada%20love%2F100%25%2F")
    assert where.valkey_url == "unix:///home/ada%20love/100%25/valkey/valkey.sock?db=0"


def test_a_link_in_place_of_a_private_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "theirs").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "theirs")
    with pytest.raises(StartError, match="belongs to another user"):
        private_folder(tmp_path / "link")


def test_the_folders_of_the_sockets_leave_a_home_beside_the_short_ones_closed() -> None:
    home = Path(tempfile.mkdtemp(prefix="dcm-places-", dir="/tmp"))
    try:
        before = places(home)
        for folder in (before.valkey_socket.parent, home / "postgres-sockets"):
            make_socket_folder(folder, home)
        assert home.stat().st_mode & 0o777 == 0o700
        assert places(home) == before
    finally:
        shutil.rmtree(home)


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_dcm_home_in_which_others_may_write_is_refused_until_it_is_closed(tmp_path: Path, mode: int) -> None:
    home = tmp_path / "home"
    home.mkdir()
    home.chmod(mode)
    with pytest.raises(StartError, match=f"chmod go-w {home}"):
        make_home(home)
    assert list(home.iterdir()) == []
    home.chmod(mode & ~0o022)
    make_home(home)
    assert (home / "run").is_dir()


def test_a_dcm_home_of_another_user_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getuid", lambda: tmp_path.stat().st_uid + 1)
    with pytest.raises(StartError, match="belongs to another user"):
        make_home(tmp_path)
    assert list(tmp_path.iterdir()) == []
