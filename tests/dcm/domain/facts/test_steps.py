"""The programs of a command, taken apart."""

import pytest

from dcm.domain.facts.steps import Step, joined, steps


def words(command: str) -> list[list[str]]:
    return [step.words for step in steps(command)]


@pytest.mark.parametrize(
    ("command", "found"),
    [
        ("rm 'my file.py' \"b c\" d\\ e", [["rm", "my file.py", "b c", "d e"]]),
        ("git commit -m 'a; rm b && c'", [["git", "commit", "-m", "a; rm b && c"]]),
        ("A=1 sudo /bin/rm x | cat; ls\nmake", [["rm", "x"], ["cat"], ["ls"], ["make"]]),
        ("grep '>' a # and rm b's", [["grep", ">", "a"]]),
        ("cat > c.sh <<'EOF'\nrm -rf src\nEOF\nls", [["cat"], ["ls"]]),
        ("git commit -m \"$(cat <<'EOF'\nIt's \"so\"\nEOF\n)\" && ls",
         [["git", "commit", "-m", "$(cat <<'EOF'\n)"], ["ls"]]),
        ("x=$(rm a) ls `rm b`", [["ls", "`rm b`"]]),
        ("git -C web -c a=b --no-pager mv x y", [["git", "mv", "x", "y"]]),
        ("rm \\\n  a", [["rm", "a"]]),
        ("rm a 'unclosed", []),
        ("", []),
    ],
)  # fmt: skip
def test_the_words_of_each_program_are_as_the_shell_has_them(command: str, found: list[list[str]]) -> None:
    assert words(command) == found


@pytest.mark.parametrize(
    ("command", "folders"),
    [
        ("cd src && ls; cd ../b && ls", ["src", "b"]),
        ("(cd src && ls); ls", ["src", ""]),
        ("cd /etc && ls", ["/etc"]),
        ('cd "$HOME" && ls', [None]),
        ("cd && ls", [None]),
        ("cd - && ls", [None]),
        ("cd a && git -C b status", ["a/b"]),
        ("git --git-dir=/x status", [None]),
    ],
)
def test_a_program_runs_where_cd_led(command: str, folders: list[str | None]) -> None:
    assert [step.folder for step in steps(command)] == folders


def test_what_goes_into_a_file_is_told_from_what_is_read() -> None:
    (step,) = steps("sort < a.txt 2> err.txt >> 'b c.txt' 2>&1 > /dev/null")
    assert step == Step(["sort"], "", [(">>", "b c.txt"), (">", "/dev/null")])


@pytest.mark.parametrize(
    ("command", "sure"),
    [
        ("make || rm a", [True, False]),
        ("if make; then rm a; rm b; fi; ls", [False, False, False, True]),
        ("clean() { rm a; rm b; }; ls", [True, False, False, True]),
        ("rm a || true", [True, False]),
    ],
)
def test_what_runs_only_in_some_case_is_not_sure(command: str, sure: list[bool]) -> None:
    assert [step.sure for step in steps(command)] == sure


def test_a_path_that_only_the_shell_knows_is_none() -> None:
    assert [joined("src", path) for path in ("a", "../a", "/a/", "$A/b", "~/b", "{a,b}")] == [
        "src/a", "a", "/a", None, None, None,
    ]  # fmt: skip
    assert joined(None, "a") is None
