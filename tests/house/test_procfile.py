from pathlib import Path

from honcho.environ import parse_procfile

from dcm.lines import SERVICES, STORES
from dcm.settings import PROCFILE_ORDER

PROCFILE = Path(__file__).parents[2] / "Procfile"


def test_the_procfile_has_the_lines_the_ports_are_counted_by_in_that_order() -> None:
    assert tuple(parse_procfile(PROCFILE.read_text()).processes) == PROCFILE_ORDER


def test_every_line_is_kept_and_every_kept_line_is_known() -> None:
    assert tuple(SERVICES) + tuple(STORES) == PROCFILE_ORDER
    for name, command in parse_procfile(PROCFILE.read_text()).processes.items():
        assert command == f'PATH="$PWD/.venv/bin:$PATH" exec python -m dcm.keep {name}'
