"""The client of programs that wait: one method for every row of the table of requests."""

import contextlib
import time
from collections.abc import Iterator
from types import TracebackType
from typing import Any, TypeVar, Unpack

import httpx

from dcm.client import sending, transport
from dcm.client.calls import access, contexts, dead, events, messages, system, work
from dcm.client.calls.call import Call
from dcm.client.errors import ClientError
from dcm.client.methods import Method
from dcm.client.sending import RETRIES
from dcm.client.transport import TIMEOUT, URL

Answer = TypeVar("Answer")


class Client:
    """DCM's API for programs that wait. Made in a `with` block, or closed at the end.

    Every method raises ClientError: Unreachable when nobody answers, Refused with the API's sentence otherwise.
    `token`: an access token; the one in DCM_TOKEN when it is left out. `agent_token`: the credential of the agent that
    is spoken for. `timeout`: seconds a call may take, all its tries together. `retries`: how often it is tried again.
    """

    def __init__(
        self, url: str = URL, *, timeout: float = TIMEOUT, retries: int = RETRIES, **shown: Unpack[transport.Shown]
    ) -> None:
        self.url = url.rstrip("/")
        self._timeout, self._retries = timeout, retries
        self._http = httpx.Client(transport=transport.Transport(), **transport.options(self.url, timeout, **shown))

    def send(self, call: Call[Answer]) -> Answer:
        """Send any call of the table and give its answer."""
        over_at = time.monotonic() + self._timeout
        steps = sending.attempts(call, self.url, self._retries, over_at)
        pause = next(steps)
        while True:
            time.sleep(pause)
            try:
                pause = steps.send(self._try(call, over_at))
            except StopIteration as done:
                return done.value  # type: ignore[no-any-return]

    def _try(self, call: Call[Answer], over_at: float) -> sending.Outcome:
        try:
            with transport.until(over_at):
                return self._http.send(sending.request(self._http, call))
        except httpx.RequestError as error:
            return error

    @contextlib.contextmanager
    def stream(self, call: Call[Any]) -> Iterator[Iterator[bytes]]:
        """The pieces of an answer as they come, each within the timeout; it is not tried again."""
        try:
            response = self._http.send(sending.request(self._http, call), stream=True)
            with contextlib.closing(response):
                if not response.is_success:
                    response.read()
                    raise sending.failure(call, response, self.url)
                yield response.iter_bytes()
        except httpx.RequestError as error:
            raise sending.failure(call, error, self.url) from error

    def is_healthy(self) -> bool:
        """Whether DCM and its database answer; never an error."""
        try:
            return self.health().get("status") == "healthy"
        except ClientError:
            return False

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> "Client":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    health = Method(system.health)
    get_config = Method(system.get_config)
    get_stats = Method(system.get_stats)
    get_tools_summary = Method(system.get_tools_summary)
    get_kpis = Method(system.get_kpis)
    get_intake = Method(system.get_intake)
    get_system = Method(system.get_system)
    list_dead_letters = Method(dead.list_dead_letters)
    get_dead_letter = Method(dead.get_dead_letter)
    retry_dead_letter = Method(dead.retry_dead_letter)
    retry_dead_letters = Method(dead.retry_dead_letters)
    drop_dead_letter = Method(dead.drop_dead_letter)
    drop_dead_letters = Method(dead.drop_dead_letters)
    suggest_tools = Method(system.suggest_tools)
    get_routing_stats = Method(system.get_routing_stats)
    give_routing_feedback = Method(system.give_routing_feedback)
    get_cleanup_stats = Method(system.get_cleanup_stats)
    get_retention = Method(system.get_retention)
    set_retention = Method(system.set_retention)
    start_pruning = Method(system.start_pruning)
    get_pruning = Method(system.get_pruning)
    create_token = Method(system.create_token)
    create_access_token = Method(access.create_access_token)
    list_access_tokens = Method(access.list_access_tokens)
    revoke_access_token = Method(access.revoke_access_token)
    create_agent_credential = Method(access.create_agent_credential)
    delete_agent_credential = Method(access.delete_agent_credential)
    get_audit = Method(access.get_audit)
    create_project = Method(work.create_project)
    list_projects = Method(work.list_projects)
    get_project_by_path = Method(work.get_project_by_path)
    get_project = Method(work.get_project)
    delete_project = Method(work.delete_project)
    get_hierarchy = Method(work.get_hierarchy)
    list_active_agents = Method(work.list_active_agents)
    create_session = Method(work.create_session)
    list_sessions = Method(work.list_sessions)
    get_session_stats = Method(work.get_session_stats)
    get_session = Method(work.get_session)
    get_session_usage = Method(work.get_session_usage)
    update_session = Method(work.update_session)
    delete_session = Method(work.delete_session)
    create_request = Method(work.create_request)
    list_requests = Method(work.list_requests)
    get_request = Method(work.get_request)
    update_request = Method(work.update_request)
    delete_request = Method(work.delete_request)
    create_task = Method(work.create_task)
    list_tasks = Method(work.list_tasks)
    get_task = Method(work.get_task)
    update_task = Method(work.update_task)
    delete_task = Method(work.delete_task)
    create_subtask = Method(work.create_subtask)
    list_subtasks = Method(work.list_subtasks)
    get_subtask = Method(work.get_subtask)
    update_subtask = Method(work.update_subtask)
    delete_subtask = Method(work.delete_subtask)

    hook = Method(events.hook)
    import_payloads = Method(events.import_payloads)
    import_rows = Method(events.import_rows)
    report_usage = Method(events.report_usage)
    record_action = Method(events.record_action)
    list_actions = Method(events.list_actions)
    get_hourly_actions = Method(events.get_hourly_actions)
    delete_action = Method(events.delete_action)
    delete_session_actions = Method(events.delete_session_actions)
    search = Method(events.search)

    get_context = Method(contexts.get_context)
    generate_context = Method(contexts.generate_context)
    save_snapshot = Method(contexts.save_snapshot)
    restore_context = Method(contexts.restore_context)
    get_compact_status = Method(contexts.get_compact_status)
    get_snapshot = Method(contexts.get_snapshot)
    get_briefs = Method(contexts.get_briefs)
    list_agent_contexts = Method(contexts.list_agent_contexts)
    get_agent_context_stats = Method(contexts.get_agent_context_stats)

    send_message = Method(messages.send_message)
    list_messages = Method(messages.list_messages)
    get_messages = Method(messages.get_messages)
    subscribe = Method(messages.subscribe)
    list_subscriptions = Method(messages.list_subscriptions)
    get_subscriptions = Method(messages.get_subscriptions)
    delete_subscription = Method(messages.delete_subscription)
    unsubscribe = Method(messages.unsubscribe)
    block = Method(messages.block)
    is_blocked = Method(messages.is_blocked)
    get_blocking = Method(messages.get_blocking)
    delete_blocking = Method(messages.delete_blocking)
    unblock = Method(messages.unblock)
