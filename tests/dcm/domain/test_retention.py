"""How long what is kept."""

from datetime import UTC, datetime, timedelta

import pytest

from dcm.domain.errors import SettingsError
from dcm.domain.retention import EVER, KINDS, Keep, cutoffs, everything, keep

NOW = datetime(2026, 11, 21, tzinfo=UTC)


def test_kinds_that_are_named_are_kept_so_many_days_and_the_others_as_by_default() -> None:
    assert keep("") == Keep()
    assert keep(" actions=30, events = 3,") == Keep(actions=30, events=3)


@pytest.mark.parametrize(
    "text", ["30", "actions", "actions=", "actions=-1", "actions=1.5", "action=30", "actions=36501"]
)
def test_what_names_no_kind_or_no_days_is_refused_with_the_kinds_there_are(text: str) -> None:
    with pytest.raises(SettingsError, match=r"actions, hook_events, .* events\.") as refused:
        keep(text)
    assert repr(text) in str(refused.value)


def test_zero_days_are_for_ever() -> None:
    assert cutoffs(keep("usage=0"), NOW).usage == EVER
    assert {getattr(everything(0, NOW), kind) for kind in KINDS} == {EVER}
    assert {getattr(everything(3, NOW), kind) for kind in KINDS} == {NOW - timedelta(days=3)}


@pytest.mark.parametrize(
    ("text", "days"),
    [("sessions=10", 90), ("sessions=10,actions=5,hook_events=5,briefs=20", 20), ("sessions=100", 100)],
)
def test_a_session_stays_as_long_as_what_hangs_on_it(text: str, days: int) -> None:
    assert cutoffs(keep(text), NOW).sessions == NOW - timedelta(days=days)


def test_a_session_stays_for_ever_when_its_tool_calls_do() -> None:
    assert cutoffs(keep("actions=0"), NOW).sessions == EVER
