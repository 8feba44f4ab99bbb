"""The pieces of work a session is made of: a request, looking around, changes, a failure and its end, a commit."""

from sessions import outputs, tools, words
from sessions.ledger import FileState
from sessions.projects import Unit
from sessions.story import Story


def opening(story: Story) -> None:
    """The first prompt: the goal, what is required and what is forbidden."""
    slots = story.slots()
    aim = story.rng.choice(words.AIMS).format(**slots)
    text, goal = words.marked(story.choose(words.GOALS).format(**slots, aim=aim))
    parts = [text, *(_rule(story, kind) for kind in ("requirement", "prohibition", "requirement"))]
    story.prompt(" ".join(parts))
    story.plant("goal", goal, (goal,), paraphrase=aim)
    story.pen.say("I will look around first.")
    for _ in range(story.rng.randrange(6, 14)):
        explore(story)


def _rule(story: Story, kind: str) -> str:
    """A requirement or a prohibition in the user's words, planted."""
    choices = words.REQUIREMENTS if kind == "requirement" else words.PROHIBITIONS
    own = words.spoken([text for text, _ in choices], story.language)
    told = story.rng.choice([text for text in own if text not in story.ruled] or own)
    story.ruled.add(told)
    short = next(paraphrase for text, paraphrase in choices if text.endswith(told))
    slots = story.slots()
    text, proof = words.marked(told.format(**slots))
    story.plant(kind, text, (proof,), paraphrase=words.marked(short.format(**slots))[1])
    return text


def request(story: Story) -> None:
    """The user wants the next piece: shortly, or at length with a log."""
    story.turn_to(_topic(story))
    template = story.choose(words.REQUESTS)
    verb, want = story.rng.choice(words.VERBS), story.rng.choice(words.WANTS).format(**story.slots())
    text, proof = words.marked(template.format(**story.slots(), verb=verb, want=want))
    if story.rng.random() < 0.35:
        text = f"{text} {_rule(story, story.rng.choice(('requirement', 'prohibition')))}"
    if story.rng.random() < 0.25:
        rows = "\n".join(f"2026-03-02 1{n % 10}:{n:02d}:07 {outputs.prose(story.rng, 70)}" for n in range(24))
        text = f"{text}\n\nThis is what I see:\n\n{rows}\n"
    story.ledger.end("request")
    story.prompt(text)
    story.plant("request", text[:200], (proof,), (want,), key="request")


def _topic(story: Story) -> Unit:
    """What the next piece is about: often near the one before."""
    near = [unit for unit in story.project.units if unit.area == story.unit.area]
    return story.rng.choice(near if story.rng.random() < 0.45 else story.project.units)


def explore(story: Story) -> None:
    """One look around."""
    dice, where = story.rng.random(), story.somewhere()
    if dice < 0.2:
        story.search()
    elif dice < 0.7:
        story.read(
            story.rng.choice((where.source, where.source, where.source, where.test, where.test, where.extra)), where
        )
    elif dice < 0.8:
        story.read(story.rng.choice(story.project.kind.settings), where)
    elif dice < 0.82:
        tools.fetch(story.pen, where)
        story.step()
    elif dice < 0.84:
        tools.missing(story.pen, story.project, where)
        story.step()
    else:
        story.by_hand()


def decide(story: Story) -> None:
    """Something is settled: by a question, by a plan, or by the user alone."""
    free = [entry for entry in words.DECISIONS if f"{story.unit.area}:{entry[0]}" not in story.settled]
    if not free:
        return
    asked, options, why = story.rng.choice(free)
    question, topic = asked.format(area=story.unit.area), f"{story.unit.area}:{asked}"
    answer = story.rng.choice(options)
    how = story.rng.random()
    if how < 0.5:
        tools.question(story.pen, question, options, answer)
    elif how < 0.75:
        steps = "\n".join(f"{number}. {text.format(**story.slots())}" for number, text in enumerate(words.TODOS, 1))
        tools.plan(story.pen, f"# {story.unit.area} {story.unit.role}\n\n{question} {answer}, {why}.\n\n{steps}")
    else:
        story.prompt(f"{question} Let's take {answer}, {why}.")
    key = story.plant("decision", f"{question} {answer}", (question, answer), (answer, why), (story.unit.area, answer))
    if how >= 0.5:
        story.plant("reason", f"{answer}: {why}", (why,), key=f"reason:{key}")
    story.settled[key] = story.settled[topic] = (story.unit.area, answer, options, why)
    story.step()


def correct(story: Story) -> None:
    """The user takes back what was decided."""
    open_ones = [key for key in story.settled if key.startswith("decision:") and story.ledger.facts[key].holds]
    if not open_ones:
        return
    key = story.rng.choice(open_ones)
    area, old, options, why = story.settled[key]
    new = story.rng.choice([option for option in options if option != old])
    text = story.choose(words.CORRECTIONS).format(area=area, old=old, new=new, why=why)
    if story.rng.random() < 0.5:
        story.pen.interrupted()
    story.prompt(text)
    story.ledger.end(key, new)
    story.plant("correction", f"{area}: {new} instead of {old}", (area, new))
    story.settled.pop(key)


def change(story: Story) -> None:
    """A few edits, some of them elsewhere."""
    for _ in range(story.rng.randrange(2, 7)):
        unit = story.somewhere() if story.rng.random() < 0.4 else story.unit
        path = story.rng.choice((unit.source, unit.source, unit.source, unit.test, unit.test, unit.extra))
        if story.rng.random() < 0.35:
            story.read(path, unit)
        story.edit(path, unit)
        if story.rng.random() < 0.3:
            story.by_hand()


