"""The real client and what it needs. What is missing fails the test and says what to run; nothing is skipped."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from claude import Claude, Missing, client_binary, plugin_copy, tmux_binary
from scripted_model import ScriptedModel

from dcm.launcher import write_launcher
from dcm.settings import load


@pytest.fixture
def model() -> Iterator[ScriptedModel]:
    """The scripted model; `model.play(Scenario(...))` tells it what to do."""
    with ScriptedModel() as running:
        yield running


@pytest.fixture
def client(tmp_path: Path, model: ScriptedModel) -> Callable[..., Claude]:
    """Makes clients, each in a home of its own: `client("name", plugin=..., environ=...)`."""
    try:
        client_binary()
        tmux_binary()
    except Missing as missing:
        pytest.fail(str(missing), pytrace=False)

    def make(name: str = "client", **options: object) -> Claude:
        return Claude(tmp_path / name, model.url, **options)  # type: ignore[arg-type]

    return make


@pytest.fixture
def reporting(client: Callable[..., Claude], tmp_path: Path) -> Callable[..., Claude]:
    """Makes clients with the plugin and the launcher, which report to a port: `reporting(port, "name")`."""

    def make(port: int, name: str = "client", **options: object) -> Claude:
        claude = client(name, plugin=plugin_copy(tmp_path / name / "plugin", port), **options)
        write_launcher(load({"HOME": str(claude.home), "PORT": str(port)}))
        return claude

    return make
