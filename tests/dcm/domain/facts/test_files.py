"""The files of a session: changed, gone, or only used."""

from finished import bash, edit, some_calls

from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.files import files


def changed(*calls: ToolCall) -> list[tuple[str, int, str]]:
    return [(change.path, change.times, change.how) for change in files(calls, "/w").changed]


def used(*calls: ToolCall) -> list[str]:
    return [name.name for name in files(calls, "/w").used]


def test_files_changed_are_counted_newest_first_and_failed_edits_are_not_among_them() -> None:
    found = changed(edit("/w/a"), edit("/w/b", tool="Write"), edit("/w/a"), edit("/w/c", "no match"))
    assert found == [("a", 2, "edited"), ("b", 1, "new")]


def test_a_file_that_was_there_is_written_and_not_new() -> None:
    assert changed(edit("/w/a", tool="Read"), edit("/w/a", tool="Write")) == [("a", 1, "written")]


def test_a_path_outside_the_folder_stays_whole() -> None:
    assert changed(edit("/elsewhere/a")) == [("/elsewhere/a", 1, "edited")]


def test_files_that_were_read_or_named_are_used_and_not_changed() -> None:
    found = used(edit("/w/a.py", tool="Read"), bash("cat b.py"), edit("/w/c.py"), edit("/w/d.py", "gone", tool="Read"))
    assert found == ["b.py", "a.py"]


def test_a_path_in_a_command_is_the_file_it_names_from_another_folder() -> None:
    assert used(edit("/w/src/a.py", tool="Read"), bash("cd src && python a.py")) == ["src/a.py"]


def test_what_is_used_often_and_lately_stands_first() -> None:
    old = [edit("/w/old.py", tool="Read")] * 3
    assert used(*old, *some_calls(200), edit("/w/new.py", tool="Read")) == ["new.py", "old.py"]
    assert used(*(old * 20), *some_calls(20), edit("/w/new.py", tool="Read")) == ["old.py", "new.py"]


def test_what_a_subagent_used_counts_less() -> None:
    theirs = bash("cat theirs.py")
    theirs = ToolCall(**{**{name: getattr(theirs, name) for name in theirs.__slots__}, "by_subagent": True})
    assert used(edit("/w/ours.py", tool="Read"), theirs) == ["ours.py", "theirs.py"]


def test_a_file_that_was_removed_or_moved_says_so() -> None:
    assert changed(edit("/w/a.py", tool="Write"), bash("git rm -f a.py")) == [("a.py", 1, "deleted")]
    assert changed(edit("/w/a.py"), bash("mv a.py src/b.py")) == [("a.py", 1, "moved to src/b.py")]
    assert changed(edit("/w/d/a.py"), bash("rm -rf d")) == [("d/a.py", 1, "deleted")]
    assert changed(edit("/w/a.py"), bash("rm a.py", "no permission")) == [("a.py", 1, "edited")]
    assert changed(edit("/w/a.py"), bash("rm a.py"), edit("/w/a.py", tool="Write")) == [("a.py", 2, "written")]
    assert used(edit("/w/a.py", tool="Read"), bash("rm /w/a.py")) == []


def test_the_last_edit_of_a_file_is_told_by_the_first_line_it_brought() -> None:
    (change,) = files(
        [edit("/w/a.py", old_string="def f():\n    x", new_string="def f():\n    return 2")], "/w"
    ).changed
    assert change.last == "return 2"
