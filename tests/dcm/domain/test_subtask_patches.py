"""What a patch of a subtask writes, and what is told of it: for every patch there can be."""

import json
import uuid
from datetime import UTC, datetime
from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain import subtasks
from dcm.domain.subtasks import RESULT_SUMMARY_LIMIT, Status, SubtaskChange, SubtaskPatch

STATUSES = get_args(Status)
NOTHING = SubtaskPatch()
AT = datetime(2026, 11, 21, 12, tzinfo=UTC)

patches = st.builds(
    SubtaskPatch,
    status=st.one_of(st.none(), st.sampled_from(STATUSES)),
    result=st.one_of(st.none(), st.dictionaries(st.text(), st.integers())),
    agent_id=st.one_of(st.none(), st.text(min_size=1)),
    blocked_by=st.one_of(st.none(), st.lists(st.uuids())),
)

WRITTEN = {
    "running": {"agent_id"},
    "completed": {"result"},
    "failed": {"result"},
    "blocked": {"blocked_by"},
    "paused": {"blocked_by"},
    "pending": {"blocked_by"},
}
"""What is written beside a status (contract, section 3.5)."""


def changes(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[SubtaskChange]:
    texts = st.one_of(st.none(), st.text(min_size=1))
    made: dict[str, st.SearchStrategy[Any]] = {
        "id": st.uuids(), "task_list_id": st.uuids(), "session_id": st.text(), "project_id": st.uuids(),
        "agent_id": texts, "agent_type": texts, "description": texts, "status": st.sampled_from(STATUSES),
        "was": st.sampled_from(STATUSES), "result": texts, "completed_at": st.just(AT),
    }  # fmt: skip
    return st.builds(SubtaskChange, **(made | fields))


@given(patches)
def test_a_patch_is_heeded_by_the_contracts_table(patch: SubtaskPatch) -> None:
    heeded = subtasks.heeded(patch)
    if patch.status:
        allowed = WRITTEN[patch.status]
    else:
        allowed = {"agent_id", "blocked_by"} if patch.result is None else {"result"}
    assert heeded.status == patch.status
    for field in ("result", "agent_id", "blocked_by"):
        assert getattr(heeded, field) == (getattr(patch, field) if field in allowed else None), field


@given(patches)
def test_what_is_heeded_of_a_patch_is_heeded_wholly_and_never_nothing_of_something(patch: SubtaskPatch) -> None:
    assert subtasks.heeded(subtasks.heeded(patch)) == subtasks.heeded(patch)
    assert (subtasks.heeded(patch) == NOTHING) == (patch == NOTHING)
    assert patch.ends == (patch.status in {"completed", "failed"})


@given(changes(), st.booleans())
def test_a_patch_is_told_once_on_one_channel_with_the_session(change: SubtaskChange, sets_status: bool) -> None:
    told = subtasks.patched(change, change.status if sets_status else None)
    first, *others = told
    assert first.name == (f"subtask.{change.status}" if sets_status else "subtask.updated")
    assert first.channel == (f"agents/{change.agent_type}" if change.agent_type else "global")
    expected = {"running": ["agent.connected"], "completed": ["agent.disconnected"], "failed": ["agent.disconnected"]}
    agents = expected.get(change.status, []) if sets_status and change.agent_type else []
    assert [event.name for event in others] == agents
    for event in told:
        assert event.kept
        assert event.session_id == change.session_id
        assert event.data["agent_type"] == change.agent_type
    for event in others:
        assert event.channel == "global"
        assert event.data["agent_id"] == change.agent_id or str(change.id)
        assert event.data["subtask_id"] == str(change.id)


@given(changes())
def test_an_end_is_broadcast_and_one_end_is_one_message_whatever_was_before(change: SubtaskChange) -> None:
    message = subtasks.ending(change)
    assert (message is None) == (change.status not in {"completed", "failed"})
    if message:
        assert message.from_agent_id == (change.agent_type or "system")
        assert message.topic == f"agent.{change.status}"
        assert len(message.payload["result_summary"] or "") <= RESULT_SUMMARY_LIMIT
        assert subtasks.message_event(message).data["to_agent"] == "broadcast"
        later = subtasks.ending(SubtaskChange(**{**_fields(change), "completed_at": AT.replace(hour=13)}))
        assert later
        assert later.id != message.id


@given(changes(completed_at=st.none()))
def test_what_has_no_end_is_not_broadcast(change: SubtaskChange) -> None:
    assert subtasks.ending(change) is None


@given(st.one_of(st.none(), st.dictionaries(st.text(), st.recursive(st.text(), st.lists, max_leaves=5))))
def test_the_text_of_a_result_is_its_json_and_nothing_has_none(result: dict[str, Any] | None) -> None:
    text = subtasks.result_text(result)
    assert text is None if result is None else json.loads(str(text)) == result


def test_a_new_and_a_deleted_subtask_are_told_once() -> None:
    change = SubtaskChange(
        uuid.uuid4(), uuid.uuid4(), "s1", uuid.uuid4(), "a1", "Explore", "look", "running", None, None, None
    )
    assert [(event.channel, event.name) for event in subtasks.created(change)] == [
        ("agents/Explore", "subtask.created")
    ]
    assert [(event.channel, event.name) for event in subtasks.deleted(change)] == [
        ("agents/Explore", "subtask.deleted")
    ]
    context = subtasks.context_created(change)
    assert (context.name, context.channel, context.session_id) == ("agent_context.created", "global", "s1")
    assert context.data == {
        "agent_id": "a1", "agent_type": "Explore", "project_id": str(change.project_id), "session_id": "s1",
    }  # fmt: skip


def _fields(change: SubtaskChange) -> dict[str, Any]:
    return {name: getattr(change, name) for name in SubtaskChange.__dataclass_fields__}
