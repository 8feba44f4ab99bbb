import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from brief import briefs, rows
from measure import system
from measure.cases import Case
from measure.figures import Timing, taken_together
from measure.table import console, show


@pytest.fixture(scope="module")
def stores() -> Iterator[system.Stores]:
    with system.stores() as made:
        yield made


def test_a_case_is_replayed_through_a_dcm_of_its_own_and_scored(
    stores: system.Stores, case: Case, capsys: pytest.CaptureFixture[str]
) -> None:
    timing = Timing()
    with stores.system() as client:
        made = briefs(case, client, [500, 2000], timing)
    scored = [one for one, _ in rows(case, made)]
    assert case.planted
    assert len(made[2000]) > len(made[500]) > 200
    assert {"brief 500", "brief 2000 + summary", "nothing", "last characters 500"} <= {one.text for one in scored}
    assert (len(timing.first), len(timing.again), timing.asked) == (1, 3, 2)
    show(console(), taken_together(scored), timing.shown())
    assert "1 compactions" in capsys.readouterr().out


def test_a_server_that_does_not_answer_is_told_of_with_what_to_do() -> None:
    with pytest.raises(system.NotMeasured, match="--url"), system.running("http://127.0.0.1:9"):
        pass


def test_nothing_is_left_of_the_stores_when_a_run_has_ended() -> None:
    before = set(Path(tempfile.gettempdir()).glob("dcm-brief-*"))
    with system.stores() as made:
        assert made.home.exists()
    assert set(Path(tempfile.gettempdir()).glob("dcm-brief-*")) <= before
