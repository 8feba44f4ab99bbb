"""Calls about work: projects, sessions, requests, tasks (waves), subtasks."""

from collections.abc import Mapping, Sequence
from typing import Any

from dcm.client.calls.call import Call, delete, get, part, patch, post
from dcm.client.shapes import work as shapes


def create_project(
    path: str, *, name: str | None = None, metadata: Mapping[str, Any] | None = None
) -> Call[shapes.ProjectMade]:
    """Make the project of a folder, or update it."""
    return post("/api/projects", path=path, name=name, metadata=metadata)


def list_projects(*, limit: int | None = None, offset: int | None = None) -> Call[shapes.ProjectPage]:
    """Projects, the latest updated first."""
    return get("/api/projects", limit=limit, offset=offset)


def get_project_by_path(path: str) -> Call[shapes.ProjectFound]:
    """The project of a folder."""
    return get("/api/projects/by-path", path=path)


def get_project(project_id: str) -> Call[shapes.ProjectDetail]:
    """A project, its newest requests and its figures."""
    return get(f"/api/projects/{part(project_id)}")


def delete_project(project_id: str) -> Call[None]:
    """Delete a project and all that belongs to it."""
    return delete(f"/api/projects/{part(project_id)}")


def get_hierarchy(project_id: str) -> Call[shapes.Hierarchy]:
    """A project's requests, with their tasks, with their subtasks."""
    return get(f"/api/hierarchy/{part(project_id)}")


def list_active_agents() -> Call[shapes.ActiveAgents]:
    """The agents that run, pause or are blocked."""
    return get("/api/active-sessions")


def create_session(
    id: str,  # noqa: A002 - the contract's word
    *,
    project_id: str | None = None,
    started_at: str | None = None,
    ended_at: str | None = None,
    total_tools_used: int | None = None,
    total_success: int | None = None,
    total_errors: int | None = None,
) -> Call[shapes.Session]:
    """Make a session; one that exists is refused with 409."""
    return post(
        "/api/sessions",
        id=id,
        project_id=project_id,
        started_at=started_at,
        ended_at=ended_at,
        total_tools_used=total_tools_used,
        total_success=total_success,
        total_errors=total_errors,
    )


