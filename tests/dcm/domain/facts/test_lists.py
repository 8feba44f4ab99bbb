"""The agent's own list, and what the user settled in dialogs."""

from finished import call

from dcm.domain.facts.lists import decisions, todo_list


def test_answers_and_approved_plans_are_decisions() -> None:
    asked = call("AskUserQuestion", {"questions": []}, got={"answers": {"Which cache?": "none"}})
    refused = call("ExitPlanMode", {"plan": "rewrite all"}, "The user doesn't want to proceed")
    approved = call("ExitPlanMode", {"plan": "measure first"})
    found = [decision.text for decision in decisions([asked, refused, approved])]
    assert found == ["Approved plan: measure first", "Which cache? → none"]


def test_a_later_answer_and_a_later_plan_replace_the_earlier_ones() -> None:
    found = decisions([
        call("AskUserQuestion", got={"answers": {"Which cache?": "redis", "Which port?": "80"}}),
        call("ExitPlanMode", {"plan": "rewrite all"}),
        call("AskUserQuestion", got={"answers": {"Which cache?": "none"}}),
        call("ExitPlanMode", {"plan": "measure first"}),
    ])  # fmt: skip
    assert [decision.text for decision in found] == [
        "Approved plan: measure first", "Which cache? → none", "Which port? → 80",
    ]  # fmt: skip


def test_of_an_earlier_plan_with_another_title_what_it_settled_holds_without_its_steps() -> None:
    found = decisions([
        call("ExitPlanMode", {"plan": "# Prices\n\nPrices are integers.\n\n1. measure\n- then fix"}),
        call("ExitPlanMode", {"plan": "# Cache\nRedis it is."}),
        call("ExitPlanMode", {"plan": "# cache\nNo cache.\n1. remove it"}),
    ])  # fmt: skip
    assert [decision.text for decision in found] == [
        "Approved plan: # cache No cache. 1. remove it", "Approved earlier: Prices are integers.",
    ]  # fmt: skip


def test_the_agents_own_list_is_as_it_last_wrote_it() -> None:
    old = call("TodoWrite", {"todos": [{"content": "old", "status": "pending"}]})
    new = call("TodoWrite", {"todos": [{"content": "measure", "status": "completed"}, {"content": "fix"}, "garbage"]})
    theirs = call("TodoWrite", {"todos": [{"content": "of a subagent"}]}, by_subagent=True)
    listed = todo_list([old, new, theirs])
    assert [(task.description, task.status) for task in listed] == [("measure", "completed"), ("fix", "pending")]


def test_a_list_written_as_json_is_read_and_what_is_none_changes_nothing() -> None:
    written = '[{"content": "a", "status": "cancelled"}, {"content": "b", "status": null}, {"content": "c"}]'
    for garbage in ("no json", None, 5):
        listed = todo_list([call("TodoWrite", {"todos": written}), call("TodoWrite", {"todos": garbage})])
        assert [(task.description, task.status) for task in listed] == [("b", "pending"), ("c", "pending")]


def test_a_created_task_has_the_number_its_answer_gives() -> None:
    listed = todo_list([
        call("TaskCreate", {"subject": "measure"}, got={"task": {"id": "7", "subject": "measure"}}),
        call("TaskUpdate", {"taskId": "7", "status": "completed"}),
    ])  # fmt: skip
    assert [(task.id, task.status) for task in listed] == [("7", "completed")]


def test_tasks_are_created_updated_and_deleted_by_their_number() -> None:
    listed = todo_list([
        call("TaskCreate", {"subject": "measure"}),
        call("TaskCreate", {"subject": "fix"}),
        call("TaskUpdate", {"taskId": "1", "status": "completed"}),
        call("TaskUpdate", {"taskId": "2", "status": "deleted"}),
        call("TaskCreate", {"subject": "tell"}),
        call("TaskUpdate", {"taskId": "3", "subject": "tell everyone"}),
        call("TaskUpdate", {"taskId": "99", "status": "completed"}),
    ])  # fmt: skip
    assert [(task.id, task.description, task.status) for task in listed] == [
        ("1", "measure", "completed"),
        ("3", "tell everyone", "pending"),
    ]
