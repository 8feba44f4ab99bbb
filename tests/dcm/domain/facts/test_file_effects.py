"""What commands of a session do to its files."""

import pytest
from finished import bash, edit

from dcm.domain.facts.calls import ToolCall
from dcm.domain.facts.files import files


def how(*calls: ToolCall) -> dict[str, str]:
    return {change.path: change.how for change in files(calls, "/w").changed}


def dirty(*calls: ToolCall) -> list[str]:
    return sorted(change.path for change in files(calls, "/w").changed if not change.committed)


def used(*calls: ToolCall) -> list[str]:
    return [name.name for name in files(calls, "/w").used]


@pytest.mark.parametrize(
    "command",
    [
        "docker compose run --rm api pytest tests/test_a.py",
        "docker run --rm -v $PWD:/w img make -C src",
        "git commit -m 'Please rm src/core.py later'",
        "git commit -m 'rm img.py and mv src/core.py src/x.py'",
        "git commit -m 'First; rm src/core.py && mv tests/test_a.py x.py'",
        "cat > cleanup.sh <<'EOF'\nrm -rf src\nEOF",
        "cd /tmp && rm -rf src",
        'cd "$DIR" && rm -rf src',
        "(cd /tmp); cd /tmp; rm -rf src",
        "echo rm src/core.py",
        "ssh host rm -rf src",
        'grep -rn "rm src" .',
        "grep '>' src/core.py",
        "git rm -r --cached src",
        "git rm -n src/core.py",
        "make clean || rm -rf src",
        "if make; then rm -rf src; fi",
        "rm -rf src 'unclosed",
        "rm -rf $DIR/src /src ~/src",
        "ls # then rm -rf src",
        "sort < src/core.py 2> /dev/null > /dev/null",
        "cp -r src /tmp/src",
        "find src -name core.py",
        "rm other.py core.py",
        "sed -n 's/-i/x/p' src/core.py",
        "git stash list; git checkout -b src; git reset --soft HEAD~1; git clean -nd",
    ],
)
def test_what_only_speaks_of_removing_removes_nothing(command: str) -> None:
    found = how(edit("/w/src/core.py"), edit("/w/tests/test_a.py"), bash(command))
    assert (found["src/core.py"], found["tests/test_a.py"]) == ("edited", "edited")
    assert set(found) <= {"src/core.py", "tests/test_a.py", "cleanup.sh"}


def test_a_command_that_failed_removes_nothing() -> None:
    assert how(edit("/w/a.py"), bash("rm a.py && false", "Exit code 1")) == {"a.py": "edited"}


@pytest.mark.parametrize(
    ("path", "command"),
    [
        ("src/e.py", "cd src && rm e.py"),
        ("src/e.py", "cd /w/src; rm -f -- e.py"),
        ("src/e.py", "(cd src && sudo /bin/rm e.py)"),
        ("src/f.py", 'rm "src/f.py"'),
        ("src/my file.py", "rm 'src/my file.py'"),
        ("tmp/a.log", "rm tmp/*.log"),
        ("a/h.py", "find . -name h.py -delete"),
        ("a/h.py", "find /w/a -type f -name 'h*' -delete"),
        ("a/h.py", "git -C a rm h.py"),
        ("a/h.py", "rm -rf a/; make || true"),
        ("app/[id]/page.tsx", "rm 'app/[id]/page.tsx'"),
        ("a.py", "rm a.py && git rm a.py"),
    ],
)
def test_what_was_removed_is_deleted(path: str, command: str) -> None:
    assert how(edit(f"/w/{path}"), bash(command)) == {path: "deleted"}


def test_a_pattern_takes_only_what_matches_it_in_its_folder() -> None:
    found = how(edit("/w/tmp/a.log"), edit("/w/tmp/b/c.log"), edit("/w/tmp/d.py"), bash("rm tmp/*.log"))
    assert found == {"tmp/a.log": "deleted", "tmp/b/c.log": "edited", "tmp/d.py": "edited"}


def test_a_pattern_takes_folders_whole_and_leaves_hidden_files() -> None:
    found = how(edit("/w/src/a/b.py"), edit("/w/.env"), edit("/w/c.py"), bash("rm -rf *"))
    assert found == {"src/a/b.py": "deleted", ".env": "edited", "c.py": "deleted"}