def trial(story: Story) -> None:
    """Run the tests: they fail, perhaps twice, and pass at last."""
    core = story.project.fill(story.rng.choice(story.project.kind.test_one), story.unit)
    failed: list[str] = []
    for _ in range(story.rng.choice((0, 1, 1, 1, 2, 2, 3))):
        failed.append(story.fails("test", core, story.project.failure(story.unit), *failed))
        story.pen.say(
            story.rng.choice(("That is not what I expected.", "The cause must be in the caller.", "I see why."))
        )
        for _ in range(story.rng.randrange(1, 4)):
            explore(story)
        change(story)
    story.passes("test", core, *failed)


def check(story: Story) -> None:
    """The larger commands: all tests, lint, build."""
    kind = story.project.kind
    for purpose, choices in (("all tests", kind.test_all), ("lint", kind.lint), ("build", kind.build)):
        if story.rng.random() < 0.55:
            known = story.ledger.commands.get(purpose)
            core = known.text if known and story.rng.random() < 0.8 else story.project.fill(choices[0], story.unit)
            if story.rng.random() < 0.25:
                key = story.fails(purpose, core, story.project.failure(story.somewhere()))
                change(story)
                story.passes(purpose, core, key)
            else:
                story.passes(purpose, core)


def leave_open(story: Story) -> None:
    """Something fails that nobody puts right for now."""
    core = story.project.fill(story.rng.choice(story.project.kind.odd), story.unit)
    purpose = f"by hand {len(story.ledger.commands)}"
    key = story.fails(purpose, core, story.project.failure(story.somewhere()))
    story.left.append((key, purpose, core))
    story.pen.say("This one has another cause; I leave it for later.")


def take_up(story: Story) -> None:
    """What was left open is put right after all."""
    if story.left:
        key, purpose, core = story.left.pop(0)
        change(story)
        story.passes(purpose, core, key)


def serve(story: Story) -> None:
    """Start the program in the background."""
    known = story.ledger.commands.get("run")
    core = known.text if known else story.project.fill(story.project.kind.run[0], story.unit)
    tools.background(story.pen, core)
    story.ledger.ran("run", core, story.pen.now, passed=True)
    story.step()


def move(story: Story) -> None:
    """A file gets another name, or is deleted."""
    unit = story.somewhere()
    state = story.ledger.files.get(unit.source, FileState())
    if state.gone or state.was or unit == story.unit:
        return
    head, _, name = unit.source.rpartition("/")
    if story.rng.random() < 0.5:
        path = f"{head}/{name.replace('.', story.rng.choice(('_legacy.', '_shared.', '_inner.')), 1)}"
        story.shell(f"cd {story.project.root} && git mv {unit.source} {path}")
        story.ledger.files.pop(unit.source, None)
        story.ledger.files[path] = FileState(1, story.pen.calls, story.pen.now, committed=False, was=unit.source)
        unit.source = path
    else:
        story.shell(f"git rm -q {unit.source}", f"rm '{unit.source}'")
        story.ledger.files[unit.source] = FileState(1, story.pen.calls, story.pen.now, gone=True)
        story.project.units.remove(unit)
        story.familiar = [known for known in story.familiar if known != unit]


def commit(story: Story) -> None:
    """Commit what there is."""
    message = story.rng.choice(words.MESSAGES).format(**story.slots())
    body = outputs.prose(story.rng, 160)
    short = f"git add -A && git commit -q -m '{message}' && git log --oneline -1"
    command = short if story.rng.random() < 0.4 else tools.COMMIT.format(message=message, body=body)
    tools.shell(story.pen, command, f"[{story.pen.branch} {story.rng.getrandbits(28):07x}] {message}")
    story.ledger.commit(message, story.pen.now)
    story.step()


def new_branch(story: Story) -> None:
    """The work goes on on another branch."""
    branch = f"{story.unit.area}-{story.unit.role}-{story.rng.randrange(100, 999)}"
    old = story.pen.branch
    tools.shell(story.pen, f"git checkout -b {branch}", f"Switched to a new branch '{branch}'")
    story.pen.branch = branch
    key = story.plant("branch_old", f"on branch {old}", (f"branch {old}",), (f"branch: {old}",), (f"branch `{old}`",))
    story.ledger.end(key, branch)
    story.step()


def side(story: Story) -> None:
    """What comes in between."""
    dice = story.rng.random()
    if dice < 0.25:
        story.ask_agent(waits=story.rng.random() < 0.4)
    elif dice < 0.36:
        story.prompt(story.choose(words.SHORT))
    elif dice < 0.4:
        story.prompt(story.choose(words.QUESTIONS).format(**story.slots()))
        story.pen.say(f"{outputs.sentence(story.rng)} {outputs.sentence(story.rng)}", ends=True)
        story.prompt(story.choose(words.SHORT))
    elif dice < 0.5:
        story.pen.note(words.CAVEAT, meta=True)
        story.pen.note(story.rng.choice(words.CLIENT_NOTES))
    elif dice < 0.65:
        correct(story)
    elif dice < 0.75:
        move(story)
    elif dice < 0.82:
        serve(story)
    elif dice < 0.88:
        take_up(story)
    if story.late and story.rng.random() < 0.3:
        story.agent_ends()


def piece(story: Story) -> None:
    """A request from its prompt to its commit."""
    request(story)
    if story.rng.random() < 0.15:
        new_branch(story)
    for _ in range(story.rng.randrange(3, 9)):
        explore(story)
    if story.rng.random() < 0.5:
        decide(story)
    story.new_todos()
    for _ in range(story.rng.choice((1, 2, 2, 3))):
        change(story)
        side(story)
        trial(story)
        story.advance()
    if story.rng.random() < 0.2:
        leave_open(story)
    check(story)
    if story.rng.random() < 0.75:
        commit(story)
    story.pen.say(f"Done: {story.unit.area} {story.unit.role} is changed and its tests pass.", ends=True)
