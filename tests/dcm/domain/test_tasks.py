"""Waves: their names and what is told of them."""

import uuid
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain import tasks
from dcm.domain.tasks import Status, Task

waves = st.builds(
    Task,
    id=st.uuids(),
    request_id=st.one_of(st.none(), st.uuids()),
    wave_number=st.integers(0),
    status=st.sampled_from(get_args(Status)),
    session_id=st.one_of(st.none(), st.text()),
)


@given(st.one_of(st.none(), st.text()), st.integers(0))
def test_a_wave_always_has_a_name_and_keeps_the_one_it_was_given(name: str | None, number: int) -> None:
    assert tasks.name_of(name, number) == (name or f"Wave {number}")


@given(waves, st.one_of(st.none(), st.sampled_from(get_args(Status))))
def test_what_is_told_of_a_wave_is_kept_and_says_the_contracts_fields(task: Task, status: str | None) -> None:
    told = [tasks.created(task), tasks.patched(task, status), tasks.deleted(task)]
    assert [event.name for event in told] == ["task.created", f"task.{status or 'updated'}", "task.deleted"]
    for event in told:
        assert event.kept
        assert (event.channel, event.session_id) == ("global", task.session_id)
        assert set(event.data) == {"id", "request_id", "wave_number", "status"}
        assert event.data["id"] == str(task.id)


def test_a_wave_without_a_request_is_told_of_without_one() -> None:
    assert tasks.created(Task(uuid.uuid4(), None, 0, "pending", None)).data["request_id"] is None
