"""What the bridge counts: its clients, and the frames it sent them."""

from collections.abc import Collection

from prometheus_client import Counter, Gauge

from dcm.figures import REGISTRY

SENT = Counter("dcm_bridge_frames_sent_total", "Frames that were sent to clients.", registry=REGISTRY)
LOST = Counter(
    "dcm_bridge_frames_dropped_total", "Frames that waited for clients which read too slowly.", registry=REGISTRY
)
DROPPED = Counter(
    "dcm_bridge_clients_dropped_total", "Clients that were let go, because they read too slowly.", registry=REGISTRY
)
RESUMED = Counter("dcm_bridge_resumes_total", "Clients that asked for what they missed.", registry=REGISTRY)

_CLIENTS = Gauge("dcm_bridge_clients", "Connected clients.", registry=REGISTRY)


def watch(clients: Collection[object]) -> None:
    """Tell how many clients there are when asked."""
    _CLIENTS.set_function(lambda: len(clients))
