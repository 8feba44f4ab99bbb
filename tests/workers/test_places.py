"""Which project a folder belongs to, with real repositories."""

import shutil
import subprocess
from pathlib import Path

import pytest

from workers import places
from workers.places import Place, place_of


@pytest.fixture(autouse=True)
def nothing_remembered() -> None:
    places._known.clear()


def git(folder: Path, *arguments: str) -> None:
    """Run git as nobody in particular, whatever the person's own settings are."""
    named = ["-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "protocol.file.allow=always"]
    subprocess.run(["git", *named, *arguments], cwd=folder, check=True, capture_output=True)


def repository(folder: Path) -> Path:
    """A repository with one commit."""
    folder.mkdir(parents=True)
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_a_subfolder_belongs_to_the_repository_it_lies_in_even_when_it_is_gone(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    (shop / "src" / "deep").mkdir(parents=True)
    for folder in (shop, shop / "src" / "deep", shop / "gone" / "deeper"):
        assert place_of(str(folder)) == Place(str(shop), str(shop))
    assert place_of(str(shop)).name == "shop"


def test_a_worktree_belongs_to_the_repository_it_is_of_wherever_it_lies(tmp_path: Path) -> None:
    shop = repository(tmp_path / "shop")
    for tree in (tmp_path / "elsewhere" / "tree", shop / ".claude" / "worktrees" / "inner"):
        git(shop, "worktree", "add", "-q", str(tree))
        (tree / "src").mkdir()
        assert place_of(str(tree)) == Place(str(shop), str(tree))
        assert place_of(str(tree / "src")) == Place(str(shop), str(tree))


def test_a_submodule_is_a_project_of_its_own(tmp_path: Path) -> None:
    library, shop = repository(tmp_path / "library"), repository(tmp_path / "shop")
    git(shop, "submodule", "--quiet", "add", str(library), "vendor/library")
    inner = str(shop / "vendor" / "library")
    assert place_of(inner) == Place(inner, inner)
    assert place_of(str(shop / "vendor")) == Place(str(shop), str(shop))


def test_the_worktrees_of_a_bare_repository_belong_to_it(tmp_path: Path) -> None:
    shop, bare = repository(tmp_path / "shop"), tmp_path / "shop.git"
    git(tmp_path, "clone", "-q", "--bare", str(shop), str(bare))
    for tree in (tmp_path / "one", tmp_path / "two"):
        git(bare, "worktree", "add", "-q", str(tree))
        assert place_of(str(tree)) == Place(str(bare), str(tree))
    assert place_of(str(bare)) == Place(str(bare), str(bare))


def test_a_repository_whose_git_folder_lies_elsewhere_is_where_its_files_are(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    git(tmp_path, "init", "-q", "--separate-git-dir", str(tmp_path / "hidden.git"), str(tree))
    assert place_of(str(tree)) == Place(str(tree), str(tree))


def test_a_folder_outside_git_and_one_of_another_machine_are_projects_of_their_own(tmp_path: Path) -> None:
    for folder in (str(tmp_path), "/another/machines/folder", "C:\\Users\\me\\shop", "/", "x" * 5000, "/a\x00b"):
        assert place_of(folder) == Place(folder, folder)
        assert place_of(folder).name


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x00" * 64, b"gitdir: /nowhere\xff", b"gitdir: loop"])
def test_a_git_file_that_cannot_be_understood_harms_nobody(tmp_path: Path, content: bytes) -> None:
    (tmp_path / ".git").write_bytes(content)
    (tmp_path / "loop").symlink_to("loop")
    assert place_of(str(tmp_path)) == Place(str(tmp_path), str(tmp_path))


def test_a_common_folder_that_cannot_be_understood_harms_nobody(tmp_path: Path) -> None:
    shop, tree = repository(tmp_path / "shop"), tmp_path / "tree"
    git(shop, "worktree", "add", "-q", str(tree))
    (shop / ".git" / "worktrees" / "tree" / "commondir").write_bytes(b"\xff\xfe\x00")
    assert place_of(str(tree)) == Place(str(tree), str(tree))


def test_a_place_is_believed_for_a_minute_and_looked_at_again_after(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = repository(tmp_path / "shop")
    (shop / "src").mkdir()
    assert place_of(str(shop / "src")).project == str(shop)
    shutil.rmtree(shop / ".git")
    assert place_of(str(shop / "src")).project == str(shop)
    monkeypatch.setattr(places, "REMEMBERED_S", 0.0)
    assert place_of(str(shop / "src")).project == str(shop / "src")


def test_a_git_file_of_any_size_is_read_in_its_beginning_alone(tmp_path: Path) -> None:
    with (tmp_path / ".git").open("wb") as file:
        file.truncate(50 * 1024**3)
    assert place_of(str(tmp_path)).worktree == str(tmp_path)
