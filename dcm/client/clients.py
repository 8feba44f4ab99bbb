"""The clients: one method for every row of the table of requests. They differ in nothing but how they wait."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from functools import update_wrapper
from types import TracebackType
from typing import Generic, ParamSpec, TypeVar

import httpx

from dcm.client import sending
from dcm.client.calls import contexts, events, messages, system, work
from dcm.client.calls.call import Call
from dcm.client.sending import URL

Answer = TypeVar("Answer")
P = ParamSpec("P")

TIMEOUT = 5.0
"""Seconds until an answer counts as missing."""


class _Method(Generic[P, Answer]):
    """A method of `Client` made of a row of the table."""

    def __init__(self, build: Callable[P, Call[Answer]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __get__(self, client: "Client", owner: type) -> Callable[P, Answer]:
        def method(*args: P.args, **kwargs: P.kwargs) -> Answer:
            return client.send(self._build(*args, **kwargs))

        return update_wrapper(method, self._build)


class _AsyncMethod(Generic[P, Answer]):
    """A method of `AsyncClient` made of a row of the table."""

    def __init__(self, build: Callable[P, Call[Answer]]) -> None:
        self._build = build
        self.__doc__ = build.__doc__

    def __get__(self, client: "AsyncClient", owner: type) -> Callable[P, Awaitable[Answer]]:
        def method(*args: P.args, **kwargs: P.kwargs) -> Awaitable[Answer]:
            return client.send(self._build(*args, **kwargs))

        return update_wrapper(method, self._build)


class Client:
    """DCM's API for programs that wait. Made in a `with` block, or closed at the end.

    Every method raises ClientError: Unreachable when nobody answers, Refused with the API's sentence otherwise.
    """

    def __init__(self, url: str = URL, *, token: str | None = None, timeout: float = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.Client(**sending.options(self.url, token, timeout))

    def send(self, call: Call[Answer]) -> Answer:
        """Send any call of the table and give its answer."""
        steps = sending.attempts(call, self.url)
        pause = next(steps)
        while True:
            time.sleep(pause)
            try:
                pause = steps.send(self._try(call))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    def _try(self, call: Call[Answer]) -> sending.Outcome:
        try:
            return self._http.send(sending.request(self._http, call))
        except httpx.TransportError as error:
            return error

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    health = _Method(system.health)
    get_config = _Method(system.get_config)
    get_stats = _Method(system.get_stats)
    get_tools_summary = _Method(system.get_tools_summary)
    get_kpis = _Method(system.get_kpis)
    get_intake = _Method(system.get_intake)
    suggest_tools = _Method(system.suggest_tools)
    get_routing_stats = _Method(system.get_routing_stats)
    give_routing_feedback = _Method(system.give_routing_feedback)
    get_cleanup_stats = _Method(system.get_cleanup_stats)
    create_token = _Method(system.create_token)

    create_project = _Method(work.create_project)
    list_projects = _Method(work.list_projects)
    get_project_by_path = _Method(work.get_project_by_path)
    get_project = _Method(work.get_project)
    delete_project = _Method(work.delete_project)
    get_hierarchy = _Method(work.get_hierarchy)
    list_active_agents = _Method(work.list_active_agents)
    create_session = _Method(work.create_session)
    list_sessions = _Method(work.list_sessions)
    get_session_stats = _Method(work.get_session_stats)
    get_session = _Method(work.get_session)
    get_session_usage = _Method(work.get_session_usage)
    update_session = _Method(work.update_session)
    delete_session = _Method(work.delete_session)
    create_request = _Method(work.create_request)
    list_requests = _Method(work.list_requests)
    get_request = _Method(work.get_request)
    update_request = _Method(work.update_request)
    delete_request = _Method(work.delete_request)
    create_task = _Method(work.create_task)
    list_tasks = _Method(work.list_tasks)
    get_task = _Method(work.get_task)
    update_task = _Method(work.update_task)
    delete_task = _Method(work.delete_task)
    create_subtask = _Method(work.create_subtask)
    list_subtasks = _Method(work.list_subtasks)
    get_subtask = _Method(work.get_subtask)
    update_subtask = _Method(work.update_subtask)
    delete_subtask = _Method(work.delete_subtask)

    hook = _Method(events.hook)
    import_payloads = _Method(events.import_payloads)
    report_usage = _Method(events.report_usage)
    record_action = _Method(events.record_action)
    list_actions = _Method(events.list_actions)
    get_hourly_actions = _Method(events.get_hourly_actions)
    delete_action = _Method(events.delete_action)
    delete_session_actions = _Method(events.delete_session_actions)
    search = _Method(events.search)

    get_context = _Method(contexts.get_context)
    generate_context = _Method(contexts.generate_context)
    save_snapshot = _Method(contexts.save_snapshot)
    restore_context = _Method(contexts.restore_context)
    get_compact_status = _Method(contexts.get_compact_status)
    get_snapshot = _Method(contexts.get_snapshot)
    get_briefs = _Method(contexts.get_briefs)
    list_agent_contexts = _Method(contexts.list_agent_contexts)
    get_agent_context_stats = _Method(contexts.get_agent_context_stats)

    send_message = _Method(messages.send_message)
    list_messages = _Method(messages.list_messages)
    get_messages = _Method(messages.get_messages)
    subscribe = _Method(messages.subscribe)
    list_subscriptions = _Method(messages.list_subscriptions)
    get_subscriptions = _Method(messages.get_subscriptions)
    delete_subscription = _Method(messages.delete_subscription)
    unsubscribe = _Method(messages.unsubscribe)
    block = _Method(messages.block)
    is_blocked = _Method(messages.is_blocked)
    get_blocking = _Method(messages.get_blocking)
    delete_blocking = _Method(messages.delete_blocking)
    unblock = _Method(messages.unblock)


class AsyncClient:
    """DCM's API for programs that await. Made in an `async with` block, or closed at the end."""

    def __init__(self, url: str = URL, *, token: str | None = None, timeout: float = TIMEOUT) -> None:
        self.url = url.rstrip("/")
        self._http = httpx.AsyncClient(**sending.options(self.url, token, timeout))

    async def send(self, call: Call[Answer]) -> Answer:
        """Send any call of the table and give its answer."""
        steps = sending.attempts(call, self.url)
        pause = next(steps)
        while True:
            await asyncio.sleep(pause)
            try:
                pause = steps.send(await self._try(call))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    async def _try(self, call: Call[Answer]) -> sending.Outcome:
        try:
            return await self._http.send(sending.request(self._http, call))
        except httpx.TransportError as error:
            return error

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    health = _AsyncMethod(system.health)
    get_config = _AsyncMethod(system.get_config)
    get_stats = _AsyncMethod(system.get_stats)
    get_tools_summary = _AsyncMethod(system.get_tools_summary)
    get_kpis = _AsyncMethod(system.get_kpis)
    get_intake = _AsyncMethod(system.get_intake)
    suggest_tools = _AsyncMethod(system.suggest_tools)
    get_routing_stats = _AsyncMethod(system.get_routing_stats)
    give_routing_feedback = _AsyncMethod(system.give_routing_feedback)
    get_cleanup_stats = _AsyncMethod(system.get_cleanup_stats)
    create_token = _AsyncMethod(system.create_token)

    create_project = _AsyncMethod(work.create_project)
    list_projects = _AsyncMethod(work.list_projects)
    get_project_by_path = _AsyncMethod(work.get_project_by_path)
    get_project = _AsyncMethod(work.get_project)
    delete_project = _AsyncMethod(work.delete_project)
    get_hierarchy = _AsyncMethod(work.get_hierarchy)
    list_active_agents = _AsyncMethod(work.list_active_agents)
    create_session = _AsyncMethod(work.create_session)
    list_sessions = _AsyncMethod(work.list_sessions)
    get_session_stats = _AsyncMethod(work.get_session_stats)
    get_session = _AsyncMethod(work.get_session)
    get_session_usage = _AsyncMethod(work.get_session_usage)
    update_session = _AsyncMethod(work.update_session)
    delete_session = _AsyncMethod(work.delete_session)
    create_request = _AsyncMethod(work.create_request)
    list_requests = _AsyncMethod(work.list_requests)
    get_request = _AsyncMethod(work.get_request)
    update_request = _AsyncMethod(work.update_request)
    delete_request = _AsyncMethod(work.delete_request)
    create_task = _AsyncMethod(work.create_task)
    list_tasks = _AsyncMethod(work.list_tasks)
    get_task = _AsyncMethod(work.get_task)
    update_task = _AsyncMethod(work.update_task)
    delete_task = _AsyncMethod(work.delete_task)
    create_subtask = _AsyncMethod(work.create_subtask)
    list_subtasks = _AsyncMethod(work.list_subtasks)
    get_subtask = _AsyncMethod(work.get_subtask)
    update_subtask = _AsyncMethod(work.update_subtask)
    delete_subtask = _AsyncMethod(work.delete_subtask)

    hook = _AsyncMethod(events.hook)
    import_payloads = _AsyncMethod(events.import_payloads)
    report_usage = _AsyncMethod(events.report_usage)
    record_action = _AsyncMethod(events.record_action)
    list_actions = _AsyncMethod(events.list_actions)
    get_hourly_actions = _AsyncMethod(events.get_hourly_actions)
    delete_action = _AsyncMethod(events.delete_action)
    delete_session_actions = _AsyncMethod(events.delete_session_actions)
    search = _AsyncMethod(events.search)

    get_context = _AsyncMethod(contexts.get_context)
    generate_context = _AsyncMethod(contexts.generate_context)
    save_snapshot = _AsyncMethod(contexts.save_snapshot)
    restore_context = _AsyncMethod(contexts.restore_context)
    get_compact_status = _AsyncMethod(contexts.get_compact_status)
    get_snapshot = _AsyncMethod(contexts.get_snapshot)
    get_briefs = _AsyncMethod(contexts.get_briefs)
    list_agent_contexts = _AsyncMethod(contexts.list_agent_contexts)
    get_agent_context_stats = _AsyncMethod(contexts.get_agent_context_stats)

    send_message = _AsyncMethod(messages.send_message)
    list_messages = _AsyncMethod(messages.list_messages)
    get_messages = _AsyncMethod(messages.get_messages)
    subscribe = _AsyncMethod(messages.subscribe)
    list_subscriptions = _AsyncMethod(messages.list_subscriptions)
    get_subscriptions = _AsyncMethod(messages.get_subscriptions)
    delete_subscription = _AsyncMethod(messages.delete_subscription)
    unsubscribe = _AsyncMethod(messages.unsubscribe)
    block = _AsyncMethod(messages.block)
    is_blocked = _AsyncMethod(messages.is_blocked)
    get_blocking = _AsyncMethod(messages.get_blocking)
    delete_blocking = _AsyncMethod(messages.delete_blocking)
    unblock = _AsyncMethod(messages.unblock)