@pytest.mark.parametrize(
    ("path", "command", "new"),
    [
        ("src/d.py", "mv src/d.py src/new/", "src/new/d.py"),
        ("src/d.py", "mkdir -p src/new && mv src/d.py src/new", "src/new/d.py"),
        ("src/d.py", "cd src && mv d.py ..", "d.py"),
        ("src/d.py", "mv src/*.py lib", "lib/d.py"),
        ("src/a/d.py", "mv src/* lib", "lib/a/d.py"),
        ("src/d.py", "mv src/d.py src/e.py lib", "lib/d.py"),
        ("old/a/b.py", "git mv old new", "new/a/b.py"),
        ("old/a/b.py", "git mv old/ new/", "new/a/b.py"),
        ("a.py", "mv a.py b.py && mv b.py c.py", "c.py"),
    ],
)
def test_what_was_moved_is_told_with_where_it_is(path: str, command: str, new: str) -> None:
    assert how(edit(f"/w/{path}"), bash(command)) == {path: f"moved to {new}"}


def test_a_move_into_a_folder_that_has_files_keeps_the_name() -> None:
    assert how(edit("/w/a.py"), edit("/w/lib/b.py"), bash("mv a.py lib"))["a.py"] == "moved to lib/a.py"


def test_a_move_is_followed_by_what_happens_to_the_file_later() -> None:
    moved = [edit("/w/a.py"), bash("mv a.py b.py")]
    assert how(*moved, bash("rm b.py")) == {"a.py": "deleted"}
    assert how(*moved, bash("mv b.py a.py")) == {"a.py": "edited"}
    assert how(*moved, edit("/w/b.py")) == {"a.py": "moved to b.py", "b.py": "edited"}
    assert how(*moved, edit("/w/b.py"), bash("rm b.py")) == {"a.py": "deleted", "b.py": "deleted"}


def test_a_file_that_is_seen_again_is_there() -> None:
    removed = [edit("/w/a.py"), bash("rm a.py")]
    assert how(*removed, bash("cat > a.py <<'EOF'\nx\nEOF")) == {"a.py": "written"}
    assert how(*removed, bash("mv b.py a.py")) == {"a.py": "edited"}
    assert how(*removed, edit("/w/a.py", tool="Read")) == {"a.py": "edited"}
    assert how(*removed, edit("/w/a.py", tool="Write")) == {"a.py": "written"}


def test_what_git_moves_and_removes_is_told_though_it_was_not_used_before() -> None:
    assert how(bash("git mv a.py b.py && git rm c.py '*.pyc' && rm d.py")) == {
        "a.py": "moved to b.py", "c.py": "deleted",
    }  # fmt: skip


def test_what_was_removed_is_not_among_the_files_used() -> None:
    assert used(bash("cat a.py src/e.py"), bash("rm a.py; cd src && rm e.py")) == []
    assert used(bash("rm a.py"), bash("cat a.py")) == ["a.py"]
    assert used(bash("rm a.py"), bash("rm b.py")) == []


def test_a_file_a_command_names_is_looked_for_where_the_command_runs() -> None:
    assert used(edit("/w/a.py", tool="Read"), edit("/w/web/a.py", tool="Read"), *[bash("cd web && wc a.py")] * 3) == [
        "web/a.py",
        "a.py",
    ]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("cat > src/a.py <<'EOF'\nx\nEOF", {"src/a.py": "written"}),
        ("cd src && cat <<'EOF' > a.py\nx\nEOF", {"src/a.py": "written"}),
        ("echo x >> 'a b.md'", {"a b.md": "edited"}),
        ("make | tee notes.md | tail", {"notes.md": "written"}),
        ("make | tee -a notes.md", {"notes.md": "edited"}),
        ("sed -i 's/a/b/' a.py", {"a.py": "edited"}),
        ("sed -i '' 's/a/b/' a.py", {"a.py": "edited"}),
        ("sed -E -i.bak -e 's/a/b/' -e 's/c/d/' a.py b.py", {"a.py": "edited", "b.py": "edited"}),
        ("cp a.example a.toml", {"a.toml": "written"}),
        ("cp a.example conf/", {"conf/a.example": "written"}),
        ("sed 's/a/b/' a.py", {}),
        ("sed -i s/a/b/ *.py", {}),
        ("make > make.log 2>&1; make | tee /tmp/x; make > /dev/null; make 2> err.txt; cat < a.py", {}),
        ('cat > "$OUT" <<EOF\nEOF', {}),
        ("cp a.py /tmp/a.py && cp -r src lib && cp -n a.py b.py", {}),
    ],
)
def test_what_a_command_wrote_is_changed(command: str, found: dict[str, str]) -> None:
    assert how(bash(command)) == found


