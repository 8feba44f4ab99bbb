"""The client of programs that await: one method for every row of the table of requests, as the other has them."""

import asyncio
import time
from types import TracebackType
from typing import TypeVar, Unpack

import httpx

from dcm.client import sending, transport
from dcm.client.calls import access, contexts, dead, events, messages, system, work
from dcm.client.calls.call import Call
from dcm.client.errors import ClientError
from dcm.client.methods import AsyncMethod
from dcm.client.sending import RETRIES
from dcm.client.transport import TIMEOUT, URL

Answer = TypeVar("Answer")


class AsyncClient:
    """DCM's API for programs that await. Made in an `async with` block, or closed at the end."""

    def __init__(
        self, url: str = URL, *, timeout: float = TIMEOUT, retries: int = RETRIES, **shown: Unpack[transport.Shown]
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout, self._retries = timeout, retries
        self._http = httpx.AsyncClient(limits=transport.LIMITS, **transport.options(self.url, timeout, **shown))

    async def send(self, call: Call[Answer]) -> Answer:
        """Send any call of the table and give its answer."""
        over_at = time.monotonic() + self._timeout
        steps = sending.attempts(call, self.url, self._retries, over_at)
        pause = next(steps)
        while True:
            await asyncio.sleep(pause)
            try:
                pause = steps.send(await self._try(call, over_at))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    async def _try(self, call: Call[Answer], over_at: float) -> sending.Outcome:
        try:
            async with asyncio.timeout(over_at - time.monotonic()):
                return await self._http.send(sending.request(self._http, call))
        except httpx.RequestError as error:
            return error
        except TimeoutError:
            return httpx.ReadTimeout("")

    async def is_healthy(self) -> bool:
        """Whether DCM and its database answer; never an error."""
        try:
            return (await self.health()).get("status") == "healthy"
        except ClientError:
            return False

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    health = AsyncMethod(system.health)
    get_config = AsyncMethod(system.get_config)
    get_stats = AsyncMethod(system.get_stats)
    get_tools_summary = AsyncMethod(system.get_tools_summary)
    get_kpis = AsyncMethod(system.get_kpis)
    get_intake = AsyncMethod(system.get_intake)
    get_system = AsyncMethod(system.get_system)
    list_dead_letters = AsyncMethod(dead.list_dead_letters)
    get_dead_letter = AsyncMethod(dead.get_dead_letter)
    retry_dead_letter = AsyncMethod(dead.retry_dead_letter)
    retry_dead_letters = AsyncMethod(dead.retry_dead_letters)
    drop_dead_letter = AsyncMethod(dead.drop_dead_letter)
    drop_dead_letters = AsyncMethod(dead.drop_dead_letters)
    suggest_tools = AsyncMethod(system.suggest_tools)
    get_routing_stats = AsyncMethod(system.get_routing_stats)
    give_routing_feedback = AsyncMethod(system.give_routing_feedback)
    get_cleanup_stats = AsyncMethod(system.get_cleanup_stats)
    get_retention = AsyncMethod(system.get_retention)
    set_retention = AsyncMethod(system.set_retention)
    start_pruning = AsyncMethod(system.start_pruning)
    get_pruning = AsyncMethod(system.get_pruning)
    create_token = AsyncMethod(system.create_token)
    create_access_token = AsyncMethod(access.create_access_token)
    list_access_tokens = AsyncMethod(access.list_access_tokens)
    revoke_access_token = AsyncMethod(access.revoke_access_token)
    create_agent_credential = AsyncMethod(access.create_agent_credential)
    delete_agent_credential = AsyncMethod(access.delete_agent_credential)
    get_audit = AsyncMethod(access.get_audit)
    create_project = AsyncMethod(work.create_project)
    list_projects = AsyncMethod(work.list_projects)
    get_project_by_path = AsyncMethod(work.get_project_by_path)
    get_project = AsyncMethod(work.get_project)
    delete_project = AsyncMethod(work.delete_project)
    get_hierarchy = AsyncMethod(work.get_hierarchy)
    list_active_agents = AsyncMethod(work.list_active_agents)
    create_session = AsyncMethod(work.create_session)
    list_sessions = AsyncMethod(work.list_sessions)
    get_session_stats = AsyncMethod(work.get_session_stats)
    get_session = AsyncMethod(work.get_session)
    get_session_usage = AsyncMethod(work.get_session_usage)
    update_session = AsyncMethod(work.update_session)
    delete_session = AsyncMethod(work.delete_session)
    create_request = AsyncMethod(work.create_request)
    list_requests = AsyncMethod(work.list_requests)
    get_request = AsyncMethod(work.get_request)
    update_request = AsyncMethod(work.update_request)
    delete_request = AsyncMethod(work.delete_request)
    create_task = AsyncMethod(work.create_task)
    list_tasks = AsyncMethod(work.list_tasks)
    get_task = AsyncMethod(work.get_task)
    update_task = AsyncMethod(work.update_task)
    delete_task = AsyncMethod(work.delete_task)
    create_subtask = AsyncMethod(work.create_subtask)
    list_subtasks = AsyncMethod(work.list_subtasks)
    get_subtask = AsyncMethod(work.get_subtask)
    update_subtask = AsyncMethod(work.update_subtask)
    delete_subtask = AsyncMethod(work.delete_subtask)

    hook = AsyncMethod(events.hook)
    import_payloads = AsyncMethod(events.import_payloads)
    import_rows = AsyncMethod(events.import_rows)
    report_usage = AsyncMethod(events.report_usage)
    record_action = AsyncMethod(events.record_action)
    list_actions = AsyncMethod(events.list_actions)
    get_hourly_actions = AsyncMethod(events.get_hourly_actions)
    delete_action = AsyncMethod(events.delete_action)
    delete_session_actions = AsyncMethod(events.delete_session_actions)
    search = AsyncMethod(events.search)

    get_context = AsyncMethod(contexts.get_context)
    generate_context = AsyncMethod(contexts.generate_context)
    save_snapshot = AsyncMethod(contexts.save_snapshot)
    restore_context = AsyncMethod(contexts.restore_context)
    get_compact_status = AsyncMethod(contexts.get_compact_status)
    get_snapshot = AsyncMethod(contexts.get_snapshot)
    get_briefs = AsyncMethod(contexts.get_briefs)
    list_agent_contexts = AsyncMethod(contexts.list_agent_contexts)
    get_agent_context_stats = AsyncMethod(contexts.get_agent_context_stats)

    send_message = AsyncMethod(messages.send_message)
    list_messages = AsyncMethod(messages.list_messages)
    get_messages = AsyncMethod(messages.get_messages)
    subscribe = AsyncMethod(messages.subscribe)
    list_subscriptions = AsyncMethod(messages.list_subscriptions)
    get_subscriptions = AsyncMethod(messages.get_subscriptions)
    delete_subscription = AsyncMethod(messages.delete_subscription)
    unsubscribe = AsyncMethod(messages.unsubscribe)
    block = AsyncMethod(messages.block)
    is_blocked = AsyncMethod(messages.is_blocked)
    get_blocking = AsyncMethod(messages.get_blocking)
    delete_blocking = AsyncMethod(messages.delete_blocking)
    unblock = AsyncMethod(messages.unblock)
