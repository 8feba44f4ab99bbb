"""Shapes of DCM itself."""

from typing import Literal, NotRequired, TypedDict

from dcm.client.shapes.page import Data, ToolType


class DatabaseHealth(TypedDict):
    """Whether the database answers, and how fast."""

    healthy: bool
    latencyMs: int
    error: NotRequired[str]


class Health(TypedDict):
    """Whether DCM works."""

    status: Literal["healthy", "unhealthy"]
    timestamp: str
    version: str
    database: DatabaseHealth


class Config(TypedDict):
    """What a page must know before it can ask anything else."""

    version: str
    ws_port: int
    ws_needs_token: bool


class Stats(TypedDict):
    """How much is stored."""

    projectCount: int
    requestCount: int
    actionCount: int
    messageCount: int
    timestamp: str


class ToolsSummary(TypedDict):
    """What was found beside Claude Code."""

    skills: int
    commands: int
    workflows: int
    plugins: int
    cached_at: str
    from_cache: bool


class Kpis(TypedDict):
    """The figures of the dashboard's first page, by subject."""

    actions_24h: Data
    sessions: Data
    agents: Data
    subtasks: Data
    routing: Data
    timestamp: str


class RejectedEvents(TypedDict):
    """The accepted events that the database refused."""

    total: int
    last_day: int
    newest_reason: str | None
    newest_at: str | None


class Intake(TypedDict):
    """What waits to be written, over all shards, and what was refused."""

    waiting: int
    rejected: RejectedEvents


class Queue(TypedDict):
    """Events that wait in the streams, seconds the oldest has, and messages by Dramatiq's queue."""

    depth: int
    lag_seconds: float
    messages: dict[str, int]
    later: dict[str, int]


class Failures(TypedDict):
    """Events the database refused, and messages that failed for good; None when their store is away."""

    rejected: int | None
    rejected_last_day: int | None
    dead: int | None


class Disk(TypedDict):
    """Bytes of the database and of Valkey's memory, None when they are away; of the disk of DCM_HOME."""

    database_bytes: int | None
    valkey_bytes: int | None
    free_bytes: int
    total_bytes: int


class System(TypedDict):
    """What waits, what failed, how much room there is; which store is away, and why."""

    queue: Queue | None
    failures: Failures
    disk: Disk
    away: dict[str, str]
    timestamp: str


class Suggestion(TypedDict):
    """A tool that went with the words before."""

    tool_name: str
    tool_type: ToolType
    score: float
    usage_count: int
    success_rate: int
    keyword_matches: list[str]


class Suggestions(TypedDict):
    """Tools for words, best first."""

    keywords: list[str]
    suggestions: list[Suggestion]
    count: int
    compat_output: str


class RoutingStats(TypedDict):
    """What is known of words and tools."""

    totals: Data
    top_by_score: list[Data]
    top_by_usage: list[Data]
    type_distribution: list[Data]


class Feedback(TypedDict):
    """What feedback on a suggestion did."""

    success: bool
    message: str
    adjustment: float


class CleanupStats(TypedDict):
    """The last clean-up, and the messages there are."""

    last_cleanup: Data | None
    messages: Data
    timestamp: str


class OwnDays(TypedDict):
    """A project that keeps things longer or shorter than the rest; 0 is for ever."""

    id: str
    path: str
    days: int | None


class Pruning(TypedDict):
    """A pruning: what was asked, how far it is, the rows that went by table, the bytes that came back."""

    id: str
    older_than_days: int | None
    project_path: str | None
    dry_run: bool
    asked_at: str
    began_at: str | None
    ended_at: str | None
    stage: str
    rows: dict[str, int]
    bytes: int
    problem: str | None


class Retention(TypedDict):
    """The days of each kind, 0 for ever; the projects with days of their own; the newest prunings."""

    days: dict[str, int]
    projects: list[OwnDays]
    prunings: list[Pruning]


class Token(TypedDict):
    """A token and the seconds it is good for."""

    token: str
    expires_in: int
