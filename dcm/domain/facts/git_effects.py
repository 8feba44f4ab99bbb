"""What git's verbs do to files: on disk, in its index, in its last commit."""

import posixpath
from collections.abc import Callable

from dcm.domain.facts.effects import Doing, has_option, move, plain_words, remove
from dcm.domain.facts.git import commit_options, made_commit
from dcm.domain.facts.steps import until_dashes
from dcm.domain.facts.tree import Use, commit, is_below, is_pattern, restore, stage, undo, unstage


def _commit(doing: Doing, words: list[str]) -> None:
    """Take what is staged, and what the command adds to it, into a commit."""
    if not made_commit(doing.call):
        return
    options, _, named = commit_options(words)
    if options & {"-a", "--all"}:
        _stage_known(_all(doing))
    uses = _all(doing)
    if named:
        uses = _named(doing, named)
        _stage_known(uses)
    for use in uses:
        commit(use)


def _all(doing: Doing) -> list[Use]:
    """The files of the repository a step works in."""
    place = doing.path(".")
    if place is None:
        return []
    root = place if place.startswith(("/", "..")) else "."
    return [use for use in doing.tree.uses.values() if is_below(use.place or use.path, root)]


def _named(doing: Doing, words: list[str]) -> list[Use]:
    """The files that words name, each once."""
    found = {use.path: use for path in doing.paths(words) for use in doing.tree.about(path)}
    return list(found.values())


def _stage_known(uses: list[Use]) -> None:
    for use in uses:
        if use.index:
            stage(use)


def _add(doing: Doing, words: list[str]) -> None:
    if has_option(words, "pien", "--patch", "--interactive", "--dry-run"):
        return
    whole = has_option(words, "A", "--all") or ":/" in words
    only_known = has_option(words, "u", "--update")
    named = [word for word in plain_words(words) if word != ":/"]
    uses = _named(doing, named) if named else _all(doing) if whole or only_known else []
    if only_known:
        _stage_known(uses)
    else:
        for use in uses:
            stage(use)


def _remove(doing: Doing, words: list[str]) -> None:
    if has_option(words, "n", "--dry-run"):
        return
    if has_option(words, "", "--cached"):
        for use in _named(doing, plain_words(words)):
            use.index = None
        return
    _now_known(doing, plain_words(words))
    remove(doing, words, staged=True)


def _move(doing: Doing, words: list[str]) -> None:
    if has_option(words, "nk", "--dry-run"):
        return
    _now_known(doing, plain_words(words)[:-1])
    move(doing, words, staged=True)


def _now_known(doing: Doing, words: list[str]) -> None:
    """Files that git has are worth telling of though the session did not use them before."""
    for path in doing.paths(words):
        if not doing.tree.below(path) and posixpath.splitext(path)[1] and not is_pattern(path):
            doing.tree.use(path)


def _restore(doing: Doing, words: list[str]) -> None:
    if any(word.startswith(("-s", "--source")) for word in words) or has_option(words, "p", "--patch"):
        return
    staged = has_option(words, "S", "--staged")
    for use in _named(doing, plain_words(words)):
        if staged and has_option(words, "W", "--worktree"):
            undo(use, doing.call)
        elif staged:
            unstage(use)
        else:
            restore(use, doing.call)


def _checkout(doing: Doing, words: list[str]) -> None:
    """Only files that are certainly meant: after `--`, or known; a branch may have any other name."""
    before, after = until_dashes(words)
    before = [word for word in before if word not in {"-q", "--quiet", "-f", "--force"}]
    source = before[:1] if after or before[:1] == ["HEAD"] else []
    if any(word.startswith("-") for word in before) or source not in ([], ["HEAD"]):
        return
    named = after or before[len(source) :]
    paths = doing.paths(named)
    for use in _named(doing, named):
        if not (after or "." in named or use.path in paths):
            continue
        if source:
            undo(use, doing.call)
        else:
            restore(use, doing.call)


def _reset(doing: Doing, words: list[str]) -> None:
    if has_option(words, "", "--hard"):
        for use in _all(doing):
            undo(use, doing.call)
    elif all(word in {"--", "--mixed", "--quiet", "-q", "-N"} for word in words if word.startswith("-")):
        named = [word for word in plain_words(words) if word != "HEAD"]
        for use in _named(doing, named) if named else _all(doing):
            unstage(use)


def _stash(doing: Doing, words: list[str]) -> None:
    verb = words[0] if words and not words[0].startswith("-") else "push"
    options = words[1:] if words[:1] == [verb] else words
    if verb in {"pop", "apply", "drop"} and not plain_words(options):
        doing.tree.unstash(apply=verb != "drop", drop=verb != "apply")
    elif verb in {"push", "save"} and not has_option(options, "pkS", "--patch", "--keep-index", "--staged"):
        untracked = has_option(options, "ua", "--include-untracked", "--all")
        _, paths = until_dashes(options)
        doing.tree.stash(_named(doing, paths) if paths else _all(doing), doing.call, untracked=untracked)


def _clean(doing: Doing, words: list[str]) -> None:
    if not (has_option(words, "f", "--force") and has_option(words, "d")) or has_option(words, "nie", "--dry-run"):
        return
    named = plain_words(words)
    for use in _named(doing, named) if named else _all(doing):
        if use.index is None and use.place:
            doing.tree.remove(use.place, doing.call)


EFFECTS: dict[str, Callable[[Doing, list[str]], None]] = {
    "add": _add, "rm": _remove, "mv": _move, "restore": _restore, "checkout": _checkout, "reset": _reset,
    "stash": _stash, "clean": _clean, "commit": _commit,
}  # fmt: skip
"""What a verb of git does with the words after it."""
