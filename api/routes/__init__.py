"""The route table: the whole API on one screen."""

from dataclasses import dataclass
from typing import Any

from api.ingest import Door
from api.restore import Briefs
from api.routes import hooks, imports, reads
from api.routes.reads import Reader
from dcm.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What resources are made of."""

    settings: Settings
    door: Door
    briefs: Briefs
    reader: Reader


def routes(parts: Parts) -> list[tuple[str, Any]]:
    """(path, resource) of every route; literal segments stand before parameters."""
    return [
        ("/health", reads.Health(parts.reader)),
        ("/stats", reads.Stats(parts.reader)),
        ("/config.json", reads.Config(parts.settings)),
        ("/api/hooks/claude", hooks.ClaudeHooks(parts.door, parts.briefs)),
        ("/api/import", imports.Import(parts.settings, parts.door, parts.reader)),
        ("/api/intake", imports.Intake(parts.settings, parts.reader)),
        ("/api/sessions", reads.Sessions(parts.reader)),
        ("/api/actions", reads.Actions(parts.reader)),
        ("/api/actions/hourly", reads.Hourly(parts.reader)),
        ("/api/dashboard/kpis", reads.Kpis(parts.reader)),
    ]
