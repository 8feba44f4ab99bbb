"""The route table: the whole API on one screen."""

from collections.abc import Iterable
from dataclasses import dataclass

from api.database import Database
from api.dead_letters import DeadLetters
from api.ingest import Door
from api.mail import Mail
from api.restore import Briefs
from api.routes import (
    actions,
    agent_contexts,
    audit,
    auth,
    blocking,
    cleanup,
    compact,
    compact_briefs,
    contexts,
    credentials,
    dead,
    document,
    exports,
    health,
    hierarchy,
    hooks,
    imports,
    kpis,
    messages,
    projects,
    requests,
    retention,
    routing,
    search,
    sessions,
    subscriptions,
    subtasks,
    system,
    tasks,
    telemetry,
    tokens,
    tools_summary,
    usage,
)
from dcm.prices import Prices
from dcm.settings import Settings


@dataclass(frozen=True, slots=True)
class Parts:
    """What resources are made of."""

    settings: Settings
    door: Door
    briefs: Briefs
    mail: Mail
    database: Database


def routes(parts: Parts) -> list[tuple[str, object]]:
    """(path, resource) of every route; literal segments stand before parameters."""
    table = [*_of_the_system(parts), *_of_the_failures(parts), *_of_the_work(parts), *_of_the_agents(parts)]
    return [*table, ("/openapi.json", document.OpenApi(table))]


def _of_the_system(parts: Parts) -> Iterable[tuple[str, object]]:
    """What comes in, and how it is."""
    database = parts.database
    yield "/health", health.Health(database)
    yield "/stats", health.Stats(database)
    yield "/stats/tools-summary", tools_summary.ToolsSummary(parts.settings.claude_home)
    yield "/config.json", health.Config(parts.settings)
    yield "/api/health", health.ShortHealth(database)
    yield "/api/dashboard/kpis", kpis.Kpis(database)
    yield "/api/hooks/claude", hooks.ClaudeHooks(parts.door, parts.briefs, parts.mail)
    yield "/api/import", imports.Import(parts.settings, parts.door, database)
    yield "/api/import/export", exports.ImportOfExport(parts.settings, database)
    yield "/api/export", exports.Export(parts.settings, database)
    yield "/api/intake", imports.Intake(parts.settings, database)
    yield "/api/system", system.SystemFigures(parts.settings, database)
    yield "/metrics", system.Metrics(parts.settings, database)
    yield "/api/actions", actions.Actions(database, parts.door)
    reader = telemetry.Reader(parts.door)
    yield "/v1/metrics", telemetry.Metrics(reader)
    yield "/v1/logs", telemetry.Logs(reader)
    yield "/v1/traces", telemetry.Traces(reader)
    yield "/api/cleanup/stats", cleanup.CleanupStatistics(database)
    yield "/api/tokens", tokens.Tokens(database)
    yield "/api/tokens/{key}", tokens.OneToken(database)
    yield "/api/audit", audit.Audit(database)
    yield "/api/retention", retention.Retention(database, parts.settings)
    yield "/api/prunings", retention.Prunings(database, parts.settings)
    yield "/api/prunings/{pruning_id}", retention.OnePruning(database)


def _of_the_failures(parts: Parts) -> Iterable[tuple[str, object]]:
    """What failed for good."""
    letters = DeadLetters(parts.settings, parts.database, parts.door)
    yield "/api/dead", dead.Letters(letters)
    yield "/api/dead/retry", dead.LettersAgain(letters)
    yield "/api/dead/{letter_id}", dead.OneLetter(letters)
    yield "/api/dead/{letter_id}/retry", dead.OneLetterAgain(letters)


def _of_the_work(parts: Parts) -> Iterable[tuple[str, object]]:
    """What was asked and what was done."""
    database = parts.database
    yield "/api/projects", projects.Projects(database)
    yield "/api/projects/by-path", projects.ProjectByPath(database)
    yield "/api/projects/{project_id}", projects.OneProject(database)
    yield "/api/requests", requests.Requests(database)
    yield "/api/requests/{request_id}", requests.OneRequest(database)
    yield "/api/tasks", tasks.Tasks(database)
    yield "/api/tasks/{task_id}", tasks.OneTask(database)
    yield "/api/hierarchy/{project_id}", hierarchy.Hierarchy(database)
    yield "/api/active-sessions", hierarchy.ActiveAgents(database)
    yield "/api/actions/hourly", actions.Hourly(database)
    yield "/api/actions/{action_id}", actions.OneAction(database)
    yield "/api/actions/by-session/{session_id}", actions.SessionActions(database)
    yield "/api/sessions", sessions.Sessions(database)
    yield "/api/sessions/stats", sessions.SessionStatistics(database)
    yield "/api/sessions/{session_id}", sessions.OneSession(database)
    yield (
        "/api/sessions/{session_id}/usage",
        usage.UsageOfSession(database, Prices(parts.settings.home / "prices.toml")),
    )
    yield "/api/usage", usage.Usage(database)
    yield "/api/search", search.Search(database)


def _of_the_agents(parts: Parts) -> Iterable[tuple[str, object]]:
    """What agents work on, know and tell one another."""
    database = parts.database
    yield "/api/subtasks", subtasks.Subtasks(database)
    yield "/api/subtasks/{subtask_id}", subtasks.OneSubtask(database, parts.door, parts.settings.message_ttl_ms)
    yield "/api/context/generate", contexts.ContextGenerator(database)
    yield "/api/context/{agent_id}", contexts.Context(database)
    yield "/api/compact/save", compact.CompactSave(database, parts.briefs)
    yield "/api/compact/restore", compact.CompactRestore(database, parts.door, parts.briefs)
    yield "/api/compact/status/{session_id}", compact.CompactState(database)
    yield "/api/compact/briefs/{session_id}", compact_briefs.CompactBriefs(database)
    yield "/api/compact/snapshot/{session_id}", compact.CompactSnapshot(database)
    yield "/api/agent-contexts", agent_contexts.AgentContexts(database)
    yield "/api/agent-contexts/stats", agent_contexts.AgentContextStats(database)
    yield "/api/messages", messages.Messages(database, parts.door, parts.settings)
    yield "/api/messages/{agent_id}", messages.AgentMessages(database)
    yield "/api/subscribe", subscriptions.Subscribe(database, parts.settings)
    yield "/api/unsubscribe", subscriptions.Unsubscribe(database)
    yield "/api/subscriptions", subscriptions.Subscriptions(database)
    yield "/api/subscriptions/{key}", subscriptions.OneSubscription(database)
    yield "/api/blocking", blocking.Blocking(database, parts.door)
    yield "/api/blocking/check", blocking.BlockingCheck(database)
    yield "/api/blocking/{key}", blocking.OneBlocking(database, parts.door)
    yield "/api/unblock", blocking.Unblock(database, parts.door)
    yield "/api/routing/suggest", routing.Suggest(database)
    yield "/api/routing/stats", routing.RoutingStatistics(database)
    yield "/api/routing/feedback", routing.RoutingFeedback(database)
    yield "/api/auth/token", auth.TokenMaker(parts.settings, database)
    yield "/api/agents/{agent_id}/credential", credentials.AgentCredential(database)
