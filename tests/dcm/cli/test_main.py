"""`dcm` itself: usage, version, help, completion, and what is said of a mistake."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from command import execute, run
from recorder import Recorder, Said

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
        ("stuff", "dcm: There is no command 'stuff': see `dcm help`.\n"),
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
        (("help", "strat"), "did you mean `dcm start`?"),
        (("search", "\udcff\udcfe"), "b'\\xff\\xfe' is not UTF-8"),
        (("search", "x" * 70_000), "too long for the address of a request"),
        (("migrate",), "`dcm start` brings it to this version's schema too"),
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


@pytest.mark.parametrize("name", sorted(set(COMMANDS) - {"version"}))
def test_help_of_a_command_ends_in_examples_to_paste(name: str, home: Path) -> None:
    assert f"    dcm {name}" in run(home, name, "--help").output.split("Example")[1]


def test_help_of_a_command_by_its_name(home: Path) -> None:
    said = execute(home, "help", "start")
    assert (said.returncode, said.stdout) == (0, execute(home, "start", "--help").stdout)
    assert execute(home, "import").stdout == execute(home, "import", "--help").stdout


def test_an_error_is_an_object_too_where_a_script_reads(home: Path) -> None:
    said = execute(home, "health", "--json", "--url", "nowhere")
    assert (said.returncode, said.stderr.count("\n")) == (1, 1)
    assert said.stderr == f"dcm: {json.loads(said.stdout)['error']}\n"
    assert json.loads(execute(home, "version", "--json").stdout) == {"version": __version__}


def test_what_the_api_finds_wrong_is_said_with_its_field(recorder: Recorder, home: Path) -> None:
    body = {"error": "Validation failed", "details": {"q": ["give at least one character"], "limit": ["no", "nor"]}}
    recorder.answer(Said(400, body))
    said = execute(home, "search", "x", "--json", "--url", recorder.url)
    assert said.stderr == "dcm: Validation failed: q: give at least one character; limit: no, nor\n"
    assert json.loads(said.stdout) == body


def test_an_address_the_server_finds_too_long_is_said(recorder: Recorder, home: Path) -> None:
    recorder.answer(Said(414, b"Request Line is too large", type="text/plain"))
    assert "too long for the address" in execute(home, "search", "x", "--url", recorder.url).stderr


@pytest.mark.parametrize("arguments", [("help",), ("status",), ("doctor",)])
def test_output_that_cannot_be_written_is_said(arguments: tuple[str, ...], home: Path) -> None:
    with Path("/dev/full").open("w", encoding="utf-8") as full:
        argv = [sys.executable, "-m", "dcm", *arguments]
        environ = {**os.environ, "HOME": str(home), "DCM_HOME": str(home)}
        said = subprocess.run(argv, stdout=full, stderr=subprocess.PIPE, text=True, check=False, env=environ)
    assert said.returncode == 1
    assert said.stderr == "dcm: what is to be printed cannot be written: no space left on device.\n"


def test_a_command_in_a_sentence_can_be_run_where_dcm_is_not_on_the_path(home: Path) -> None:
    said = execute(home, "strat", PATH="/usr/bin:/bin")
    named = re.search(r"`(.*) start`", said.stderr)
    assert named
    assert Path(named[1]).resolve() == Path(sys.executable).with_name("dcm").resolve()


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_a_script_that_asks_dcm(shell: str, home: Path) -> None:
    said = execute(home, "completion", shell)
    assert said.returncode == 0
    assert f"_DCM_COMPLETE={shell}_complete" in said.stdout


@pytest.mark.parametrize(
    ("words", "line", "offered"),
    [
        ("dcm db : s", "dcm db:s", ["setup"]),
        ("dcm db :", "dcm db:", ["setup", "reset"]),
        ("dcm db : reset --y", "dcm db:reset --y", ["--yes"]),
        ("dcm sta", "dcm sta", ["start", "status"]),
    ],
)
def test_completion_of_bash_knows_commands_with_a_colon(words: str, line: str, offered: list[str], home: Path) -> None:
    script = execute(home, "completion", "bash").stdout
    number = len(words.split()) - 1
    asked = (
        f"{script}\nCOMP_WORDBREAKS=$' \\t\\n\"><=;|&(:'; COMP_WORDS=({words}); COMP_CWORD={number};"
        f"COMP_LINE='{line}'; COMP_POINT={len(line)}; COMPREPLY=()\n"
        f"_dcm_completion_with_colons dcm; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    )
    environ = {**os.environ, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    told = subprocess.run(["bash", "-c", asked], capture_output=True, text=True, check=False, env=environ)
    assert told.stdout.split() == offered, told.stderr


def test_completion_of_bash_is_a_script_that_names_the_commands(home: Path) -> None:
    script = execute(home, "completion", "bash").stdout
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    asked = execute(home, _DCM_COMPLETE="bash_complete", COMP_WORDS="dcm sta", COMP_CWORD="1")
    assert asked.stdout.split() == ["plain,start", "plain,status"]
