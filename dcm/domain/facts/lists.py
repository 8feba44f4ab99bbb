"""The agent's own list, and what the user settled in dialogs."""

import contextlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from dcm.domain.facts.calls import ToolCall
from dcm.domain.snapshots import Decision, Task
from dcm.domain.tools import one_line

QUESTION_LIMIT, ANSWER_LIMIT, PLAN_LIMIT, EARLIER_LIMIT = 200, 300, 1_200, 280
"""Characters kept of a question, its answer, the last plan, and what an earlier one says besides its steps."""

GIVEN_UP = frozenset({"deleted", "cancelled", "canceled"})
"""States of tasks that are told no more."""


def decisions(calls: Iterable[ToolCall]) -> list[Decision]:
    """What the user settled, newest first: answers, the last one to each question, and plans, the last of each title.

    Of the plans before the last their steps are left out: these are done or given up, what was settled holds.
    """
    answers: dict[str, Decision] = {}
    plans: dict[str, tuple[str, datetime]] = {}
    for call in calls:
        if call.success and call.tool == "AskUserQuestion":
            for question, answer in _answers(call):
                answers.pop(question, None)
                answers[question] = Decision(f"{question} → {answer}", call.at)
        elif call.success and call.tool == "ExitPlanMode":
            text = call.got.get("plan") or call.asked.get("plan")
            if isinstance(text, str) and text.strip():
                title = _title(text)
                plans.pop(title, None)
                plans[title] = (text, call.at)
    approved = list(plans.values())
    earlier = [
        Decision(f"Approved earlier: {said}", at) for text, at in approved[:-1] if (said := _without_steps(text))
    ]
    last = [Decision(f"Approved plan: {one_line(text, PLAN_LIMIT)}", at) for text, at in approved[-1:]]
    return sorted([*answers.values(), *earlier, *last], key=lambda decision: decision.at, reverse=True)


_STEP_OR_HEAD = re.compile(r"\s*(?:[-*•+]|\d+[.)]|#)\s*")


def _title(plan: str) -> str:
    """The first heading of a plan, empty when it has none."""
    return next((line.strip("# ").lower() for line in plan.splitlines() if line.startswith("#")), "")


def _without_steps(plan: str) -> str:
    """The prose of a plan."""
    prose = [line for line in plan.splitlines() if not _STEP_OR_HEAD.match(line)]
    return one_line(" ".join(prose), EARLIER_LIMIT)


def _answers(call: ToolCall) -> Iterator[tuple[str, str]]:
    answers = call.got.get("answers") or call.asked.get("answers")
    if isinstance(answers, Mapping):
        for question, answer in answers.items():
            yield one_line(str(question), QUESTION_LIMIT), one_line(str(answer), ANSWER_LIMIT)


def todo_list(calls: Iterable[ToolCall]) -> list[Task]:
    """The agent's own list as it last wrote it, with later task updates applied."""
    tasks: dict[str, Task] = {}
    for call in calls:
        if not call.success or call.by_subagent:
            continue
        if call.tool == "TodoWrite" and (written := _todos(call.asked.get("todos"))) is not None:
            tasks = {task.id: task for task in written}
        elif call.tool == "TaskCreate":
            number = _number(call.got) or str(len(tasks) + 1)
            tasks[number] = Task(number, str(call.asked.get("subject", "")), "pending")
        elif call.tool == "TaskUpdate":
            _update(tasks, call.asked)
    return [task for task in tasks.values() if task.description and task.status not in GIVEN_UP]


def _number(got: Mapping[str, Any]) -> str:
    """The number a created task was given; empty when the answer does not say."""
    task = got.get("task")
    return str(task.get("id") or "") if isinstance(task, Mapping) else ""


def _todos(items: object) -> list[Task] | None:
    """The tasks of a list, also of one written as JSON; None when it is no list."""
    if isinstance(items, str):
        with contextlib.suppress(ValueError):
            items = json.loads(items)
    if not isinstance(items, list):
        return None
    return [
        Task(str(number), str(item.get("content", "")), _status(item.get("status")))
        for number, item in enumerate(items, 1)
        if isinstance(item, Mapping)
    ]


def _status(told: object) -> str:
    return told if isinstance(told, str) and told else "pending"


def _update(tasks: dict[str, Task], asked: Mapping[str, Any]) -> None:
    number = str(asked.get("taskId", ""))
    known = tasks.get(number)
    if known:
        tasks[number] = Task(
            number, str(asked.get("subject") or known.description), _status(asked.get("status") or known.status)
        )
