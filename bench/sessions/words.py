"""What users of such sessions say. What stands between « and » proves that it was kept; a second text says it anew."""

import re
from collections.abc import Sequence

REQUIREMENTS = (
    (
        "It «must keep working with version {n} of the export format», two customers still read it.",
        "Output has to stay «compatible with export format {n}»",
    ),
    (
        "Every change there «must come with a test that fails without it», reviewer {who} sends it back otherwise.",
        "«Each change needs a test that fails without it» ({who} reviews)",
    ),
    (
        "The whole thing «has to answer within {n} ms on the small machine» in the office.",
        "Latency ceiling: «{n} ms on the small machine»",
    ),
    (
        "All user-facing texts «must go through the message catalogue {file}», no literals.",
        "Texts belong in «catalogue {file}», not literals",
    ),
    (
        "Please «keep the public names in {file} exactly as they are», the mobile team imports them.",
        "Public names in «{file} must not change»",
    ),
    (
        "Log lines «must carry the request number under the key req_{n}», the dashboards look for that.",
        "Logging: «key req_{n}» required",
    ),
    ("Amounts «are always integers in the smallest unit, scale {n}», never floats.", "«Integer amounts, scale {n}»"),
    (
        "de|«Wir müssen mit Version {n} der Schnittstelle kompatibel bleiben», das ist vertraglich so.",
        "Stay «compatible with interface version {n}» (contract)",
    ),
    ("es|«Todo cambio debe quedar anotado en {file}», lo pide auditoría.", "Audit: «every change is noted in {file}»"),
)

PROHIBITIONS = (
    ("And «never touch anything below {folder}», that is generated.", "«{folder} is generated: off limits»"),
    ("«Do not run {tool} against production», staging only.", "«{tool} only on staging»"),
    ("«No new dependencies in {file}» without asking me first.", "«No new dependencies in {file}»"),
    ("«Don't push and don't open a pull request for ticket {n}», I will do that.", "«No push, no pull request ({n})»"),
    ("«Never log the contents of {thing}», legal was very clear.", "Legal: «contents of {thing} are never logged»"),
    ("de|«An {file} darf nichts geändert werden», das macht Team {who}.", "«{file} belongs to team {who}: no changes»"),
    ("es|«No borres nunca {folder}», lo necesita el equipo de {who}.", "«{folder} must not be deleted» (team {who})"),
)

DECISIONS = (
    (
        "Where should the {area} state live?",
        ("a Postgres table", "Valkey with a TTL", "a file per tenant"),
        "operations already runs it",
    ),
    (
        "How should {area} ids look?",
        ("ULIDs", "prefixed integers", "random 12-letter slugs"),
        "support reads them aloud",
    ),
    (
        "What happens when {area} gets the same message twice?",
        ("ignore the second one", "answer 409", "merge both"),
        "partners retry without end",
    ),
    (
        "Which clock does {area} use?",
        ("UTC everywhere", "the tenant's own zone", "the server's zone"),
        "the yearly report compares tenants",
    ),
    ("How is {area} paged?", ("keyset cursors", "plain offsets", "time windows"), "the list grows under the reader"),
    (
        "How are old {area} rows removed?",
        ("a nightly job", "partitions that are dropped", "on read"),
        "deletes locked the table in spring",
    ),
    (
        "Which format do {area} exports have?",
        ("CSV with a header", "JSON lines", "Parquet"),
        "finance opens it in a sheet",
    ),
    (
        "Where is the {area} limit enforced?",
        ("at the gateway", "in the service", "in the database"),
        "the other doors bypass it",
    ),
    (
        "How does {area} report progress?",
        ("server-sent events", "polling every 5 s", "a webhook"),
        "the proxy buffers anything else",
    ),
    (
        "What is the unit of {area} retries?",
        ("the whole batch", "a single item", "a page of 50"),
        "single items starve the pool",
    ),
)
"""A question, what may be answered, and why."""

CORRECTIONS = (
    "no, use {new} instead of {old} for {area}. {why}",
    "Stop: not {old}. {new} for {area}, because {why}",
    "I changed my mind about {area}: {new}, not {old} ({why})",
    "de|nein, für {area} nehmen wir {new} statt {old}, {why}",
    "es|mejor {new} y no {old} para {area}, porque {why}",
)

GOALS = (
    """We want to get {name} ready for the {season} release. «The goal is {aim}»: everything else comes after that. \
You get the pieces one after the other, look around first so that you know how things hang together.""",
    """Context for today: {name} has grown for years and «this session is about {aim}». Start with an overview, \
keep the changes small, commit after each piece.""",
    "de|Hallo, heute geht es um {name}. «Ziel der Sitzung: {aim}». Bitte erst umsehen, dann in kleinen Schritten.",
)

