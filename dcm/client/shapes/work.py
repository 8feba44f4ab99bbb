"""Shapes of work: projects, sessions, requests, tasks, subtasks."""

from typing import Literal, NotRequired, TypedDict

from dcm.client.shapes.events import Action
from dcm.client.shapes.page import Data, Page

PromptType = Literal["feature", "debug", "explain", "search", "refactor", "test", "review", "other"]
RequestStatus = Literal["active", "completed", "failed", "cancelled"]
TaskStatus = Literal["pending", "running", "completed", "failed", "blocked"]
SubtaskStatus = Literal["pending", "running", "paused", "blocked", "completed", "failed"]


class Project(TypedDict):
    """A project: a repository, or a folder outside git."""

    id: str
    path: str
    name: str | None
    created_at: str
    updated_at: str
    metadata: Data


class ProjectMade(TypedDict):
    """A project that was made or updated."""

    success: bool
    project: Project


class ProjectFound(TypedDict):
    """The project of a folder."""

    project: Project


class ProjectPage(Page):
    """A page of projects."""

    projects: list[Project]
    count: int
    total: int


class Request(TypedDict):
    """A prompt of the user."""

    id: str
    project_id: str | None
    session_id: str
    prompt: str
    prompt_type: PromptType | None
    status: RequestStatus
    created_at: str
    completed_at: str | None
    metadata: Data


class ProjectWithRequests(Project):
    """A project with its newest requests."""

    requests: list[Data]
    stats: Data | None


class ProjectDetail(TypedDict):
    """One project."""

    project: ProjectWithRequests


class RequestMade(TypedDict):
    """A request that was made or changed."""

    success: bool
    request: Request


class RequestPage(Page):
    """A page of requests."""

    requests: list[Request]
    count: int


class Task(TypedDict):
    """A wave of a request."""

    id: str
    request_id: str
    name: str | None
    wave_number: int
    status: TaskStatus
    created_at: str
    completed_at: str | None


class RequestWithTasks(Request):
    """A request with its tasks."""

    tasks: list[Task]


class RequestDetail(TypedDict):
    """One request."""

    request: RequestWithTasks


class TaskMade(TypedDict):
    """A task that was made or changed."""

    success: bool
    task: Task


class TaskPage(Page):
    """A page of tasks."""

    tasks: list[Task]
    count: int


class Subtask(TypedDict):
    """What an agent was given to do."""

    id: str
    task_list_id: str
    task_id: str
    agent_type: str | None
    agent_id: str | None
    description: str | None
    status: SubtaskStatus
    blocked_by: list[str]
    created_at: str
    started_at: str | None
    completed_at: str | None
    context_snapshot: NotRequired[Data | None]
    result: Data | None


class TaskWithSubtasks(Task):
    """A task with its subtasks."""

    subtasks: list[Subtask]


class TaskDetail(TypedDict):
    """One task."""

    task: TaskWithSubtasks


class SubtaskMade(TypedDict):
    """A subtask that was made or changed."""

    success: bool
    subtask: Subtask


class SubtaskPage(Page):
    """A page of subtasks."""

    subtasks: list[Subtask]
    count: int


class SubtaskWithActions(Subtask):
    """A subtask with its tool calls."""

    actions: list[Action]


class SubtaskDetail(TypedDict):
    """One subtask."""

    subtask: SubtaskWithActions


class Hierarchy(TypedDict):
    """A project down to its subtasks."""

    hierarchy: Data
    stats: Data | None
    counts: dict[str, int]


class ActiveAgents(TypedDict):
    """The agents at work."""

    active_agents: list[Data]
    count: int


class Session(TypedDict):
    """A conversation of an agent."""

    id: str
    project_id: str | None
    started_at: str
    ended_at: str | None
    total_tools_used: int
    total_success: int
    total_errors: int
    project_path: NotRequired[str | None]
    worktree: NotRequired[str | None]


class SessionDetail(Session):
    """A session with its newest requests."""

    requests: list[Data]


class TokenSums(TypedDict):
    """Tokens, and US dollars; `cost_source` is client, prices or both."""

    messages: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost: float | None
    cost_source: str | None


class ModelSums(TokenSums):
    """What the answers of one model took."""

    model: str


class AgentSums(TokenSums):
    """What the answers to one asker took; `kind` is main, subagent or auxiliary."""

    kind: str
    agent_id: str | None
    agent_name: str | None


class ContextSize(TypedDict):
    """How large a main conversation is."""

    tokens: int | None
    model: str
    window: int | None
    percent: float | None
    told_at: str


class SessionUsage(TypedDict):
    """What a session used, its subagents included."""

    session_id: str
    models: list[ModelSums]
    agents: list[AgentSums]
    total: TokenSums
    unpriced: list[str]
    failed_requests: int
    context: ContextSize | None


class SessionPage(Page):
    """A page of sessions."""

    sessions: list[Session]
    total: int


class SessionStats(TypedDict):
    """Figures of all sessions."""

    overview: Data
    by_project: list[Data]
    timestamp: str
