"""Calls about DCM itself: health, figures, routing, cleaning, tokens."""

from collections.abc import Sequence

from dcm.client.calls.call import Call, get, part, post
from dcm.client.shapes import system as shapes

UNHEALTHY = frozenset({503})


def health() -> Call[shapes.Health]:
    """Whether DCM and its database answer; an unhealthy one is an answer too, not an error."""
    return get("/health", answers=UNHEALTHY)


def get_config() -> Call[shapes.Config]:
    """The version, and the port of the WebSocket bridge."""
    return get("/config.json")


def get_stats() -> Call[shapes.Stats]:
    """How much is stored."""
    return get("/stats")


def get_tools_summary() -> Call[shapes.ToolsSummary]:
    """The skills, commands, workflows and plugins found beside Claude Code."""
    return get("/stats/tools-summary")


def get_kpis() -> Call[shapes.Kpis]:
    """The figures of the dashboard's first page."""
    return get("/api/dashboard/kpis")


def get_intake() -> Call[shapes.Intake]:
    """Accepted events that wait to be written, and those the database refused."""
    return get("/api/intake")


def get_system() -> Call[shapes.System]:
    """What waits to be stored, what failed for good, and how much room there is."""
    return get("/api/system")


def suggest_tools(
    keywords: Sequence[str],
    *,
    limit: int | None = None,
    min_score: float | None = None,
    tool_type: str | None = None,
    exclude_types: Sequence[str] | None = None,
) -> Call[shapes.Suggestions]:
    """The tools that went with these words before, best first."""
    return get(
        "/api/routing/suggest",
        keywords=keywords,
        limit=limit,
        min_score=min_score,
        tool_type=tool_type,
        exclude_types=exclude_types,
    )


def get_routing_stats() -> Call[shapes.RoutingStats]:
    """What is known of words and tools."""
    return get("/api/routing/stats")


def give_routing_feedback(tool_name: str, keywords: Sequence[str], *, chosen: bool) -> Call[shapes.Feedback]:
    """Say whether a suggestion was taken."""
    return post("/api/routing/feedback", tool_name=tool_name, keywords=list(keywords), chosen=chosen)


def get_cleanup_stats() -> Call[shapes.CleanupStats]:
    """What the last clean-up removed, and the messages there are."""
    return get("/api/cleanup/stats")


def get_retention() -> Call[shapes.Retention]:
    """How long things are kept, and what was pruned last."""
    return get("/api/retention")


def set_retention(project: str, days: int | None) -> Call[shapes.OwnDays]:
    """Keep what belongs to a project so many days, 0 for ever, None for what the settings say."""
    return Call("POST", "/api/retention", body={"project": project, "days": days}, repeatable=True)


def start_pruning(
    *, older_than_days: int | None = None, project: str | None = None, dry_run: bool | None = None
) -> Call[shapes.Pruning]:
    """Have what is older let go, by the settings when nothing is given; `dry_run` only tells what would."""
    return post("/api/prunings", older_than_days=older_than_days, project=project, dry_run=dry_run)


def get_pruning(pruning_id: str) -> Call[shapes.Pruning]:
    """How far a pruning is."""
    return get(f"/api/prunings/{part(pruning_id)}")


def create_token(agent_id: str, *, session_id: str | None = None) -> Call[shapes.Token]:
    """A token for the WebSocket, good for an hour."""
    return post("/api/auth/token", repeatable=True, agent_id=agent_id, session_id=session_id)
