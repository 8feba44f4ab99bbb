"""What a client has not acknowledged: it is sent again, three times in all (contract, section 10.8)."""

import time
from dataclasses import dataclass, field

LOOK_EVERY, AGAIN_AFTER = 2.0, 5.0
"""Seconds between two looks, and after a send until the next."""

SENDS = 3
"""How often a frame is sent at most."""

MOST = 1000
"""Messages that are waited for, for one client; the oldest are given up first."""


@dataclass(slots=True)
class Delivery:
    """A message that was sent: its frames by channel, which are acknowledged together."""

    at: float
    texts: dict[str, str] = field(default_factory=dict)
    sends: int = 1


@dataclass(slots=True)
class Deliveries:
    """The messages a client has not acknowledged, by their ids; the one sent longest ago comes first."""

    waiting: dict[str, Delivery] = field(default_factory=dict)

    def sent(self, message_id: str, channel: str, text: str) -> None:
        """Wait for the acknowledgement of a frame."""
        if message_id not in self.waiting:
            self.waiting[message_id] = Delivery(time.monotonic())
        self.waiting[message_id].texts[channel] = text
        if len(self.waiting) > MOST:
            del self.waiting[next(iter(self.waiting))]

    def acknowledged(self, message_id: str) -> None:
        """The client has a message, on whatever channel."""
        self.waiting.pop(message_id, None)

    def left(self, channel: str) -> None:
        """The client wants no more of a channel."""
        for message_id, delivery in list(self.waiting.items()):
            delivery.texts.pop(channel, None)
            if not delivery.texts:
                del self.waiting[message_id]

    def due(self, now: float) -> list[str]:
        """The frames to send again; those that were sent often enough are given up."""
        over = []
        for message_id, delivery in self.waiting.items():
            if now - delivery.at <= AGAIN_AFTER:
                break
            over.append(message_id)
        return [text for message_id in over for text in self._again(message_id, now)]

    def _again(self, message_id: str, now: float) -> list[str]:
        delivery = self.waiting.pop(message_id)
        if delivery.sends >= SENDS:
            return []
        delivery.sends, delivery.at = delivery.sends + 1, now
        self.waiting[message_id] = delivery
        return list(delivery.texts.values())
