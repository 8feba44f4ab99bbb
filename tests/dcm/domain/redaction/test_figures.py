from collections import defaultdict

import corpus
import pytest

from dcm.domain.redaction import redact

SECRETS, LOOKALIKES = corpus.secrets(), corpus.lookalikes()


def test_the_corpus_is_as_large_and_as_various_as_the_figures_need() -> None:
    assert len(SECRETS) >= 300
    assert len({case.kind for case in SECRETS}) >= 30
    assert len(LOOKALIKES) >= 600
    assert len({case.text for case in LOOKALIKES}) >= 600


@pytest.mark.parametrize("half", [0, 1])
def test_of_a_hundred_secrets_ninety_eight_are_caught(half: int) -> None:
    cases = corpus.half(SECRETS, half)
    missed = [case for case in cases if case.secret in redact(case.text)]
    assert len(missed) / len(cases) <= 0.02, missed


@pytest.mark.parametrize("half", [0, 1])
def test_of_a_hundred_lookalikes_less_than_one_is_hit(half: int) -> None:
    cases = corpus.half(LOOKALIKES, half)
    hit = [(case.text, redact(case.text)) for case in cases if redact(case.text) != case.text]
    assert len(hit) / len(cases) < 0.01, hit


def test_redacting_twice_changes_nothing_in_all_of_the_corpus() -> None:
    once = [redact(case.text) for case in SECRETS + LOOKALIKES]
    assert [redact(text) for text in once] == once


def test_a_secret_is_caught_whatever_stands_around_it() -> None:
    missed = defaultdict(list)
    for case in SECRETS:
        for text in (f"ok\n{case.text}\nok", f"12 lines\r\n\r\n{case.text}\r\nend", f"é ü 漢字\n{case.text}\n🦊"):
            if case.secret in redact(text):
                missed[case.kind].append(text)
    assert sum(map(len, missed.values())) <= 0.02 * 3 * len(SECRETS), missed
