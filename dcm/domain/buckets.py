"""Token buckets: how often each of many callers may call."""

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass


@dataclass(slots=True)
class _Bucket:
    left: float
    at: float


class Buckets:
    """A bucket for each key. It holds `burst` calls and `per_second` flow in; at most `most` keys are remembered.

    The key that has been silent longest is forgotten first; its bucket was full again, or nearly.
    """

    def __init__(self, per_second: float, burst: float, most: int) -> None:
        self._per_second, self._burst, self._most = per_second, burst, most
        self._buckets: OrderedDict[Hashable, _Bucket] = OrderedDict()

    def take(self, key: Hashable, now: float) -> float:
        """Take one call out of a bucket; gives 0, or the seconds until there is one."""
        if (wait := self.wait(key, now)) == 0:
            self._buckets[key].left -= 1
        return wait

    def give(self, key: Hashable) -> None:
        """Put one call back that was none after all."""
        if bucket := self._buckets.get(key):
            bucket.left = min(self._burst, bucket.left + 1)

    def wait(self, key: Hashable, now: float) -> float:
        """The seconds until the bucket has a call; 0 when it has one."""
        bucket = self._buckets.get(key)
        if bucket is None:
            bucket = self._buckets[key] = _Bucket(self._burst, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        self._buckets.move_to_end(key)
        bucket.left = min(self._burst, bucket.left + max(0.0, now - bucket.at) * self._per_second)
        bucket.at = now
        return 0.0 if bucket.left >= 1 else (1 - bucket.left) / self._per_second

    def __len__(self) -> int:
        return len(self._buckets)
