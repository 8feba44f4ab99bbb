"""The figures for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table
from sessions.facts import PROBES, WEIGHTS

Figures = Sequence[Mapping[str, Any]]

MEASURES = ("characters", "names", "facts", "probes", "stale", "noise", "out_of_scope")
WIDTH = 150
"""Columns of a table when nobody's terminal says how many there are."""


def console() -> Console:
    """Where the tables go."""
    shown = Console()
    return shown if shown.is_terminal else Console(width=WIDTH)


def show(to: Console, figures: Figures, timing: Mapping[str, Any]) -> None:
    """Print the tables."""
    to.print(_summary(figures))
    if any(row["facts_by_kind"] for row in figures):
        telling = [row for row in figures if row["text"].startswith(("brief", "summary, whole"))]
        to.print(_by("Planted facts found, by kind", telling, "facts_by_kind", list(WEIGHTS)))
        to.print(_by("Gold of the probes found, by type", telling, "probes_by_type", list(PROBES)))
    to.print(
        f"The first brief of a session took {timing['first_p50_ms']} ms (p50), {timing['first_p99_ms']} ms (p99), one "
        f"after it {timing['again_p50_ms']} and {timing['again_p99_ms']} ms. Of {timing['asked']} asked for twice, "
        f"{timing['differed']} differed."
    )


def _summary(figures: Figures) -> Table:
    cases = figures[0]["cases"] if figures else 0
    table = Table(title=f"{cases} compactions", title_justify="left")
    table.add_column("text", no_wrap=True)
    for name in MEASURES:
        table.add_column(name.replace("_", " "), justify="right")
    for row in figures:
        table.add_row(row["text"], *(_cell(row[name]) for name in MEASURES))
    return table


def _by(title: str, figures: Figures, field: str, kinds: Sequence[str]) -> Table:
    """One line a kind, one column a text."""
    table = Table(title=title, title_justify="left")
    table.add_column("", no_wrap=True)
    for row in figures:
        table.add_column(row["text"].replace("brief ", "").replace("summary, whole", "summary"), justify="right")
    for kind in kinds:
        table.add_row(kind.replace("_", " "), *(_cell(row[field].get(kind)) for row in figures))
    return table


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
