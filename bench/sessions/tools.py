"""Tool calls as agents make them, with results in the client's shapes."""

import random
from collections.abc import Sequence

from sessions.outputs import listing, of_command, prose
from sessions.pen import Pen
from sessions.projects import Project, Unit

BY_HAND = (
    "git status --short",
    "git diff --stat",
    "git log --oneline -8",
    "ls -la {folder}",
    "wc -l {source} {test}",
    "sed -n '1,80p' {source}",
    "grep -rn '{area}_' {folder} | head -20",
    "git diff {source} | head -60",
    "curl -s localhost:{port}/health | jq .status",
    "find . -name '*{area}*' -not -path './.git/*' | head",
    "git stash list; git branch --show-current",
    "du -sh {folder} && df -h . | tail -1",
    "rg -n '{role}' {folder} -g '!*.lock'",
    "git log -3 --format='%h %s' -- {source}",
    "cat {settings} | head -40",
    "env | grep -i {area} || true",
    "docker compose ps --format json | jq -r .Name",
    "docker compose logs {area} --tail 50",
    "gh run list --limit 5",
    "gh pr view {n} --json title,state",
    "psql -h localhost -p {port} -c 'select count(*) from {area}_{role}'",
    "diff -u {source} /tmp/{area}-before.txt | head -40",
    "lsof -i :{port} | tail -1",
    "ps aux | grep {name} | head -3",
    "cp {extra} /tmp/{area}-{n}.bak && ls -l /tmp/{area}-{n}.bak",
    "jq '.{area} | keys' {extra}",
    "git show HEAD:{source} | head -30",
    "git blame -L 10,40 {source} | cut -c1-60",
    "tail -n 40 {extra}",
    "python3 -c 'import json; print(len(json.load(open(\"{extra}\"))))'",
    "make {area}-{role}",
    "xargs -a /tmp/{area}.txt wc -l",
    "awk -F, '{{print $2}}' {extra} | sort | uniq -c",
    "which {name}",
    "cd {root} && git fetch -q origin && git log --oneline HEAD..origin/main | head -5",
    "kill %1; sleep 1; jobs",
    "cat > /tmp/{area}-{n}.env <<'EOV'\nMODE=test\nLIMIT={n}\nEOV",
    "git grep -n '{area}' -- '*.md' | head",
)

USUAL = 8
"""How many of these are typed again and again."""

SCRIPT = """python3 - <<'EOS'
import json, pathlib
rows = [json.loads(line) for line in pathlib.Path("/tmp/{area}-{n}.jsonl").read_text().splitlines()]
late = [row for row in rows if row["{role}"] and row.get("after", 0) > {n}]
by_key = {{}}
for row in late:
    by_key.setdefault(row["{area}_key"], []).append(row)
for key, group in sorted(by_key.items(), key=lambda item: -len(item[1]))[:10]:
    print(key, len(group), group[0]["at"], group[-1]["at"])
print("total", len(rows), "late", len(late), "share", round(len(late) / max(len(rows), 1), 3))
EOS"""

COMMIT = """git add -A && git commit -m "$(cat <<'EOM'
{message}

{body}
EOM
)\""""

LOOK = ("{core}", "{core}", "cd {root} && {core}", "NO_COLOR=1 {core}", "cd {root} && time {core}")
CUT = (
    "",
    " 2>&1",
    " 2>&1 | tail -{n}",
    " 2>&1 | tee /tmp/last-run.log | tail -{n}",
    " 2>&1 | grep -E 'rror|ok|FAIL' | head -{n}",
)


def typed(rng: random.Random, project: Project, core: str, *, piped: bool) -> str:
    """A command as an agent types it; not piped, it ends with the exit code of the program."""
    after = rng.choice(CUT if piped else CUT[:2])
    return rng.choice(LOOK).format(core=core, root=project.root) + after.format(n=rng.choice((5, 20, 30, 40)))


def read(pen: Pen, project: Project, path: str, unit: Unit) -> None:
    """Read a file."""
    whole = f"{project.root}/{path}"
    text = listing(pen.rng, project, unit, pen.rng.choice((120, 250, 500, 2500)))
    asked: dict[str, object] = {"file_path": whole}
    if pen.rng.random() < 0.3:
        asked |= {"offset": pen.rng.randrange(1, 400), "limit": 80}
    file = {"filePath": whole, "content": text, "numLines": text.count("\n") + 1, "startLine": 1, "totalLines": 420}
    pen.call("Read", asked, text, {"type": "text", "file": file})


def missing(pen: Pen, project: Project, unit: Unit) -> None:
    """A file that was expected somewhere else."""
    asked = {"file_path": f"{project.root}/{unit.area}/{unit.source.rsplit('/', 1)[-1]}"}
    pen.call("Read", asked, "File does not exist. Note: your current working directory is " + project.root, failed=True)


def create_task(pen: Pen, number: int, text: str) -> None:
    """Put a task on the list."""
    shown = {"task": {"id": str(number), "subject": text}}
    asked = {"subject": text, "description": prose(pen.rng, 120), "activeForm": text.capitalize()}
    pen.call("TaskCreate", asked, f"Task #{number} created successfully: {text}", shown)


def update_task(pen: Pen, number: int, status: str) -> None:
    """Say how a task stands."""
    shown = {"success": True, "taskId": str(number), "updatedFields": ["status"], "statusChange": {"to": status}}
    pen.call("TaskUpdate", {"taskId": str(number), "status": status}, f"Updated task #{number} status", shown)


