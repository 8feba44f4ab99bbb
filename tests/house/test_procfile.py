import subprocess
import sys
from pathlib import Path

import pytest
from honcho.environ import parse_procfile

from dcm.environment import PROCFILE_ORDER
from dcm.lines import SERVICES, STORES

ROOT = Path(__file__).parents[2]
PROCFILE = ROOT / "Procfile"


def test_the_procfile_has_the_lines_the_ports_are_counted_by_in_that_order() -> None:
    assert tuple(parse_procfile(PROCFILE.read_text()).processes) == PROCFILE_ORDER


def test_every_line_is_kept_and_every_kept_line_is_known() -> None:
    assert tuple(SERVICES) + tuple(STORES) == PROCFILE_ORDER
    for name, command in parse_procfile(PROCFILE.read_text()).processes.items():
        assert command == f'PATH="$PWD/.venv/bin:$PATH" exec python -m dcm.keep {name}'


@pytest.mark.parametrize("module", ["general", "ingest"])
def test_a_worker_knows_the_actors_of_its_queue_and_no_others(module: str) -> None:
    program = f"""if True:
        from workers import {module}, serve
        queue = serve.WORKERS["{module}"][0]
        print({{actor.queue_name for actor in {module}.broker.actors.values()}} == {{queue}})"""
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert said.stdout.strip() == "True"
