"""Calls about what agents tell one another: messages, subscriptions, blocking."""

from collections.abc import Mapping
from typing import Any

from dcm.client.calls.call import Call, delete, get, part, post
from dcm.client.shapes import messages as shapes


def send_message(
    from_agent: str,
    topic: shapes.Topic,
    content: str | Mapping[str, Any],
    *,
    to_agent: str | None = None,
    priority: int | None = None,
    ttl_seconds: int | None = None,
    project_id: str | None = None,
) -> Call[shapes.MessageSent]:
    """Tell an agent something, or all of them when none is named."""
    return post(
        "/api/messages",
        from_agent=from_agent,
        to_agent=to_agent,
        topic=topic,
        content=content,
        priority=priority,
        ttl_seconds=ttl_seconds,
        project_id=project_id,
    )


def list_messages(*, limit: int | None = None, offset: int | None = None) -> Call[shapes.MessageLog]:
    """All messages, newest first."""
    return get("/api/messages", limit=limit, offset=offset)


def get_messages(
    agent_id: str,
    *,
    since: str | None = None,
    topic: str | None = None,
    include_broadcasts: bool | None = None,
    limit: int | None = None,
) -> Call[shapes.Inbox]:
    """The messages for an agent; they count as read from now on, so this is not asked twice."""
    return get(
        f"/api/messages/{part(agent_id)}",
        repeatable=False,
        since=since,
        topic=topic,
        include_broadcasts=include_broadcasts,
        limit=limit,
    )


def subscribe(agent_id: str, topic: shapes.Topic, *, callback_url: str | None = None) -> Call[shapes.Subscribed]:
    """Note that an agent wants to hear of a topic."""
    return post("/api/subscribe", repeatable=True, agent_id=agent_id, topic=topic, callback_url=callback_url)


def list_subscriptions(*, agent_id: str | None = None, topic: str | None = None) -> Call[shapes.SubscriptionList]:
    """Subscriptions, newest first."""
    return get("/api/subscriptions", agent_id=agent_id, topic=topic)


def get_subscriptions(agent_id: str) -> Call[shapes.AgentSubscriptions]:
    """The subscriptions of an agent, by topic."""
    return get(f"/api/subscriptions/{part(agent_id)}")


def delete_subscription(subscription_id: str) -> Call[shapes.Unsubscribed]:
    """End a subscription, by its id."""
    return delete(f"/api/subscriptions/{part(subscription_id)}")


def unsubscribe(agent_id: str, topic: str) -> Call[shapes.Unsubscribed]:
    """End a subscription, by agent and topic."""
    return post("/api/unsubscribe", agent_id=agent_id, topic=topic)


def block(blocked_by: str, blocked_agent: str, *, reason: str | None = None) -> Call[shapes.Blocked]:
    """Note that an agent keeps another from going on."""
    return post("/api/blocking", repeatable=True, blocked_by=blocked_by, blocked_agent=blocked_agent, reason=reason)


def is_blocked(blocker: str, blocked: str) -> Call[shapes.BlockingCheck]:
    """Whether one agent blocks another."""
    return get("/api/blocking/check", blocker=blocker, blocked=blocked)


def get_blocking(agent_id: str) -> Call[shapes.Blocking]:
    """Who blocks an agent, and whom it blocks."""
    return get(f"/api/blocking/{part(agent_id)}")


def delete_blocking(blocking_id: str) -> Call[shapes.Unblocked]:
    """Let an agent go on, by the id of the blocking."""
    return delete(f"/api/blocking/{part(blocking_id)}")


def unblock(blocked_by: str, blocked_agent: str) -> Call[shapes.Unblocked]:
    """Let an agent go on, by the two agents."""
    return post("/api/unblock", blocked_by=blocked_by, blocked_agent=blocked_agent)
