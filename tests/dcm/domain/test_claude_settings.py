"""Our hooks come and go, and nobody else's changes."""

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dcm.domain.claude_settings import ENDPOINT, Settings, endpoint, hook, is_ours, our_hooks, unhook
from dcm.domain.errors import InvalidInput

PLUGIN = {
    "PreToolUse": [{"hooks": [{"type": "command", "command": "in the plugin", "timeout": 2}]}],
    "Stop": [{"hooks": [{"type": "command", "command": "in the plugin", "timeout": 2}]}],
    "Notification": [{"hooks": [{"type": "http", "url": "in the plugin", "timeout": 0.3}]}],
}
OURS = our_hooks(PLUGIN, "http://127.0.0.1:3847", "/home/me/.dcm/launcher")
ELSEWHERE = our_hooks(PLUGIN, "http://127.0.0.1:4000", "/srv/it's/launcher")

words = st.sampled_from(["a", "b", "matcher", "Grüße", "http", "Stop"])
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=5,
)
others = st.one_of(
    st.fixed_dictionaries({"type": st.just("command"), "command": words}, optional={"timeout": st.integers(1, 9)}),
    st.fixed_dictionaries({"type": st.just("http"), "url": st.sampled_from(["http://x/", f"http://x{ENDPOINT}/not"])}),
    st.dictionaries(words, values, max_size=3),
)
"""Hooks of other people, some of them odd."""

mine = st.sampled_from([entry for hooks in (OURS, ELSEWHERE) for [group] in hooks.values() for entry in group["hooks"]])