def list_todos(pen: Pen, todos: Sequence[Sequence[str]]) -> None:
    """Write the whole list."""
    items = [{"content": text, "status": status, "activeForm": text.capitalize()} for text, status in todos]
    shown = {"oldTodos": [], "newTodos": items}
    pen.call("TodoWrite", {"todos": items}, "Todos have been modified successfully.", shown)


def grep(pen: Pen, project: Project, unit: Unit, paths: Sequence[str]) -> None:
    """Search, one way or the other."""
    whole = [f"{project.root}/{path}" for path in paths]
    if pen.rng.random() < 0.3:
        shown = {"filenames": whole, "numFiles": len(whole), "truncated": False, "durationMs": 21}
        pen.call("Glob", {"pattern": f"**/*{unit.area}*"}, "\n".join(whole), shown)
        return
    asked = {"pattern": f"{unit.area}_{unit.role}", "path": project.root, "output_mode": "files_with_matches"}
    shown = {"mode": "files_with_matches", "filenames": whole, "numFiles": len(whole)}
    pen.call("Grep", asked, f"Found {len(whole)} files\n" + "\n".join(whole), shown)


def edit(pen: Pen, project: Project, path: str, unit: Unit) -> None:
    """Change a file."""
    whole, number = f"{project.root}/{path}", pen.rng.randrange(1000)
    old, new = pen.rng.choice(project.kind.code), f"{pen.rng.choice(project.kind.code)}  {unit.role}_{number}"
    asked = {"file_path": whole, "old_string": old, "new_string": new, "replace_all": False}
    shown = {"filePath": whole, "oldString": old, "newString": new, "structuredPatch": [], "userModified": False}
    pen.call("Edit", asked, f"The file {whole} has been updated.\n{listing(pen.rng, project, unit, 200)}", shown)


def failed_edit(pen: Pen, project: Project, path: str) -> None:
    """An edit of text that is not there."""
    text = prose(pen.rng, 60)
    asked = {
        "file_path": f"{project.root}/{path}",
        "old_string": text,
        "new_string": text.title(),
        "replace_all": False,
    }
    words = f"String to replace not found in file.\nString: {text}"
    if pen.rng.random() < 0.5:
        words = f"<tool_use_error>{words}</tool_use_error>"
    pen.call("Edit", asked, words, failed=True)


def shell(pen: Pen, command: str, output: str, *, failed: bool = False, seconds: float = 0) -> None:
    """Run a command; a failed one tells its exit code first."""
    asked = {"command": command, "description": prose(pen.rng, 40)}
    if failed:
        pen.call(
            "Bash", asked, f"Exit code {pen.rng.choice((1, 1, 1, 2, 101))}\n{output}", failed=True, seconds=seconds
        )
        return
    shown = {"stdout": output, "stderr": "", "interrupted": False, "isImage": False, "noOutputExpected": False}
    pen.call("Bash", asked, output, shown, seconds=seconds)


def background(pen: Pen, command: str) -> None:
    """Run a command in the background."""
    task = f"b{pen.rng.getrandbits(24):06x}"
    asked = {"command": command, "description": "Start it in the background", "run_in_background": True}
    shown = {"stdout": "", "stderr": "", "interrupted": False, "isImage": False, "backgroundTaskId": task}
    pen.call("Bash", asked, f"Command running in background with ID: {task}", shown)


def fetch(pen: Pen, unit: Unit) -> None:
    """Read a page of the web."""
    url = f"https://docs.example.org/{unit.area}/{unit.role}.html"
    text = prose(pen.rng, 900)
    shown = {"bytes": 48_211, "code": 200, "codeText": "OK", "result": text, "durationMs": 2100, "url": url}
    pen.call("WebFetch", {"url": url, "prompt": f"What does it say about {unit.role}?"}, text, shown)


def question(pen: Pen, asked: str, options: Sequence[str], answer: str) -> None:
    """Ask the user, who answers."""
    choices = [{"label": option, "description": prose(pen.rng, 40)} for option in options]
    questions = [{"question": asked, "header": "Choice", "options": choices, "multiSelect": False}]
    pen.wait(pen.rng.uniform(20, 200))
    told = f'User has answered your questions: "{asked}"="{answer}". You can now continue with these answers in mind.'
    pen.call("AskUserQuestion", {"questions": questions}, told, {"questions": questions, "answers": {asked: answer}})


def plan(pen: Pen, text: str) -> None:
    """Show a plan, which the user approves."""
    pen.wait(pen.rng.uniform(30, 200))
    told = f"User has approved your plan. You can now start coding.\n\n## Approved Plan:\n{text}"
    pen.call("ExitPlanMode", {"plan": text}, told, {"plan": text, "isAgent": False})


def by_hand(pen: Pen, project: Project, unit: Unit) -> None:
    """One of the small commands between; now and then one fails, which means nothing."""
    words = {"folder": unit.source.rsplit("/", 1)[0], "settings": pen.rng.choice(project.kind.settings)}
    chosen = pen.rng.choice(BY_HAND if pen.rng.random() < 0.3 else BY_HAND[:USUAL])
    command = project.fill(SCRIPT if pen.rng.random() < 0.06 else chosen, unit, **words)
    shell(pen, command, of_command(pen.rng, project, command, unit), failed=pen.rng.random() < 0.04)
