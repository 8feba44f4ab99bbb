"""The figures for a person."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.table import Table

from sessions.facts import PROBES, WEIGHTS

Figures = Sequence[Mapping[str, Any]]

COLUMNS = ("characters", "names", "facts", "probes", "stale", "noise", "out_of_scope")


def show(console: Console, figures: Figures, timing: Mapping[str, Any]) -> None:
    """Print the tables."""
    console.print(_summary(figures))
    if any(row["facts_by_kind"] for row in figures):
        briefs = [row for row in figures if row["text"].startswith(("brief", "summary, whole"))]
        console.print(_by("Planted facts found, by kind", briefs, "facts_by_kind", list(WEIGHTS)))
        console.print(_by("Gold of the probes found, by type", figures, "probes_by_type", list(PROBES)))
    console.print(
        f"A brief took {timing['p50_ms']} ms (p50), {timing['p99_ms']} ms (p99); of {timing['asked']} asked for twice, "
        f"{timing['differed']} differed."
    )


def _summary(figures: Figures) -> Table:
    cases = figures[0]["cases"] if figures else 0
    table = Table(title=f"{cases} compactions", title_justify="left")
    table.add_column("text")
    for name in COLUMNS:
        table.add_column(name.replace("_", " "), justify="right")
    for row in figures:
        table.add_row(row["text"], *(_cell(row[name]) for name in COLUMNS))
    return table


def _by(title: str, figures: Figures, field: str, kinds: Sequence[str]) -> Table:
    """One line a kind, one column a text."""
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for row in figures:
        table.add_column(row["text"], justify="right")
    for kind in kinds:
        table.add_row(kind.replace("_", " "), *(_cell(row[field].get(kind)) for row in figures))
    return table


def _cell(value: object) -> str:
    return "" if value is None else f"{value:.2f}" if isinstance(value, float) else str(value)
