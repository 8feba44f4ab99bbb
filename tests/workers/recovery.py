"""The story's hooks as the client would have sent them, and all that is stored of them."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import redis
import story
from stories import queue, rows
from story import HOOKS, SESSION

from db.pool import Conn
from dcm.domain.hook_events import HookEvent, parse
from workers.ingest import drain
from workers.readings import read_transcript

SECONDS = [0.5, 1, 3, 5, 7, 8, 10, 14, 22, 23, 24]
"""When each of the story's hooks came: what they tell is a moment older in the transcript."""

EVENTS = "SELECT event, count(*)::int FROM hook_events GROUP BY 1 ORDER BY 1"
CALLS = "SELECT tool_name, tool_use_id, success, exit_code, agent_id, session_id, prompt_id FROM actions ORDER BY 2"
PROMPTS = "SELECT prompt_id, prompt, status FROM requests WHERE NOT metadata ? 'placeholder' ORDER BY created_at"
SUBTASKS = "SELECT agent_id, agent_type, status, description, result ->> 'summary' FROM subtasks"
COUNTS = "SELECT id, total_tools_used, total_success, total_errors, model FROM sessions"
MESSAGES = "SELECT count(*)::int FROM agent_messages"
ALL = (EVENTS, CALLS, PROMPTS, SUBTASKS, COUNTS, MESSAGES)


def hooks(path: Path, *numbers: int) -> list[HookEvent]:
    """Hooks of the story by their numbers, as they would have come."""
    made = []
    for number in numbers:
        at = datetime.fromisoformat(story.at(SECONDS[number])) + timedelta(milliseconds=40)
        payload = HOOKS[number] | {"transcript_path": str(path)}
        made.append(parse(f"{number}-0", at, payload))
    return made


def report(valkey: redis.Redis, path: Path, *numbers: int) -> None:
    queue(valkey, hooks(path, *numbers))
    drain(0)


def catch_up() -> None:
    read_transcript(SESSION)
    drain(0)


def everything(conn: Conn) -> list[list[tuple[Any, ...]]]:
    return [rows(conn, query) for query in ALL]
