"""A session while it is written: each step puts records into the transcript and what it means into the ledger."""

import random
from collections.abc import Callable, Sequence

from sessions import outputs, tools, words
from sessions.facts import Boundary, Fact
from sessions.ledger import RUNNING, Ledger, beside
from sessions.pen import Pen
from sessions.projects import Project, Unit

RECENT = 6
"""Units of the project that work goes back to most."""


class Story:
    """The main conversation of a session in a project."""

    def __init__(self, rng: random.Random, project: Project, pen: Pen, ends: Sequence[int]) -> None:
        self.rng, self.project, self.pen = rng, project, pen
        self.ledger = Ledger()
        self.unit = rng.choice(project.units)
        self.familiar: list[Unit] = []
        self.todos: list[list[str]] = []
        self.one_by_one, self._numbers = rng.random() < 0.4, dict[str, int]()
        self.language = rng.choice(words.LANGUAGES)
        self.ruled: set[str] = set()
        self.left: list[tuple[str, str, str]] = []
        self.settled: dict[str, tuple[str, str, tuple[str, ...], str]] = {}
        self.agents: list[Pen] = []
        self.late: list[tuple[str, Pen, str, str]] = []
        self.boundaries: list[Boundary] = []
        self.at_boundary: Callable[[Story], None] = lambda _: None
        self._ends, self._closing, self._told = list(ends), False, 0

    def key(self, kind: str) -> str:
        """A new name for a fact."""
        self._told += 1
        return f"{kind}:{self._told}"

    def plant(self, kind: str, says: str, *alternatives: tuple[str, ...], paraphrase: str = "", key: str = "") -> str:
        """Put a fact into the ledger; gives its name."""
        key = key or self.key(kind)
        self.ledger.plant(key, Fact(kind, says, alternatives, self.pen.now), paraphrase)
        return key

    def choose(self, templates: Sequence[str]) -> str:
        """Something to say in a language of the user."""
        return self.rng.choice(words.spoken(templates, self.language))

    def slots(self) -> dict[str, object]:
        """Words for what users and agents say."""
        some, other = self.rng.choice(self.project.units), self.rng.choice(self.project.kind.areas)
        numbers = {
            "n": self.rng.randrange(1000, 99999),
            "a": self.rng.randrange(3, 49),
            "b": self.rng.randrange(50, 400),
        }
        return numbers | {
            "area": self.unit.area,
            "role": self.unit.role,
            "other": other,
            "name": self.project.name,
            "file": some.source.rsplit("/", 1)[-1],
            "folder": f"generated/{other}_{self.rng.randrange(10, 99)}",
            "tool": self.rng.choice(("the migration job", "the load test", "the backfill")) + f" {numbers['n']}",
            "thing": f"{other} form {self.rng.randrange(10, 99)}",
            "who": self.rng.choice(("Iris", "Tomasz", "Noor", "Bente")),
            "season": self.rng.choice(("spring", "summer", "winter")),
        }

    def turn_to(self, unit: Unit) -> None:
        """Work goes on with this unit."""
        self.unit = unit
        self.familiar = [known for known in self.familiar if known != unit] + [unit]

    def somewhere(self) -> Unit:
        """A unit to look at: mostly what work is about or was lately, sometimes old, sometimes new."""
        dice = self.rng.random()
        if dice < 0.44:
            return self.unit
        if dice < 0.80 and self.familiar:
            return self.rng.choice(self.familiar[-RECENT:])
        if dice < 0.87 and self.familiar:
            return self.rng.choice(self.familiar)
        unit = self.rng.choice(self.project.units)
        self.familiar = [known for known in self.familiar if known != unit] + [unit]
        return unit

    def prompt(self, text: str) -> None:
        """The user speaks; the client may put a note of its own behind it."""
        self.pen.prompt(text + (words.REMINDER if self.rng.random() < 0.1 else ""))

    def mutter(self) -> None:
        """The model says what it is at, between two calls."""
        if self.rng.random() < 0.25:
            path = self.rng.choice((self.unit.source, self.unit.test, self.somewhere().source))
            self.pen.say(f"{outputs.sentence(self.rng)} Looking at {path} next to see why.")

    def read(self, path: str, unit: Unit) -> None:
        """Read a file."""
        self.mutter()
        tools.read(self.pen, self.project, path, unit)
        self.step()

    def search(self) -> None:
        """Search for the unit."""
        paths = [self.unit.source, self.unit.test, self.somewhere().source]
        tools.grep(self.pen, self.project, self.unit, paths)
        self.step()

    def edit(self, path: str, unit: Unit) -> None:
        """Change a file; now and then the first try does not find its text."""
        if self.rng.random() < 0.08:
            tools.failed_edit(self.pen, self.project, path)
            self.read(path, unit)
        tools.edit(self.pen, self.project, path, unit)
        self.ledger.change(path, self.pen.calls, self.pen.now)
        self.step()

    def by_hand(self) -> None:
        """A small command."""
        tools.by_hand(self.pen, self.project, self.somewhere())
        self.step()

    def shell(self, command: str, output: str = "") -> None:
        """A command that works."""
        tools.shell(self.pen, command, output)
        self.step()

    def fails(self, purpose: str, core: str, error: str, *before_it: str) -> str:
        """A command fails with an error, and no longer with those before it; gives the error's name."""
        hidden = self.rng.random() < 0.15
        output = outputs.failing(self.rng, self.project, self.unit, error)
        command = tools.typed(self.rng, self.project, core, piped=hidden)
        tools.shell(self.pen, command, output, failed=not (hidden and "|" in command), seconds=self.rng.uniform(3, 40))
        for past in before_it:
            self.ledger.end(past, error)
        key = self.plant("error_open", f"{core} fails: {error}", (error,))
        self.ledger.ran(purpose, core, self.pen.now, passed=False)
        self.step()
        return key

    def passes(self, purpose: str, core: str, *solved: str) -> None:
        """A command succeeds, which solves errors."""
        output = outputs.passing(self.rng, self.project)
        command = tools.typed(self.rng, self.project, core, piped=False)
        tools.shell(self.pen, command, output, seconds=self.rng.uniform(3, 40))
        self.ledger.ran(purpose, core, self.pen.now, passed=True)
        for key in solved:
            self.ledger.end(key)
            self.ledger.solved.append(key)
        self.step()

    def say_next(self) -> None:
        """The model says what it does next."""
        self.ledger.end("next")
        unit = self.unit
        act = self.rng.choice(words.ACTS).format(n=self.rng.randrange(100, 9999))
        then, file = self.rng.choice(words.THENS).format(area=unit.area), unit.source.rsplit("/", 1)[-1]
        text = self.rng.choice(words.NEXT).format(act=act, file=file, then=then)
        self.plant("next", text, (act, file), key="next")
        self.pen.say(text)

    def new_todos(self) -> None:
        """Write a new task list; what was open on the old one is no longer asked for."""
        for text, status in self.todos:
            if status != "completed":
                self.ledger.facts.pop(f"todo:{text}", None)
                self._tell_todo(text, "deleted")
        chosen = self.rng.sample(words.TODOS, self.rng.choice((3, 4, 5)))
        self.todos = [[text.format(**self.slots()), "pending"] for text in chosen]
        for text, _ in self.todos:
            self.plant("todo_open", text, (text,), key=f"todo:{text}")
            if self.one_by_one:
                self._numbers[text] = len(self._numbers) + 1
                tools.create_task(self.pen, self._numbers[text], text)
        if not self.one_by_one:
            tools.list_todos(self.pen, self.todos)
        self.step()

    def advance(self) -> None:
        """One more item of the list is done."""
        waiting = [item for item in self.todos if item[1] != "completed"]
        for item, status in zip(waiting, ("completed", "in_progress"), strict=False):
            item[1] = status
            self._tell_todo(item[0], status)
        if waiting:
            self.ledger.end(f"todo:{waiting[0][0]}")
            if not self.one_by_one:
                tools.list_todos(self.pen, self.todos)
            self.step()

    def _tell_todo(self, text: str, status: str) -> None:
        if self.one_by_one:
            tools.update_task(self.pen, self._numbers[text], status)

    def ask_agent(self, *, waits: bool) -> None:
        """Start a subagent, which works for a while; the main conversation waits for its answer or goes on."""
        kind, task, answer = self.rng.choice(words.AGENT_TASKS)
        slots = self.slots()
        task, (said, proof) = task.format(**slots), words.marked(answer.format(**slots))
        pen = self.pen.subagent(f"a{self.rng.getrandbits(64):016x}")
        prompt = f"{task} in {self.project.root}. {outputs.prose(self.rng, 300)}. Answer in two sentences."
        call_id = self.pen.begin("Agent", {"description": task, "prompt": prompt, "subagent_type": kind})
        pen.at, pen.kind = self.pen.at, kind
        self._work_of(pen, prompt)
        shown = {"agentId": pen.agent_id, "description": task, "prompt": prompt}
        if waits:
            pen.say(said, ends=True)
            self.pen.at = pen.at
            done = {
                "status": "completed",
                "agentType": kind,
                "content": [{"type": "text", "text": said}],
                "totalTokens": 31_000,
            }
            self.pen.end(call_id, said, shown | done)
            self.plant("agent_result", said, (proof,))
        else:
            told = f"Async agent launched successfully.\nagentId: {pen.agent_id}"
            self.pen.end(call_id, told, shown | {"isAsync": True, "status": "async_launched"})
            key = self.plant("agent_running", f"still running: {kind}, {task}", *beside(task, RUNNING))
            self.late.append((key, pen, said, proof))
        self.agents.append(pen)
        self.step()

    def _work_of(self, pen: Pen, prompt: str) -> None:
        pen.note(prompt)
        for _ in range(self.rng.randrange(3, 9)):
            where = self.rng.choice(self.project.units)
            if self.rng.random() < 0.6:
                tools.read(pen, self.project, where.source, where)
            else:
                tools.grep(pen, self.project, where, [where.source, where.test])

    def agent_ends(self) -> None:
        """The oldest running subagent answers; the client tells of it where a prompt would stand."""
        key, pen, said, proof = self.late.pop(0)
        pen.at = max(pen.at, self.pen.at)
        pen.say(said, ends=True)
        self.pen.wait(1)
        told = f"<task-id>{pen.agent_id}</task-id>\n<status>completed</status>\n<result>{said}</result>"
        self.pen.note(f"<task-notification>\n{told}\n</task-notification>")
        self.pen.records[-1]["origin"] = {"kind": "task-notification"}
        self.ledger.end(key)
        self.plant("agent_result", said, (proof,))

    def step(self) -> None:
        """A tool call is over; compact when it is time."""
        if self._ends and self.pen.calls >= self._ends[0] and not self._closing:
            self._ends.pop(0)
            self._closing = True
            self.at_boundary(self)
            self._closing = False
