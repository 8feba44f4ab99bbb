"""The page of what is promised and proved is true, and the table it is made of is whole."""

from collections import Counter

import conformance
import pytest

PARTS = conformance.contract()
HOW = "run `.venv/bin/python docs/conformance.py`"


def test_the_page_of_promises_says_what_the_marks_say() -> None:
    assert conformance.PAGE.read_text(encoding="utf-8") == conformance.current(), HOW


def test_every_promise_has_a_test() -> None:
    proved = conformance.proofs(conformance.promises(PARTS))
    assert [promise for promise in conformance.promises(PARTS) if not proved.get(promise)] == []


def test_the_table_has_every_route_once_and_no_promise_twice() -> None:
    counts = Counter(conformance.promises(PARTS))
    assert [promise for promise, count in counts.items() if count > 1] == []
    assert sum(len(rows) for rows in PARTS["routes"].values()) == 63


def test_marks_are_found_where_they_stand_with_others_and_in_any_number() -> None:
    source = """
@pytest.mark.contract("GET /a", "GET /b")
@pytest.mark.parametrize("x", [1])
async def test_one(x): ...

class Tests:
    @pytest.mark.contract("GET /a")
    def test_two(self): ...

def test_three(): ...
"""
    assert sorted(conformance.marks(source)) == [("GET /a", "test_one"), ("GET /a", "test_two"), ("GET /b", "test_one")]


def test_a_mark_of_what_nobody_promised_is_refused() -> None:
    with pytest.raises(conformance.UnknownPromise, match=r"which docs/contract\.toml lacks"):
        conformance.proofs([])


def test_a_promise_without_a_test_is_listed_as_such() -> None:
    text = conformance.page({"routes": {"Health": ["GET /a", "GET /b"]}}, {"GET /a": [("tests/x.py", "test_it_is_so")]})
    assert "1 of 2 promises have a test" in text
    assert "| `GET /a` | [it is so](../tests/x.py) |" in text
    assert text.endswith("## Without a test\n\n- `GET /b`\n")
