"""The client of DCM's API: `Client`, `AsyncClient`, and `EventStream` for what happens as it happens.

from dcm.client import Client

with Client() as dcm:
    print(dcm.get_stats()["actionCount"])
"""

from dcm.client.async_client import AsyncClient
from dcm.client.client import Client
from dcm.client.errors import Absent, Busy, ClientError, Refused, Unreachable
from dcm.client.frames import MISSED, Told
from dcm.client.stream import EventStream

__all__ = [
    "MISSED",
    "Absent",
    "AsyncClient",
    "Busy",
    "Client",
    "ClientError",
    "EventStream",
    "Refused",
    "Told",
    "Unreachable",
]
