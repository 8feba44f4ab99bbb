"""Texts that cost nothing to make, to compare a brief with."""

from collections.abc import Mapping

from measure.cases import Case, text_of
from measure.names import newest_first, tool_calls

TAIL_RECORDS = 200


def baselines(case: Case, characters: int) -> Mapping[str, str]:
    """{name: text}: those of a budget are so many characters long at most."""
    tail = "\n".join(text_of(record) for record in case.before[-TAIL_RECORDS:])
    recent = "\n".join(newest_first(tool_calls(case.before)))
    return {
        "nothing": "",
        "summary, whole": case.summary,
        "summary, cut": case.summary[:characters],
        "last characters": tail[-characters:],
        "most recent names": recent[:characters],
    }