COMMIT = bash("git add -A && git commit -m x", output="[main 1a2b3c4] x")
A_COMMITTED = [edit("/w/a.py"), COMMIT]


@pytest.mark.parametrize(
    "command",
    [
        "git restore a.py",
        "git restore .",
        "git checkout -- a.py",
        "git checkout a.py",
        "git checkout -q HEAD -- .",
        "git stash",
        "git stash push -m later -- a.py",
        "git stash && git stash drop",
        "git reset --hard",
    ],
)
def test_what_git_undid_is_not_changed_any_more(command: str) -> None:
    assert how(edit("/w/a.py"), bash(command)) == {}
    assert dirty(*A_COMMITTED, edit("/w/a.py"), bash(command)) == []
    assert how(*A_COMMITTED, edit("/w/a.py"), bash(command)) == {"a.py": "edited"}
    assert how(*A_COMMITTED, bash("rm a.py"), bash(command)) == {"a.py": "edited"}


@pytest.mark.parametrize(
    "command",
    ["git restore b.py", "git restore --staged a.py", "git restore -s HEAD~3 a.py", "git checkout main -- a.py",
     "git checkout a", "git stash -p", "git stash && git stash pop", "git -C /other reset --hard", "git reset HEAD",
     "git clean -fd", "git stash push -- b.py"],
)  # fmt: skip
def test_what_git_did_not_undo_is_still_changed(command: str) -> None:
    assert dirty(edit("/w/a.py"), bash(command)) == ["a.py"]


def test_a_stash_that_comes_back_leaves_what_was_done_since() -> None:
    calls = [edit("/w/a.py"), bash("git stash"), edit("/w/b.py"), bash("git stash pop")]
    assert dirty(*calls) == ["a.py", "b.py"]


def test_new_files_stay_until_they_are_cleaned_away() -> None:
    new = edit("/w/new.py", tool="Write")
    assert how(new, bash("git stash && git reset --hard && git restore .")) == {"new.py": "new"}
    assert how(new, bash("git clean -fd")) == {"new.py": "deleted"}
    assert how(new, bash("git clean -fd build")) == {"new.py": "new"}
    assert how(new, bash("git add new.py && git clean -fd")) == {"new.py": "new"}
    assert how(new, bash("git add new.py && git reset --hard")) == {"new.py": "deleted"}
    assert how(new, bash("git stash -u")) == {}
    assert how(new, bash("git stash -u && git stash pop")) == {"new.py": "new"}


def test_a_commit_of_all_leaves_new_files_and_those_outside() -> None:
    calls = [edit("/w/a.py"), edit("/w/new.py", tool="Write"), edit("/home/x.py"), edit("/w/b.py"), bash("rm b.py")]
    assert dirty(*calls, bash("git commit -am x", output="[main 1a2b3c4] x")) == ["/home/x.py", "new.py"]
    assert dirty(*calls, COMMIT) == ["/home/x.py"]
    assert dirty(*calls, bash("git add -u && git commit -m x", output="[main 1a2b3c4] x")) == ["/home/x.py", "new.py"]


@pytest.mark.parametrize(
    ("command", "left"),
    [
        ("git commit -m x", ["a.py", "b.py"]),
        ("git add a.py && git commit -m b.py", ["b.py"]),
        ("git commit -m x a.py", ["b.py"]),
        ("git add -A && git reset b.py && git commit -m x", ["b.py"]),
        ("git add -p . && git commit -m x", ["a.py", "b.py"]),
        ("cd /other && git add -A && git commit -m x", ["a.py", "b.py"]),
        ("git diff --quiet || git commit -am x", []),
    ],
)
def test_only_what_was_staged_is_committed(command: str, left: list[str]) -> None:
    assert dirty(edit("/w/a.py"), edit("/w/b.py"), bash(command, output="[main 1a2b3c4] x")) == left


def test_what_was_edited_after_it_was_staged_is_not_committed() -> None:
    calls = [edit("/w/a.py"), bash("git add a.py"), edit("/w/a.py")]
    assert dirty(*calls, bash("git commit -m x", output="[main 1a2b3c4] x")) == ["a.py"]


def test_a_commit_counts_though_what_came_after_it_failed() -> None:
    push = bash("git commit -am x && git push && rm a.py", "Exit code 1\n[main 1a2b3c4] x\nfatal: no upstream")
    assert dirty(edit("/w/a.py"), push) == []
    assert how(edit("/w/a.py"), push) == {"a.py": "edited"}
