"""The metrics channel: its figures, and that nobody computes them for nobody."""

import asyncio

import pytest
from bridge import heard, say, serving

from db.pool import Conn
from dcm.settings import Settings
from wsbridge import metrics

FIGURES = {"active_sessions", "active_agents", "pending_tasks", "running_tasks", "completed_tasks_last_hour",
           "messages_last_hour", "actions_per_minute", "avg_task_duration_ms", "timestamp"}  # fmt: skip


@pytest.mark.contract("WS channel metrics", "WS metric.update every five seconds")
def test_who_subscribes_hears_the_figures_again_and_again(
    settings: Settings, conn: Conn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "EVERY", 0.02)
    conn.execute("INSERT INTO sessions (id) VALUES ('s1')")
    conn.execute("INSERT INTO task_lists (status, created_at, completed_at) "
                 "VALUES ('running', now(), NULL), ('completed', now() - interval '2 s', now())")  # fmt: skip

    async def scenario() -> None:
        async with serving(settings) as running, running.client() as client:
            await say(client, type="subscribe", channel="metrics", id="1")
            for _ in range(2):
                frame = await heard(client)
                assert (frame["channel"], frame["event"]) == ("metrics", "metric.update")
                assert set(frame["data"]) == FIGURES
            data = frame["data"]
            assert (data["active_sessions"], data["running_tasks"], data["avg_task_duration_ms"]) == (1, 1, 2000)

    asyncio.run(scenario())


def test_nothing_is_computed_while_nobody_listens(quiet_settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "EVERY", 0.01)
    asked: list[str] = []
    monkeypatch.setattr(metrics, "_read", lambda url: asked.append(url) or {})

    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client() as client:
            for _ in range(5):
                await say(client, type="ping")
            assert asked == []

    asyncio.run(scenario())
