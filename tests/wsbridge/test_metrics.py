"""The metrics channel: its figures, and that nobody computes them for nobody."""

import asyncio

import pytest
from bridge import heard, say, serving

from db import metrics as figures
from db.pool import Conn
from dcm.domain.errors import Unavailable
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


@pytest.mark.contract("WS metric.update every five seconds")
def test_every_figure_counts_what_it_says(conn: Conn) -> None:
    conn.execute("INSERT INTO sessions (id, ended_at) VALUES ('s1', NULL), ('s2', NULL), ('s3', now())")
    conn.execute(
        "INSERT INTO task_lists (status, created_at, completed_at) VALUES "
        "('pending', now(), NULL), ('pending', now(), NULL), ('running', now(), NULL), ('failed', now(), now()), "
        "('completed', now() - interval '3 s', now()), "
        "('completed', now() - interval '2 h 1 s', now() - interval '2 h')"
    )
    conn.execute(
        "INSERT INTO subtasks (status, agent_id) VALUES "
        "('running', 'a1'), ('running', 'a1'), ('running', 'a2'), ('running', NULL), ('completed', 'a3')"
    )
    conn.execute(
        "INSERT INTO agent_messages (message_type, payload, created_at) VALUES "
        "('info', '{}', now()), ('info', '{}', now() - interval '59 min'), ('info', '{}', now() - interval '61 min')"
    )
    conn.execute(
        "INSERT INTO actions (tool_name, tool_type, created_at) SELECT 'Bash', 'builtin', at FROM unnest(ARRAY["
        "now(), now(), now() - interval '6 min']) AS at"
    )
    assert figures.read(conn) == {
        "active_sessions": 2,
        "active_agents": 2,
        "pending_tasks": 2,
        "running_tasks": 1,
        "completed_tasks_last_hour": 1,
        "messages_last_hour": 2,
        "actions_per_minute": 0.4,
        "avg_task_duration_ms": 2000,
    }


def test_the_figures_of_nothing_are_zero(conn: Conn) -> None:
    assert set(figures.read(conn).values()) == {0}


def test_who_subscribes_while_postgres_is_away_hears_the_figures_when_it_is_back(
    quiet_settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "EVERY", 0.01)
    answers = iter([Unavailable("away"), Unavailable("away"), {"active_sessions": 7}])

    def read(url: str) -> dict[str, object]:
        answer = next(answers, {"active_sessions": 7})
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(metrics, "_read", read)

    async def scenario() -> None:
        async with serving(quiet_settings) as running, running.client() as client:
            await say(client, type="subscribe", channel="metrics", id="1")
            assert (await heard(client))["data"]["active_sessions"] == 7

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
