"""What a client has not acknowledged: it is sent again, three times in all (contract, section 10.8)."""

import time
from dataclasses import dataclass, field

LOOK_EVERY, AGAIN_AFTER = 2.0, 5.0
"""Seconds between two looks, and after a send until the next."""

SENDS = 3
"""How often a frame is sent at most."""

MOST = 1000
"""Frames that are waited for, for one client; the oldest are given up first."""


@dataclass(slots=True)
class Delivery:
    """A frame that was sent."""

    text: str
    message_id: str
    at: float
    sends: int = 1


@dataclass(slots=True)
class Deliveries:
    """The frames a client has not acknowledged, by (message, channel)."""

    waiting: dict[tuple[str, str], Delivery] = field(default_factory=dict)

    def sent(self, message_id: str, channel: str, text: str) -> None:
        """Wait for the acknowledgement of a frame."""
        self.waiting[message_id, channel] = Delivery(text, message_id, time.monotonic())
        if len(self.waiting) > MOST:
            del self.waiting[next(iter(self.waiting))]

    def acknowledged(self, message_id: str) -> None:
        """The client has a message, on whatever channel."""
        for key in [key for key in self.waiting if key[0] == message_id]:
            del self.waiting[key]

    def due(self, now: float) -> list[str]:
        """The frames to send again; those that were sent often enough are given up."""
        again = []
        for key, delivery in list(self.waiting.items()):
            if now - delivery.at <= AGAIN_AFTER:
                continue
            if delivery.sends >= SENDS:
                del self.waiting[key]
                continue
            delivery.sends, delivery.at = delivery.sends + 1, now
            again.append(delivery.text)
        return again
