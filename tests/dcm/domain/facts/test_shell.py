"""What a shell command is."""

import pytest

from dcm.domain.facts.shell import files_in, heads, is_check, is_masked, only_looks, program_words


@pytest.mark.parametrize(
    ("command", "words"),
    [("pytest -q tests", ["pytest", "tests"]), ("cd /a && B=1 npm test > out", ["npm", "test"]), ("", []),
     ("cd a; make -j4 all && ls", ["make", "all"]), ("  ls   -la  ", ["ls"]), ("do make $f", ["make", "$f"]),
     ("timeout 9 .venv/bin/python3 -m pytest -q", ["pytest"]), ("./x.py a", ["python", "x.py", "a"]),
     ("(npm test)", ["npm", "test"]), ("uv pip install x", ["pip", "install", "x"])],
)  # fmt: skip
def test_the_words_of_a_command_are_without_options_and_surroundings(command: str, words: list[str]) -> None:
    assert program_words(command) == words


@pytest.mark.parametrize(
    ("command", "found"),
    [("git add -A && git commit -m 'x'", ["git add", "git commit"]), ("FOO=1 npm run test | tail -3", ["npm run"]),
     ("cd web; ls -la | wc -l", []), ("python3 - <<'EOF'\nimport a; b | c\nEOF\nnpm ci", ["python3 <<'EOF'", "npm ci"]),
     ("for f in *; do make $f; done", []), ("pytest", ["pytest"]), ("kill %1", ["kill"]),
     ("./deploy.sh [redacted:token]", ["./deploy.sh"]),
     ("npm run test:unit", ["npm run"])],
)  # fmt: skip
def test_the_heads_of_a_command_are_its_programs_with_their_first_word(command: str, found: list[str]) -> None:
    assert list(heads(command)) == found


@pytest.mark.parametrize(
    ("command", "found"),
    [("cat src/a.py ../b/c.ts", ["src/a.py", "../b/c.ts"]), ("sed -i s/x/y/ /w/web.config.js", ["/w/web.config.js"]),
     ("echo $HOME; ls", []), ("cp a.md a.md", ["a.md"])],
)  # fmt: skip
def test_the_files_a_command_names_are_found(command: str, found: list[str]) -> None:
    assert files_in(command) == found


@pytest.mark.parametrize(("command", "masked"), [("pytest | tail", True), ("a; b", True), ("a && b", False),
                                                 ("a", False), ("set -o pipefail; a | b", False),
                                                 ("a || true", True)])  # fmt: skip
def test_an_exit_code_that_is_of_another_program_is_known(command: str, masked: bool) -> None:
    assert is_masked(command) is masked


def test_looking_around_is_told_from_doing() -> None:
    assert only_looks("cd a && ls | grep x")
    assert not only_looks("cd a && make")
    assert is_check("cd web && npm run lint")
    assert not is_check("grep -r test src")
