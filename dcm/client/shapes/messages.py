"""Shapes of what agents tell one another."""

from typing import Literal, NotRequired, TypedDict

from dcm.client.shapes.page import Data, Page

Topic = Literal[
    "task.created",
    "task.completed",
    "task.failed",
    "context.request",
    "context.response",
    "alert.blocking",
    "agent.heartbeat",
    "workflow.progress",
]


class MessageSent(TypedDict):
    """A message that was sent."""

    success: bool
    message: Data


class MessageLog(Page):
    """A page of all messages."""

    messages: list[Data]
    count: int


class Inbox(TypedDict):
    """An agent's messages."""

    agent_id: str
    messages: list[Data]
    count: int
    unread_remaining: int


class Subscription(TypedDict):
    """A topic an agent wants to hear of."""

    id: str
    agent_id: str
    topic: str
    callback_url: NotRequired[str | None]
    created_at: NotRequired[str]
    updated_at: NotRequired[str]


class Subscribed(TypedDict):
    """A subscription that was made."""

    success: bool
    subscription: Subscription


class SubscriptionList(TypedDict):
    """Subscriptions."""

    subscriptions: list[Subscription]
    count: int


class AgentSubscriptions(SubscriptionList):
    """The subscriptions of an agent."""

    agent_id: str
    topics: list[str]


class Unsubscribed(TypedDict):
    """A subscription that ended."""

    success: bool
    deleted: Subscription


class Blocked(TypedDict):
    """A blocking that was made."""

    success: bool
    blocking: Data


class BlockingCheck(TypedDict):
    """Whether one agent blocks another."""

    blocker: str
    blocked: str
    is_blocked: bool


class Blocking(TypedDict):
    """Who blocks an agent, and whom it blocks."""

    agent_id: str
    is_blocked: bool
    blocked_by: list[Data]
    is_blocking: bool
    blocking: list[Data]
    summary: dict[str, int]


class Unblocked(TypedDict):
    """A blocking that ended."""

    success: bool
    unblocked: Data