AIMS = (
    "moving {area} off the legacy path without downtime in week {n}",
    "making {area} twice as fast for customer no. {n}",
    "closing audit finding {n} about {area}",
    "shipping {area} v2 behind flag rollout-{n}",
)

REQUESTS = (
    "«{verb} the {area} {role} so that {want}»",
    "next: «{verb} {area} {role}, {want}»",
    "Now please «{verb} the {role} of {area}; {want}». Have a look at how {other} does it before you start.",
    "«{verb} {area}/{role} - {want}», then run the tests",
    "de|Als Nächstes: «{area} {role} anpassen, sodass {want}»",
    "es|Ahora «{verb} {area} {role}: {want}»",
)

VERBS = ("rework", "extend", "simplify", "split", "harden", "speed up")

WANTS = (
    "case {n} from the ticket works",
    "partial results of run {n} are kept",
    "the limit of {n} is honoured",
    "an empty {other} no longer breaks it (ticket {n})",
    "report {n} adds up again",
    "slot {n} is released on a failure",
)

SHORT = (
    "go on",
    "yes",
    "de|ok, weiter",
    "continue",
    "looks good, go on",
    "es|sí, sigue",
    "de|ja bitte",
    "do it",
    "hm, why? anyway, go on",
)

QUESTIONS = (
    "why does {area} {role} need that at all?",
    "what did you change in {role} so far? short please",
    "is {other} affected by this?",
    "de|warum hängt {area} von {other} ab?",
    "es|¿esto afecta a {other}?",
)

CLIENT_NOTES = (
    "<command-name>/model</command-name>\n<command-message>model</command-message>\n<command-args>opus</command-args>",
    "<local-command-stdout>Set model to opus</local-command-stdout>",
    "<bash-input>git status -sb</bash-input>",
    "<command-name>/cost</command-name>\n<command-message>cost</command-message>\n<command-args></command-args>",
)

CAVEAT = "<local-command-caveat>Caveat: The messages below come from local commands.</local-command-caveat>"

REMINDER = (
    "\n\n<system-reminder>\nThe task list has not been used for a while. The client says so, not the user.\n"
    "</system-reminder>"
)

TODOS = (
    "read how {area} {role} is used",
    "write a failing test for {area} {role} case {n}",
    "change {area} {role} for {n}",
    "adapt the callers of {area} {role} ({n})",
    "run the whole {area} suite against {n}",
    "update the notes about {area} {n}",
)

AGENT_TASKS = (
    (
        "Explore",
        "Find the callers of {area} {role}",
        "«{area} {role} has {a} callers; the only one outside the package is {file} line {b}»",
    ),
    (
        "general-purpose",
        "Compare the {area} formats",
        "«The {area} formats differ in field {area}_ref_{n}», which the newer one makes optional",
    ),
    (
        "Explore",
        "Where is the {area} timeout set",
        "«The {area} timeout is set twice: {a} s in {file} and {b} s in the environment»",
    ),
    (
        "code-reviewer",
        "Review the {area} {role} change",
        "«One real problem: {file} keeps lock {area}-{n} when the second call fails»",
    ),
    (
        "general-purpose",
        "Measure {area} {role}",
        "«{area} {role}: {n} calls a second before, p99 {a} ms; the JSON encoder takes {b} % of it»",
    ),
)

NEXT = (
    "Next I will {act} {file}, then {then}.",
    "That leaves one step: {act} {file}; after that {then}.",
    "I am going to {act} {file} now and {then} afterwards.",
)
ACTS = (
    "move the check {n} into",
    "add the missing branch {n} to",
    "drop the second lookup {n} from",
    "write case {n} in",
)
THENS = (
    "run the {area} tests again",
    "commit it as one piece",
    "ask about the {area} limit",
    "look at the {area} callers",
)

MESSAGES = (
    "{area}: keep {role} when the list is empty ({n})",
    "Let {area} {role} take a limit, {n}",
    "Fix {area} {role} for late rows #{n}",
    "Test {area} {role} with case {n}",
    "Move {area} {role} out of the way, part {n}",
)


LANGUAGES = ("", "", "", "", "de", "es")
"""What users speak; the agent answers in English."""


def spoken(templates: Sequence[str], language: str) -> list[str]:
    """The templates such a user may use: those in English, and twice as often those in their own language."""
    own = [text.partition("|")[2] for text in templates if language and text.startswith(f"{language}|")]
    return [text for text in templates if not text.startswith(("de|", "es|"))] + 2 * own


def marked(text: str) -> tuple[str, str]:
    """A text without its marks, and the marked part of it."""
    found = re.search("«(.*?)»", text, re.DOTALL)
    return text.replace("«", "").replace("»", ""), found[1] if found else text
