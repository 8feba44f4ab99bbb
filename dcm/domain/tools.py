"""What a tool call is: its type, the files it touched, how it ended, in one line.

Type table: contract, section 11.3. Tool input shapes: Claude Code's hooks reference.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

AGENT_TOOLS = frozenset({"Agent", "Task"})
"""Claude Code calls it Agent; older clients call it Task."""

WRITING_TOOLS = frozenset({"Edit", "Write", "MultiEdit", "NotebookEdit"})
READING_TOOLS = frozenset({"Read"})
SHELL_TOOLS = frozenset({"Bash", "PowerShell"})
LIST_TOOLS = frozenset({"TodoWrite", "TaskCreate", "TaskUpdate"})
"""They keep the agent's own list."""
DECISION_TOOLS = frozenset({"AskUserQuestion", "ExitPlanMode"})
"""They bring what the user settled."""

OUTPUT_TOOLS = frozenset({"BashOutput", "TaskOutput"})
"""They read what a command in the background has printed."""

PATH_FIELDS = ("file_path", "notebook_path", "path")
SUMMARY_FIELDS = ("description", "command", "file_path", "notebook_path", "pattern", "query", "url", "path", "prompt")
SUMMARY_LIMIT = 200

NAME_WIDTH = 80
"""Characters of an agent's name, or of a topic, that are put before an agent."""

_EXIT_CODE = re.compile(r"\AExit code (\d{1,10})\b")


def tool_type(tool_name: str) -> str:
    """builtin, agent, skill or mcp. (`command` is legal in the API and never comes from a hook.)"""
    if tool_name in AGENT_TOOLS:
        return "agent"
    if tool_name == "Skill":
        return "skill"
    return "mcp" if tool_name.startswith("mcp__") else "builtin"


def recorded_name(tool_name: str, tool_input: Mapping[str, Any]) -> str:
    """The name an action is recorded under: the skill or the subagent's type where there is one."""
    field = {"skill": "skill", "agent": "subagent_type"}.get(tool_type(tool_name))
    value = tool_input.get(field) if field else None
    return value if isinstance(value, str) and value else tool_name


def file_paths(tool_name: str, tool_input: Mapping[str, Any]) -> list[str]:
    """The files a tool call named, in order, each once."""
    if tool_name not in WRITING_TOOLS | READING_TOOLS:
        return []
    paths = (tool_input.get(field) for field in PATH_FIELDS)
    return list(dict.fromkeys(path for path in paths if isinstance(path, str) and path))


def exit_code(error: str) -> int:
    """The exit code a failure names, 1 when it names none; Windows' unsigned ones as the signed 32 bits they are."""
    match = _EXIT_CODE.match(error)
    code = int(match[1]) if match else 1
    return code if code < 2**31 else code - 2**32 if code < 2**32 else 1


def summary(tool_input: Mapping[str, Any], folder: str = "") -> str:
    """What the call was about, in one line of at most 200 characters; paths are relative to `folder`."""
    for field in SUMMARY_FIELDS:
        value = tool_input.get(field)
        if isinstance(value, str) and value.strip():
            inside = f"{folder.rstrip('/')}/"
            shown = value.removeprefix(inside) if folder and field in PATH_FIELDS else value
            return one_line(shown, SUMMARY_LIMIT)
    return ""


def one_line(text: str, limit: int) -> str:
    """The text with its white space folded, cut to `limit` characters with an ellipsis."""
    folded = " ".join(text.split())
    return folded if len(folded) <= limit else folded[: limit - 1].rstrip() + "…"


def shown_name(name: str) -> str:
    """A name that somebody chose, as it is put before an agent: one line, of what can be seen, and not long."""
    return one_line("".join(sign if sign.isprintable() else " " for sign in name), NAME_WIDTH)


def both_ends(text: str, limit: int) -> str:
    """The text with its white space folded; a longer one keeps two thirds of `limit` from its start, and its end."""
    folded = " ".join(text.split())
    if len(folded) <= limit:
        return folded
    end = folded[-(limit // 3) :].lstrip()
    return f"{one_line(folded, limit - len(end) - 1)} {end}"


def values_text(tool_input: object) -> str:
    """The words of a tool input: its values without the names of its fields."""
    return " ".join(_values(tool_input))


def _values(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for inner in value.values():
            yield from _values(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _values(inner)