def list_sessions(
    *,
    project_id: str | None = None,
    active_only: bool | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[shapes.SessionPage]:
    """Sessions, newest first."""
    return get("/api/sessions", project_id=project_id, active_only=active_only, limit=limit, offset=offset)


def get_session_stats() -> Call[shapes.SessionStats]:
    """Figures of all sessions, and of the projects with most of them."""
    return get("/api/sessions/stats")


def get_session(session_id: str) -> Call[shapes.SessionDetail]:
    """A session and its newest requests."""
    return get(f"/api/sessions/{part(session_id)}")


def get_session_usage(session_id: str) -> Call[shapes.SessionUsage]:
    """The tokens a session used by model, what they cost, and how full its context is."""
    return get(f"/api/sessions/{part(session_id)}/usage")


def update_session(
    session_id: str,
    *,
    ended_at: str | None = None,
    total_tools_used: int | None = None,
    total_success: int | None = None,
    total_errors: int | None = None,
) -> Call[shapes.Session]:
    """Change a session; `ended_at` ends it."""
    return patch(
        f"/api/sessions/{part(session_id)}",
        ended_at=ended_at,
        total_tools_used=total_tools_used,
        total_success=total_success,
        total_errors=total_errors,
    )


def delete_session(session_id: str, *, everything: bool | None = None) -> Call[None]:
    """Delete a session; its requests and tool calls stay, unless everything is to go."""
    return delete(f"/api/sessions/{part(session_id)}", everything=everything)


def create_request(
    project_id: str,
    session_id: str,
    prompt: str,
    *,
    prompt_type: shapes.PromptType | None = None,
    status: shapes.RequestStatus | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Call[shapes.RequestMade]:
    """Record a prompt."""
    return post(
        "/api/requests",
        project_id=project_id,
        session_id=session_id,
        prompt=prompt,
        prompt_type=prompt_type,
        status=status,
        metadata=metadata,
    )


def list_requests(
    *,
    project_id: str | None = None,
    session_id: str | None = None,
    status: shapes.RequestStatus | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[shapes.RequestPage]:
    """Requests, newest first."""
    return get("/api/requests", project_id=project_id, session_id=session_id, status=status, limit=limit, offset=offset)


def get_request(request_id: str) -> Call[shapes.RequestDetail]:
    """A request and its tasks."""
    return get(f"/api/requests/{part(request_id)}")


def update_request(
    request_id: str,
    *,
    status: shapes.RequestStatus | None = None,
    metadata: Mapping[str, Any] | None = None,
) -> Call[shapes.RequestMade]:
    """Change a request's status, or add to its metadata."""
    return patch(f"/api/requests/{part(request_id)}", status=status, metadata=metadata)


def delete_request(request_id: str) -> Call[None]:
    """Delete a request with its tasks and subtasks."""
    return delete(f"/api/requests/{part(request_id)}")


def create_task(
    request_id: str,
    *,
    name: str | None = None,
    wave_number: int | None = None,
    status: shapes.TaskStatus | None = None,
) -> Call[shapes.TaskMade]:
    """Make a task, a wave of a request; without a number it is the next one."""
    return post("/api/tasks", request_id=request_id, name=name, wave_number=wave_number, status=status)


def list_tasks(
    *,
    request_id: str | None = None,
    status: shapes.TaskStatus | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[shapes.TaskPage]:
    """Tasks: those of a request by wave, else newest first."""
    return get("/api/tasks", request_id=request_id, status=status, limit=limit, offset=offset)


def get_task(task_id: str) -> Call[shapes.TaskDetail]:
    """A task and its subtasks."""
    return get(f"/api/tasks/{part(task_id)}")


def update_task(
    task_id: str, *, status: shapes.TaskStatus | None = None, name: str | None = None
) -> Call[shapes.TaskMade]:
    """Change a task's status or name."""
    return patch(f"/api/tasks/{part(task_id)}", status=status, name=name)


def delete_task(task_id: str) -> Call[None]:
    """Delete a task with its subtasks."""
    return delete(f"/api/tasks/{part(task_id)}")


def create_subtask(
    task_id: str,
    description: str,
    *,
    agent_type: str | None = None,
    agent_id: str | None = None,
    status: shapes.SubtaskStatus | None = None,
    blocked_by: Sequence[str] | None = None,
    context_snapshot: Mapping[str, Any] | None = None,
) -> Call[shapes.SubtaskMade]:
    """Give an agent something to do."""
    return post(
        "/api/subtasks",
        task_id=task_id,
        description=description,
        agent_type=agent_type,
        agent_id=agent_id,
        status=status,
        blocked_by=blocked_by,
        context_snapshot=context_snapshot,
    )


def list_subtasks(
    *,
    task_id: str | None = None,
    status: shapes.SubtaskStatus | None = None,
    agent_type: str | None = None,
    limit: int | None = None,
    offset: int | None = None,
) -> Call[shapes.SubtaskPage]:
    """Subtasks: those of a task oldest first, else newest first."""
    return get("/api/subtasks", task_id=task_id, status=status, agent_type=agent_type, limit=limit, offset=offset)


def get_subtask(subtask_id: str) -> Call[shapes.SubtaskDetail]:
    """A subtask and its tool calls."""
    return get(f"/api/subtasks/{part(subtask_id)}")


def update_subtask(
    subtask_id: str,
    *,
    status: shapes.SubtaskStatus | None = None,
    result: Mapping[str, Any] | None = None,
    agent_id: str | None = None,
    blocked_by: Sequence[str] | None = None,
) -> Call[shapes.SubtaskMade]:
    """Change a subtask: its status, result, agent, or what blocks it."""
    return patch(
        f"/api/subtasks/{part(subtask_id)}", status=status, result=result, agent_id=agent_id, blocked_by=blocked_by
    )


def delete_subtask(subtask_id: str) -> Call[None]:
    """Delete a subtask with its tool calls."""
    return delete(f"/api/subtasks/{part(subtask_id)}")
