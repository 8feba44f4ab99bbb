"""The route table: the whole API on one screen."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.database import Database
from api.ingest import Door
from api.restore import Briefs
from api.routes import actions, document, health, hierarchy, hooks, kpis, projects, requests, sessions, subtasks, tasks
from dcm.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What resources are made of."""

    settings: Settings
    door: Door
    briefs: Briefs
    database: Database


def routes(parts: Parts) -> list[tuple[str, object]]:
    """(path, resource) of every route; literal segments stand before parameters."""
    table = list(_routes(parts))
    return [*table, ("/openapi.json", document.OpenApi(table))]


def _routes(parts: Parts) -> Iterable[tuple[str, object]]:
    database = parts.database
    yield "/health", health.Health(database)
    yield "/stats", health.Stats(database)
    yield "/config.json", health.Config(parts.settings)
    yield "/api/health", health.ShortHealth(database)
    yield "/api/dashboard/kpis", kpis.Kpis(database)
    yield "/api/hooks/claude", hooks.ClaudeHooks(parts.door, parts.briefs)
    yield "/api/projects", projects.Projects(database)
    yield "/api/projects/by-path", projects.ProjectByPath(database)
    yield "/api/projects/{project_id}", projects.OneProject(database)
    yield "/api/requests", requests.Requests(database)
    yield "/api/requests/{request_id}", requests.OneRequest(database)
    yield "/api/tasks", tasks.Tasks(database)
    yield "/api/tasks/{task_id}", tasks.OneTask(database)
    yield "/api/subtasks", subtasks.Subtasks(database)
    yield "/api/subtasks/{subtask_id}", subtasks.OneSubtask(database, parts.settings.message_ttl_ms)
    yield "/api/hierarchy/{project_id}", hierarchy.Hierarchy(database)
    yield "/api/active-sessions", hierarchy.ActiveAgents(database)
    yield "/api/actions", actions.Actions(database, parts.door)
    yield "/api/actions/hourly", actions.Hourly(database)
    yield "/api/actions/{action_id}", actions.OneAction(database)
    yield "/api/actions/by-session/{session_id}", actions.SessionActions(database)
    yield "/api/sessions", sessions.Sessions(database)
    yield "/api/sessions/stats", sessions.SessionStatistics(database)
    yield "/api/sessions/{session_id}", sessions.OneSession(database)