def settings_of(entries: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """Settings whose hooks are such entries, in groups with and without a matcher."""
    groups = st.fixed_dictionaries({"hooks": st.lists(entries, max_size=3)}, optional={"matcher": words, "x": values})
    events = st.sampled_from(["PreToolUse", "Stop", "Notification", "Other"])
    hooks = st.dictionaries(events, st.lists(groups, max_size=3))
    rest = st.dictionaries(words, values, max_size=3)
    return st.builds(
        lambda before, after: {**before, **after}, rest, st.just({}) | st.builds(lambda h: {"hooks": h}, hooks)
    )


def meaning(settings: Settings) -> Settings:
    """The settings without empty lists of hooks and without an empty "hooks": they say nothing."""
    hooks = {event: groups for event, groups in settings.get("hooks", {}).items() if groups}
    rest = {key: value for key, value in settings.items() if key != "hooks"}
    return {**rest, "hooks": hooks} if hooks else rest


def foreign(settings: Settings) -> list[tuple[str, object, list[dict[str, Any]]]]:
    """Everybody else's entries, with their event and the rest of their group, in order."""
    return [
        (event, {key: value for key, value in group.items() if key != "hooks"}, kept)
        for event, groups in settings.get("hooks", {}).items()
        for group in groups
        if (kept := [entry for entry in group["hooks"] if not is_ours(entry)])
    ]


def by_event(entries: list[tuple[str, object, list[dict[str, Any]]]]) -> dict[str, list[object]]:
    """Order counts within an event, not between events."""
    sorted_by: dict[str, list[object]] = {}
    for event, *rest in entries:
        sorted_by.setdefault(event, []).append(rest)
    return sorted_by


@given(settings_of(others))
def test_unhooking_takes_back_what_hooking_did(settings: Settings) -> None:
    assert meaning(unhook(hook(settings, OURS))) == meaning(settings)


@given(settings_of(others))
def test_unhooking_what_has_none_of_ours_changes_nothing(settings: Settings) -> None:
    assert unhook(settings) == settings


@given(settings_of(others | mine))
def test_hooking_twice_is_hooking_once(settings: Settings) -> None:
    once = hook(settings, OURS)
    assert hook(once, OURS) == once


@given(settings_of(others | mine))
def test_each_of_ours_is_there_once_whatever_was_there(settings: Settings) -> None:
    hooked = hook(settings, OURS)["hooks"]
    found = {
        event: [group for group in groups if any(map(is_ours, group["hooks"]))] for event, groups in hooked.items()
    }
    assert {event: groups for event, groups in found.items() if groups} == OURS


@given(settings_of(others | mine))
def test_nobody_elses_entry_changes(settings: Settings) -> None:
    before = copy.deepcopy(settings)
    assert by_event(foreign(hook(settings, OURS))) == by_event(foreign(settings))
    assert by_event(foreign(unhook(settings))) == by_event(foreign(settings))
    assert settings == before


@given(settings_of(others | mine))
def test_other_keys_keep_their_values_and_order(settings: Settings) -> None:
    def rest(some: Settings) -> list[tuple[str, object]]:
        return [(key, value) for key, value in some.items() if key != "hooks"]

    assert rest(hook(settings, OURS)) == rest(settings) == rest(unhook(settings))


def test_what_became_empty_by_us_goes_and_what_was_empty_stays() -> None:
    [group] = OURS["Stop"]
    settings = {"hooks": {"Stop": [group], "PreToolUse": [], "Other": [{"matcher": "x", "hooks": []}]}}
    assert unhook(settings) == {"hooks": {"PreToolUse": [], "Other": [{"matcher": "x", "hooks": []}]}}
    assert unhook({"hooks": {"Stop": [group]}, "model": "m"}) == {"model": "m"}


def test_ours_leaves_a_group_shared_with_others() -> None:
    [entry] = OURS["Stop"][0]["hooks"]
    other = {"type": "command", "command": "theirs"}
    shared = {"hooks": {"Stop": [{"matcher": "x", "hooks": [other, entry]}]}}
    assert unhook(shared) == {"hooks": {"Stop": [{"matcher": "x", "hooks": [other]}]}}


@pytest.mark.parametrize("hooks", [OURS, ELSEWHERE])
def test_all_that_we_place_is_recognised(hooks: dict[str, list[dict[str, Any]]]) -> None:
    assert all(is_ours(entry) for [group] in hooks.values() for entry in group["hooks"])


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "http", "url": f"http://h:1{ENDPOINT}/else"},
        {"type": "http", "url": f"ftp://h{ENDPOINT}"},
        {"type": "http", "url": 7},
        {"type": "command", "command": f"curl http://h{ENDPOINT}"},
        {"type": "command", "command": "launcher hook"},
        {"type": "command"},
        {},
    ],
)
def test_what_only_resembles_ours_is_not(entry: dict[str, Any]) -> None:
    assert not is_ours(entry)


@pytest.mark.parametrize("url", ["http://h", "http://h/", f"http://h{ENDPOINT}", f"http://h{ENDPOINT}/"])
def test_a_server_may_be_named_with_or_without_the_endpoint(url: str) -> None:
    assert endpoint(url) == f"http://h{ENDPOINT}"


@pytest.mark.parametrize(
    "url", ["", "h:1", "https://h", "http://", "http://h:x", "http://h h", "http://h'", "http://h?a"]
)
def test_a_url_that_is_none_is_refused(url: str) -> None:
    with pytest.raises(InvalidInput, match="is not the URL of a server"):
        endpoint(url)


@pytest.mark.parametrize(
    ("hooks", "sentence"),
    [
        ([], "hooks is not an object"),
        (None, "hooks is not an object"),
        ({"Stop": {}}, "hooks.Stop is not a list"),
        ({"Stop": ["x"]}, "a member of hooks.Stop is not an object"),
        ({"Stop": [{}]}, '"hooks" of a member of hooks.Stop is not a list'),
        ({"Stop": [{"hooks": ["x"]}]}, "a hook of Stop is not an object"),
    ],
)
def test_hooks_of_the_wrong_type_are_refused(hooks: object, sentence: str) -> None:
    for change in (unhook, lambda settings: hook(settings, OURS)):
        with pytest.raises(InvalidInput, match=sentence):
            change({"hooks": hooks})
