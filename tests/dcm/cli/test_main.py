"""`dcm` itself: usage, version, help, completion, and what is said of a mistake."""

import subprocess
from pathlib import Path

import pytest
from command import execute, run

from dcm import __version__
from dcm.cli.main import COMMANDS


@pytest.mark.contract("dcm help")
@pytest.mark.parametrize("arguments", [(), ("help",), ("--help",), ("-h",)])
def test_dcm_alone_and_help_print_the_usage(arguments: tuple[str, ...], home: Path) -> None:
    said = execute(home, *arguments)
    assert said.returncode == 0, said.stderr
    assert said.stdout.startswith("Usage: dcm [OPTIONS]")
    assert all(f"\n  {name} " in said.stdout for name in COMMANDS)


@pytest.mark.contract("dcm version")
@pytest.mark.parametrize("arguments", [("version",), ("-v",), ("--version",)])
def test_version_prints_the_version(arguments: tuple[str, ...], home: Path) -> None:
    said = execute(home, *arguments)
    assert (said.returncode, said.stdout) == (0, f"dcm, version {__version__}\n")


@pytest.mark.contract("dcm an unknown command")
@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("strat", "dcm: There is no command 'strat': did you mean `dcm start`?\n"),
        ("db:rest", "dcm: There is no command 'db:rest': did you mean `dcm db:reset`?\n"),
        ("xyzzy", "dcm: There is no command 'xyzzy': see `dcm help`.\n"),
    ],
)
def test_an_unknown_command_is_said_with_the_nearest_one(name: str, sentence: str, home: Path) -> None:
    said = execute(home, name)
    assert (said.returncode, said.stdout, said.stderr) == (1, "", sentence)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("logs", "kitchen"), "'kitchen' is not one of"),
        (("start", "--faster"), "No such option '--faster'"),
        (("search",), "Missing argument 'QUERY'"),
        (("health", "--url", "nowhere"), "'nowhere' is not the URL of a server"),
        (("health", "--url", "http://127.0.0.1:1"), "DCM does not answer at http://127.0.0.1:1: start it with"),
        (("import", "transcripts", "/no/such/folder"), "'/no/such/folder' does not exist"),
    ],
)
def test_a_mistake_is_one_sentence_and_exit_1(arguments: tuple[str, ...], sentence: str, home: Path) -> None:
    said = execute(home, *arguments)
    assert said.returncode == 1
    assert said.stderr.startswith("dcm: ")
    assert said.stderr.count("\n") == 1
    assert sentence in said.stderr


def test_a_setting_that_cannot_be_used_is_one_sentence(home: Path) -> None:
    said = execute(home, "status", PORT="many")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert "PORT is 'many'" in said.stderr


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"migrate", "version", "help", "import"}))
def test_help_of_a_command_ends_in_examples_to_paste(name: str, home: Path) -> None:
    assert f"    dcm {name}" in run(home, name, "--help").output.split("Example")[1]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_dcm(shell: str, home: Path) -> None:
    said = execute(home, "completion", shell)
    assert said.returncode == 0
    assert f"_DCM_COMPLETE={shell}_complete" in said.stdout


def test_completion_of_bash_is_a_script_that_names_the_commands(home: Path) -> None:
    script = execute(home, "completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    asked = execute(home, _DCM_COMPLETE="bash_complete", COMP_WORDS="dcm sta", COMP_CWORD="1")
    assert asked.stdout.split() == ["plain,start", "plain,status"]
