import json
from dataclasses import replace
from pathlib import Path

import pytest
from measure.baselines import baselines
from measure.cases import Case, NoCases, cases, load, prompts
from measure.figures import row, same, taken_together
from measure.items import items, pieces
from measure.names import all_names, names_of, newest_first, tool_calls
from measure.noise import Uses, noise
from measure.replay import copy
from measure.scores import by_kind, by_probe, out_of_scope, proved, read, stale, stands, total
from sessions.facts import Boundary, Fact

AT = "2026-03-02T10:00:00.000Z"


def gold(boundary: Boundary) -> str:
    """A text of all that holds."""
    proofs = [fact.proof[0] for fact in boundary.facts if fact.holds]
    proofs += [answer[0] for probe in boundary.probes for answer in probe.gold]
    return "\n".join(f"- {' '.join(proof)}" for proof in proofs)


def known(*facts: Fact) -> Boundary:
    return Boundary(AT, 0, facts, ())


def test_a_text_of_nothing_scores_nothing(case: Case) -> None:
    assert case.planted
    scored = row("nothing", "", case, Uses(case))
    assert (scored.names, scored.total, scored.noise, scored.stale) == (0.0, 0.0, 0.0, [])
    assert not any(hit for hits in scored.probes.values() for hit in hits)


def test_a_text_of_all_gold_scores_all_of_it(case: Case) -> None:
    assert case.planted
    text = gold(case.planted) + "\n" + "\n".join(f"- {name}" for _, name in case.next_names)
    scored = row("gold", text, case, Uses(case))
    assert scored.names == 1.0
    assert scored.total == pytest.approx(1.0)
    assert all(hit for hits in scored.probes.values() for hit in hits)
    assert (scored.noise, scored.stale, scored.out_of_scope) == (0.0, [], [])


def test_the_summary_holds_much_of_the_talk_and_few_commands(case: Case) -> None:
    assert case.planted
    summary = read(case.summary)
    found = by_kind(summary, case.planted)
    assert 0.5 < total(found) < 1.0
    assert sum(map(sum, by_probe(summary, case.planted).values())) > 0
    assert stale(summary, case.planted) == []


@pytest.mark.parametrize(
    ("asked", "names"),
    [
        ({"file_path": "/home/ada/shop/cart.py"}, {("file", "cart.py")}),
        ({"path": "/home/ada/shop"}, set()),
        ({"command": "cd shop && uv run pytest tests/test_cart.py -x | tail -5"},
         {("command", "uv run"), ("file", "test_cart.py")}),
        ({"command": "A=1 npm test -- --run; ls -la"}, {("command", "npm test")}),
        ({"command": "sed -n 1,9p src/a.rs || cargo build --release"}, {("file", "a.rs"), ("command", "cargo build")}),
    ],
)  # fmt: skip
def test_names_are_last_parts_of_paths_and_first_words_of_commands(
    asked: dict[str, str], names: set[tuple[str, str]]
) -> None:
    assert names_of(asked) == names


def test_names_come_newest_first_and_each_once() -> None:
    calls = [("Read", {"file_path": name}) for name in ("/a.py", "/b.py", "/a.py")]
    assert newest_first(calls) == ["a.py", "b.py"]


def test_what_is_asked_for_was_met_before_and_is_used_in_the_next_forty_calls(case: Case) -> None:
    records = load(case.transcript)
    after = list(tool_calls(records[len(case.before) + 1 :]))[:40]
    assert case.next_names == all_names(after) & all_names(tool_calls(case.before))
    assert set(baselines(case, 2000)) == {
        "nothing", "summary, whole", "summary, cut", "last characters", "most recent names",
    }  # fmt: skip


def test_a_fact_is_proved_by_one_item_with_its_headings() -> None:
    text = read("## Files deleted\n- old.py\n\n## Files changed\n- new.py\n  twice\n")
    assert proved(text, (("old.py", "deleted"),))
    assert not proved(text, (("new.py", "deleted"),))
    assert proved(text, (("nowhere",), ("NEW.py  twice",)))


@pytest.mark.parametrize(
    ("text", "is_stale"),
    [
        ("## Errors still open\n- pytest: KeyError: 'a'", True),
        ("## Errors fixed\n- pytest: KeyError: 'a'", False),
        ("- pytest FAILED: KeyError: 'a'", True),
        ("- pytest failed with KeyError: 'a', fixed since", False),
        ("- pytest FAILED: KeyError: 'a', 1 failed, 8 passed", True),
    ],
)
def test_a_solved_error_is_stale_where_it_is_said_to_be_open(text: str, is_stale: bool) -> None:
    fact = Fact("error_open", "pytest fails", (("KeyError: 'a'",),), AT, holds=False)
    assert bool(stale(read(text), known(fact))) is is_stale


@pytest.mark.parametrize(
    ("text", "is_stale"),
    [
        ("## Decisions\n- Where does it live? a file", True),
        ("## Decisions\n- Where does it live? a file\n- cart: Valkey", False),
        ("## Decisions\n- Where does it live? a file (replaced)", False),
        ("## Decisions\n- Where does it live? a file\n\n## Prompts\n- Valkey", True),
    ],
)
def test_a_replaced_decision_is_stale_without_what_replaced_it_beside_it(text: str, is_stale: bool) -> None:
    fact = Fact("decision", "x", (("Where does it live?", "a file"),), AT, holds=False, new=("Valkey",))
    assert bool(stale(read(text), known(fact))) is is_stale


