"""The price table: what comes with DCM, and the person's own file laid over it. An edit counts at once."""

import logging
import tomllib
from importlib.resources import files
from pathlib import Path

from dcm.domain.errors import InvalidInput
from dcm.domain.prices import Model, Table, table

logger = logging.getLogger("dcm.prices")


class Prices:
    """The table as it is now; a file that cannot be used is said in the log, and what was known stays."""

    def __init__(self, own: Path) -> None:
        self._own = own
        self._packaged = table(tomllib.loads(files("dcm").joinpath("prices.toml").read_text(encoding="utf-8")))
        self._known: dict[str, Model] = self._packaged
        self._read_at: int | None = None

    def table(self) -> Table:
        """The models by the beginning of their names."""
        try:
            changed = self._own.stat().st_mtime_ns
        except OSError:
            self._known, self._read_at = self._packaged, None
            return self._known
        if changed != self._read_at:
            self._read_at = changed
            self._read()
        return self._known

    def _read(self) -> None:
        try:
            own = table(tomllib.loads(self._own.read_text(encoding="utf-8")))
        except (OSError, ValueError, InvalidInput) as error:
            logger.warning("%s was left out: %s", self._own, error)
            return
        self._known = self._packaged | own
