"""Short looks at what listens on DCM's ports: whether it is DCM."""

from collections.abc import Callable, Mapping
from typing import Any

from dcm.cli import options
from dcm.client import Client, ClientError
from dcm.client.shapes.system import Health
from dcm.settings import STORE_PATIENCE

PROBE_SECONDS = STORE_PATIENCE + 1.5
"""How long a look waits for an answer: who misses a store says so only after having waited for it."""


def api_health(url: str) -> Health:
    """What the API says of itself.

    Raises:
        ClientError: nothing answers at that address, or something that is not DCM.
    """
    answer = _asked(url, lambda client: client.health())
    if not isinstance(answer.get("database"), Mapping) or not {"status", "version"} <= answer.keys():
        raise ClientError(not_dcm(url))
    return answer  # type: ignore[return-value]


def check_bridge(url: str) -> None:
    """Make sure that it is the WebSocket bridge that listens.

    Raises:
        ClientError: nothing answers at that address, or something else.
    """
    if _asked(url, lambda client: client.health()).get("type") != "websocket":
        raise ClientError(not_dcm(url, "the WebSocket bridge", "WS_PORT"))


def check_dashboard(url: str) -> None:
    """Make sure that it is DCM that serves the dashboard.

    Raises:
        ClientError: nothing answers at that address, or something else.
    """
    if "ws_port" not in _asked(url, lambda client: client.get_config()):
        raise ClientError(not_dcm(url, "DCM", "DASHBOARD_PORT"))


def not_dcm(url: str, name: str = "DCM", variable: str = "PORT or --url") -> str:
    """The sentence for a stranger on our port."""
    return f"What listens at {url} is not {name}: correct {variable}, or stop it."


def _asked(url: str, ask: Callable[[Client], Any]) -> Mapping[str, Any]:
    with Client(url, token=options.token(url), timeout=PROBE_SECONDS) as client:
        answer = ask(client)
    if not isinstance(answer, Mapping):
        raise ClientError(not_dcm(url))
    return answer
