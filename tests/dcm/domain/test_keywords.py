"""Keywords of a text (contract, section 6.1)."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.keywords import STOP_WORDS, extract

WORDS = st.lists(
    st.sampled_from(["pytest", "api", "the", "ab", "file", "db", "zürich", "a-b_c", "x" * 30]), max_size=40
)


def test_there_are_eighty_one_stop_words() -> None:
    assert len(STOP_WORDS) == 81


def test_words_are_counted_lower_cased_and_ties_keep_their_order() -> None:
    assert extract("Zebra apple ZEBRA, mango! apple zebra") == ["zebra", "apple", "mango"]


def test_other_characters_separate_words_and_hyphen_and_underscore_do_not() -> None:
    assert extract("src/app.py read-only my_var Zürich") == ["src", "app", "read-only", "my_var", "rich"]


def test_words_have_three_to_twenty_nine_characters() -> None:
    assert extract(f"ab abc {'x' * 29} {'y' * 30}") == ["abc", "x" * 29]


@given(st.text())
def test_any_text_gives_at_most_ten_distinct_words_of_the_right_shape(text: str) -> None:
    words = extract(text)
    assert len(words) == len(set(words)) <= 10
    assert all(3 <= len(word) <= 29 and word not in STOP_WORDS for word in words)
    assert all(set(word) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_") for word in words)


@given(WORDS)
def test_a_kept_word_is_never_rarer_than_one_that_was_left_out(words: list[str]) -> None:
    text = " ".join(words)
    counts = Counter(word for word in words if word in {"pytest", "api", "a-b_c"})
    kept = extract(text)
    assert [counts[word] for word in kept if word in counts] == sorted((counts[w] for w in counts), reverse=True)


@given(WORDS)
def test_keywords_are_the_same_however_the_text_is_spaced_or_cased(words: list[str]) -> None:
    assert extract(" ".join(words)) == extract("\n\t ".join(words).upper().replace("Ü", "ü"))
