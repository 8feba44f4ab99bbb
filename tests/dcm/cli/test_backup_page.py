"""The commands of the page on backups work as shown, on a DCM that runs and through the loss of its data."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import story
from api_server import ApiServer
from command import UNSET
from test_documents import blocks
from test_start import at_home, until

from dcm.embedded.places import places

COMMANDS = {"export" if "export" in block else "backup": block for block in blocks("backup.md", "sh")}


def typed(block: str, home: Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    """A block as a person types it, in a home of one's own."""
    kept = {name: value for name, value in os.environ.items() if name not in UNSET and not name.startswith("DCM_")}
    dcm = f'dcm() {{ "{sys.executable}" -m dcm "$@"; }}\n'
    where = {"HOME": str(home), "PYTHONPATH": os.getcwd(), **environ}  # noqa: PTH109 - as the child sees it
    argv = ["bash", "-ec", dcm + block]
    return subprocess.run(argv, cwd=home, env={**kept, **where}, capture_output=True, text=True, check=False)


def test_the_commands_of_the_page_that_export_and_import_work(server: ApiServer, home: Path) -> None:
    with psycopg.connect(server.database_url, autocommit=True) as conn:
        conn.execute("INSERT INTO projects (path) VALUES ('/home/ada/shop')")
    said = typed(COMMANDS["export"], home, DCM_HOME=str(server.valkey.home), DCM_PORT=str(server.port))
    assert said.returncode == 0, said.stderr
    assert "Exported 3 lines in shop.jsonl.gz" in said.stdout


@pytest.mark.contract("dcm backup", "dcm restore")
def test_everything_is_there_again_after_the_data_was_lost_and_restored() -> None:
    with at_home() as dcm:
        assert dcm.run("start").returncode == 0
        assert dcm.run("import", "transcripts", str(story.write(dcm.folder))).returncode == 0
        until(lambda: "make the cart faster" in dcm.run("search", "cart").stdout, "it is stored")
        told = dcm.json("backup")
        assert dcm.run("stop").returncode == 0
        shutil.rmtree(places(dcm.home).postgres_data)
        assert dcm.run("restore", told["file"], "--yes").returncode == 0
        assert dcm.run("start").returncode == 0
        assert "make the cart faster" in dcm.run("search", "cart").stdout
        said = typed(COMMANDS["backup"], dcm.folder, **dcm.environ)
        assert said.returncode == 0, said.stderr
        assert "DCM was stopped for it, and is up again, in the background: `dcm stop` ends it." in said.stdout
        assert "make the cart faster" in dcm.run("search", "cart").stdout