@pytest.mark.parametrize(
    ("text", "is_stale"),
    [
        ("- [pending] write it", True),
        ("- [completed] write it", False),
        ("## To do\n- write it", True),
        ("## Plans\n- 1. look at what is open in the first of all places 2. write it", False),
    ],
)
def test_a_task_that_is_done_is_stale_where_it_is_said_to_be_open(text: str, is_stale: bool) -> None:
    fact = Fact("todo_open", "write it", (("write it",),), AT, holds=False)
    assert bool(stale(read(text), known(fact))) is is_stale


@pytest.mark.parametrize(
    ("text", "is_stale"),
    [
        ("## Files changed\n- cart.py (3 times)", True),
        ("## Files changed\n- cart.py (deleted since)", False),
        ("## Files changed\n- test_cart.py", False),
        ("## What the user asked\n- drop cart.py", False),
    ],
)
def test_a_file_that_is_gone_is_stale_among_the_files(text: str, is_stale: bool) -> None:
    fact = Fact("file_there", "cart.py is there", (("cart.py",),), AT, holds=False)
    assert bool(stale(read(text), known(fact))) is is_stale


@pytest.mark.parametrize(
    ("part", "text", "found"),
    [
        ("cart_rules.py", "src/cart_rules.py", True),
        ("cart_rules.py", "tests/test_cart_rules.py", False),
        ("cart_rules.py", "tests/test_cart_rules.py, cart_rules.py", True),
        ("limit of 90", "the limit of 901", False),
        ("delet", "deleted", True),
    ],
)
def test_a_long_text_is_found_as_whole_words_and_a_sign_anywhere(part: str, text: str, found: bool) -> None:
    assert stands(part, text) is found


def test_words_of_another_session_are_out_of_scope() -> None:
    assert out_of_scope(read("It says: the OTHER  goal."), Boundary(AT, 0, (), (), ("the other goal",)))


def test_a_list_of_names_is_judged_name_by_name() -> None:
    [item] = items("- a.py, src/b.py, `c.py`, d.py\n")
    assert pieces(item) == ["a.py", "src/b.py", "`c.py`", "d.py"]
    [item] = items("- Look, this is a sentence, with commas.")
    assert pieces(item) == ["Look, this is a sentence, with commas."]


def test_a_text_stuffed_with_names_is_noise_and_the_users_words_are_not(case: Case) -> None:
    uses = Uses(case)
    invented = ", ".join(f"file_{number}.py" for number in range(50))
    assert noise(f"## Files\n- {invented}", uses) == 1.0
    assert noise("\n".join(f"- {prompt}" for prompt in prompts(case.before)), uses) < 0.1


def test_headings_and_bullets_count_neither_way(case: Case) -> None:
    [name, *_] = sorted(name for _, name in case.next_names)
    assert noise(f"## A long heading that is of no use to anybody\n\n- {name}\n", Uses(case)) == 0.0


def test_two_briefs_are_the_same_but_for_when_they_were_made() -> None:
    first, second = ("**Generated:** 2026-03-02T10:00:00Z\n- a.py", "**Generated:** 2026-03-02T10:00:07Z\n- a.py")
    assert same(first, second)
    assert not same(first, second + "\n- b.py")


def test_nothing_of_the_future_is_in_the_copy_of_a_session(case: Case, tmp_path: Path) -> None:
    replay = copy(case, tmp_path)
    session_id = replay.session_id
    assert replay.transcript.exists()
    assert Path(replay.cwd).is_dir()
    copied = sorted(tmp_path.rglob("*.jsonl"))
    assert {path.stem for path in copied} >= {session_id}
    assert len([path for path in copied if path.parent.name != "subagents"]) == 3
    times = [record["timestamp"] for path in copied for record in load(path)]
    assert max(times) <= case.at
    assert not any(case.transcript.stem in path.read_text() for path in copied)
    main = next(path for path in copied if path.stem == session_id)
    assert len(load(main)) == len(case.before)


def test_a_record_without_a_time_is_copied_with_the_one_before_it(case: Case, tmp_path: Path) -> None:
    def prompt(text: str, **more: str) -> str:
        return json.dumps({"type": "last-prompt", "lastPrompt": text, **more}) + "\n"

    beside = tmp_path / "beside" / "b.jsonl"
    beside.parent.mkdir()
    beside.write_text(prompt("past") + prompt("later", timestamp="9999-01-01T00:00:00Z") + prompt("future"))
    copy(replace(case, beside=(beside,)), tmp_path / "copies")
    [copied] = (tmp_path / "copies" / "projects" / "beside").glob("*.jsonl")
    assert [record["lastPrompt"] for record in load(copied)] == ["past"]


def test_the_copy_of_a_worktree_belongs_to_the_project(case: Case, tmp_path: Path) -> None:
    copy(case, tmp_path)
    [main, worktree, other] = [tmp_path / "trees" / name for name, _ in case.trees]
    assert (main / ".git").is_dir()
    assert (other / ".git").is_dir()
    assert (worktree / ".git").read_text().startswith(f"gitdir: {main}/.git/worktrees/")


def test_the_figures_of_a_text_are_taken_over_all_cases(case: Case) -> None:
    uses = Uses(case)
    [figures] = taken_together([row("summary", case.summary, case, uses)] * 2)
    assert figures["cases"] == 2
    assert figures["names"] == round(row("summary", case.summary, case, uses).names, 3)


def test_a_folder_without_a_compaction_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "some.jsonl").write_text("{}\nnot json\n")
    with pytest.raises(NoCases, match="--generate"):
        cases([tmp_path])
