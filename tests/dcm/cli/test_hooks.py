"""`dcm hooks`, `dcm unhook` and `dcm install` on real files."""

import json
import stat
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from command import run

from dcm.domain.claude_settings import is_ours
from dcm.domain.errors import InvalidInput

THEIRS = {
    "model": "opus",
    "hooks": {
        "Stop": [{"matcher": "", "hooks": [{"type": "command", "command": "say done"}]}],
        "WorktreeCreate": [{"hooks": [{"type": "command", "command": "mine"}]}],
    },
    "unknown": {"z": [1, 2.5, None], "a": "Grüße"},
}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home that does not exist yet; the .env of this clone is not read."""
    monkeypatch.setattr("dcm.cli.up.ROOT", tmp_path)
    return tmp_path / "my home"


def settings_file(home: Path, content: str | None = None) -> Path:
    path = home / ".claude" / "settings.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(THEIRS, indent=4, ensure_ascii=False) if content is None else content, encoding="utf-8")
    return path


def read(path: Path) -> dict[str, Any]:
    settings = json.loads(path.read_text(encoding="utf-8"))
    assert isinstance(settings, dict)
    return settings


def report(result: Result) -> dict[str, Any]:
    assert result.exit_code == 0, result.output
    answer = json.loads(result.output)
    assert isinstance(answer, dict)
    return answer


@pytest.mark.contract("dcm unhook")
def test_hooks_and_back_leaves_the_file_as_it_was(home: Path) -> None:
    path = settings_file(home)
    before = path.read_text(encoding="utf-8")
    assert run(home, "hooks").exit_code == 0
    assert read(path) != THEIRS
    assert run(home, "unhook").exit_code == 0
    assert path.read_text(encoding="utf-8") == f"{before}\n"


@pytest.mark.contract("HOOK the registration in the settings", "dcm hooks")
def test_hooks_are_the_plugins_with_this_server_and_this_launcher(home: Path) -> None:
    told = report(run(home, "hooks", "--json", PORT="4000"))
    hooks = read(home / ".claude" / "settings.json")["hooks"]
    assert told["url"] == "http://127.0.0.1:4000/api/hooks/claude"
    assert list(hooks) == told["events"]
    entries = [entry for groups in hooks.values() for group in groups for entry in group["hooks"]]
    assert len(entries) == 14
    assert all(map(is_ours, entries))
    assert {entry.get("url", told["url"]) for entry in entries} == {told["url"]}
    commands = {entry["command"] for entry in entries if entry["type"] == "command"}
    path = f"'{home}/.dcm/launcher'"
    assert commands == {f"[ -x {path} ] && exec {path} hook {told['url']} || exec cat >/dev/null"}


def test_a_second_time_writes_nothing(home: Path) -> None:
    path = settings_file(home)
    run(home, "hooks")
    files = sorted(path.parent.iterdir())
    assert report(run(home, "hooks", "--json"))["changed"] is False
    assert sorted(path.parent.iterdir()) == files


def test_force_puts_them_in_anew_after_everybody_elses(home: Path) -> None:
    path = settings_file(home)
    run(home, "hooks")
    theirs = {"hooks": [{"type": "command", "command": "say later"}]}
    settings = read(path)
    settings["hooks"]["Stop"].append(theirs)
    path.write_text(json.dumps(settings), encoding="utf-8")
    assert report(run(home, "hooks", "--json"))["changed"] is False
    assert report(run(home, "hooks", "--force", "--json"))["changed"] is True
    stop = read(path)["hooks"]["Stop"]
    assert (stop[1], is_ours(stop[2]["hooks"][0]), len(stop)) == (theirs, True, 3)
    assert report(run(home, "hooks", "--force", "--json"))["changed"] is False


def test_another_address_replaces_the_first(home: Path) -> None:
    path = settings_file(home)
    run(home, "hooks")
    run(home, "hooks", "--url", "http://127.0.0.1:4000")
    assert ":3847" not in path.read_text(encoding="utf-8")
    run(home, "unhook")
    assert read(path) == THEIRS


def test_the_file_as_it_was_is_kept_beside_it_with_its_mode(home: Path) -> None:
    path = settings_file(home)
    path.chmod(0o640)
    before = path.read_bytes()
    backup = Path(report(run(home, "hooks", "--json"))["backup"])
    assert backup.parent == path.parent
    assert backup.read_bytes() == before
    assert [stat.S_IMODE(file.stat().st_mode) for file in (path, backup)] == [0o640, 0o640]
    assert report(run(home, "unhook", "--json"))["backup"] != str(backup)


def test_a_link_is_followed(home: Path, tmp_path: Path) -> None:
    kept = tmp_path / "dotfiles" / "claude.json"
    kept.parent.mkdir()
    kept.write_text("{}", encoding="utf-8")
    link = home / ".claude" / "settings.json"
    link.parent.mkdir(parents=True)
    link.symlink_to(kept)
    run(home, "hooks")
    assert link.is_symlink()
    assert "hooks" in read(kept)


def test_claudes_own_variable_and_an_option_choose_the_file(home: Path, tmp_path: Path) -> None:
    run(home, "hooks", CLAUDE_CONFIG_DIR=str(tmp_path / "config"))
    run(home, "hooks", "--settings", str(tmp_path / "project" / "settings.json"))
    assert "hooks" in read(tmp_path / "config" / "settings.json")
    assert "hooks" in read(tmp_path / "project" / "settings.json")
    assert not home.exists()


def test_unhook_without_a_file_makes_none(home: Path) -> None:
    assert report(run(home, "unhook", "--json")) == {
        "settings": str(home / ".claude" / "settings.json"),
        "changed": False,
        "backup": None,
    }
    assert not home.exists()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "it is not JSON"),
        ('{"a": 1,}', "it is not JSON"),
        ("// a comment\n{}", "it is not JSON"),
        ("[]", "it is not a JSON object"),
        ('{"a": NaN}', "NaN is not JSON"),
        ('{"a": 1e999}', "it holds what JSON cannot say"),
        ('{"a": 1, "a": 2}', "it has the key 'a' twice"),
        ('{"hooks": []}', "hooks is not an object"),
        ('{"hooks": {"Stop": [{"hooks": 1}]}}', '"hooks" of a member of hooks.Stop is not a list'),
    ],
)
@pytest.mark.parametrize("command", ["hooks", "unhook"])
def test_a_broken_file_is_refused_in_one_sentence_and_untouched(
    command: str, content: str, reason: str, home: Path
) -> None:
    path = settings_file(home, content)
    result = run(home, command)
    if command == "unhook" and "1e999" in content:
        assert result.exit_code == 0
    else:
        assert isinstance(result.exception, InvalidInput)
        assert str(result.exception).startswith(f"{path} was left as it is: {reason}")
    assert path.read_text(encoding="utf-8") == content
    assert list(path.parent.iterdir()) == [path]


def test_half_a_character_survives(home: Path) -> None:
    path = settings_file(home, '{"a": "\\ud83d", "b": "ü"}')
    run(home, "hooks")
    run(home, "unhook")
    assert read(path) == {"a": "\ud83d", "b": "ü"}


def test_a_file_that_cannot_be_read_is_one_sentence(home: Path) -> None:
    (home / ".claude" / "settings.json").mkdir(parents=True)
    result = run(home, "hooks")
    assert str(result.exception).endswith("settings.json was left as it is: Is a directory.")


@pytest.mark.contract("dcm install")
def test_the_person_is_told_of_a_missing_launcher_and_install_leaves_one(home: Path) -> None:
    assert "run `dcm install`" in run(home, "hooks").output
    told = report(run(home, "install", "--json"))
    assert told == {"launcher": str(home / ".dcm" / "launcher"), "url": "http://127.0.0.1:3847"}
    assert "run `dcm install`" not in run(home, "hooks").output


def test_a_port_in_the_clones_env_file_counts_as_it_does_for_up(home: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PORT=4001\n", encoding="utf-8")
    assert report(run(home, "install", "--json"))["url"] == "http://127.0.0.1:4001"
    assert report(run(home, "hooks", "--json"))["url"] == "http://127.0.0.1:4001/api/hooks/claude"


@pytest.mark.parametrize("command", ["hooks", "unhook", "install"])
def test_help_ends_in_examples_to_paste(command: str, home: Path) -> None:
    assert f"\n    dcm {command}\n" in run(home, command, "--help").output


def test_unhook_of_a_file_there_is_not_is_refused(home: Path) -> None:
    refused = run(home, "unhook", "--settings", str(home / "nosuch.json")).exception
    assert isinstance(refused, InvalidInput)
    assert str(refused) == f"There is no {home}/nosuch.json: name the file that has the hooks."
