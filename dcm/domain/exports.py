"""The format of exports: one JSON object a line, a header first, totals last, and what each kind of line holds."""

import json
import uuid
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from dcm.domain.errors import InvalidInput
from dcm.domain.redaction import Redactor
from dcm.domain.turns import EARLIEST

FORMAT, VERSION = "dcm-export", 1

HEADER, TOTALS = "header", "totals"
"""Kinds of the first and the last line."""

AHEAD = timedelta(days=1)
"""How far after now a moment may lie: clocks of two machines differ, and a month that is to come is never pruned."""

MOST_MONTHS = 24
"""Months the rows of one body may lie in: each makes tables of its own."""

_IN_MONTHS = frozenset({"action", "hook_event", "request", "subtask", "message"})
"""Kinds that are stored by their month, or found by it."""

Row = dict[str, Any]

_MOMENTS = "created_at: moment"

_TABLE = {
    "project": (
        f"id: uuid, path: text, name: text?, {_MOMENTS}, updated_at: moment, metadata: object, keep_days: integer?"
    ),
    "session": (
        "id: text, project_id: uuid?, started_at: moment, ended_at: moment?, last_seen_at: moment, "
        "last_active_at: moment?, cwd: text?, cwd_at: moment?, worktree: text?, transcript_path: text?, "
        "transcript_path_at: moment?, model: text?, model_at: moment?, source: text?, source_at: moment?, "
        "end_reason: text?, end_reason_at: moment?, context_bytes: integer?, proactive_snapshot_at: moment?"
    ),
    "request": (
        f"id: uuid, project_id: uuid?, session_id: text, prompt: words, prompt_type: text?, status: text, {_MOMENTS}, "
        "completed_at: moment?, metadata: object, prompt_id: text?"
    ),
    "task_list": (
        f"id: uuid, request_id: uuid?, name: words?, wave_number: integer, status: text, {_MOMENTS}, "
        "completed_at: moment?"
    ),
    "subtask": (
        "id: uuid, task_list_id: uuid?, agent_type: text?, agent_id: text?, description: words?, status: text, "
        f"blocked_by: texts, {_MOMENTS}, started_at: moment?, completed_at: moment?, context_snapshot: json?, "
        "result: json?, session_id: text?, tool_use_id: text?, resumed_at: moment?, last_seen_at: moment"
    ),
    "action": (
        "id: uuid, subtask_id: uuid?, tool_name: text, tool_type: text, input: packed?, output: packed?, "
        f"file_paths: texts, exit_code: integer, duration_ms: integer?, {_MOMENTS}, metadata: object, "
        "session_id: text?, tool_use_id: text?, prompt_id: text?, agent_id: text?, success: boolean, "
        "error: words?, summary: words"
    ),
    "hook_event": (
        "id: uuid, session_id: text, event: text, event_key: text, agent_id: text?, prompt_id: text?, "
        f"tool_use_id: text?, {_MOMENTS}, payload: json, recovered: boolean"
    ),
    "message": (
        "id: uuid, project_id: uuid?, from_agent_id: text?, to_agent_id: text?, message_type: text, topic: text?, "
        f"payload: json, priority: integer, read_by: texts, {_MOMENTS}, expires_at: until?, session_id: text?"
    ),
    "agent_context": (
        "id: uuid, project_id: uuid?, agent_id: text, agent_type: text, role_context: json, skills_to_restore: texts?, "
        "tools_used: texts?, progress_summary: words?, last_updated: moment, session_id: text?"
    ),
    "brief": (
        f"id: uuid, session_id: text, made_for: moment, {_MOMENTS}, trigger: text, content: words, snapshot: json, "
        "subject: text, given_at: moment?, settled_at: moment?, summary: words?"
    ),
    "usage": (
        f"message_id: text, session_id: text, agent_id: text, model: text, {_MOMENTS}, input_tokens: integer, "
        "output_tokens: integer, cache_read_tokens: integer, cache_creation_tokens: integer, "
        "cache_creation_1h_tokens: integer, request_id: text?"
    ),
    "model_request": (
        "session_id: text, key: text, request_id: text?, prompt_id: text?, model: text, source: text, "
        f"agent_name: text, {_MOMENTS}, input_tokens: integer, output_tokens: integer, cache_read_tokens: integer, "
        "cache_creation_tokens: integer, cost: number?, duration_ms: integer?, status: integer?, error: words?"
    ),
    "usage_sum": (
        "session_id: text, stream: text, started_at: moment, told_at: moment, model: text, source: text, "
        "agent_name: text, part: text, value: number"
    ),
    "compaction_size": (
        f"session_id: text, key: text, {_MOMENTS}, trigger: text, success: boolean, pre_tokens: integer?, "
        "post_tokens: integer?, duration_ms: integer?, error: words?"
    ),
    "context_usage": "session_id: text, tokens: integer?, model: text, told_at: moment",
    "score": (
        "keyword: text, tool_name: text, tool_type: text, score: number, usage_count: integer, "
        "success_count: integer, last_used: moment"
    ),
    "subscription": (
        f"id: uuid, agent_id: text, topic: text, callback_url: text?, {_MOMENTS}, updated_at: moment, "
        "last_called_at: moment?, last_status: integer?, failures: integer"
    ),
    "block": f"id: uuid, blocked_by: text, blocked_agent: text, reason: words?, {_MOMENTS}",
    "rejected_event": (
        f"id: uuid, entry_id: text, session_id: text?, event: text?, reason: words, payload: words, {_MOMENTS}, "
        "at: moment, came_as: text, recovered: boolean, refusals: integer, refused_at: moment, sent_again_at: moment?"
    ),
}

KINDS: Mapping[str, Mapping[str, str]] = {
    kind: dict(field.split(": ") for field in fields.split(", ")) for kind, fields in _TABLE.items()
}
"""{kind: {field: what it is}}, what others refer to first. `?`: it may be null.

What is `words`, `object`, `json` or `packed` may hold secrets.
"""


def _moment(value: object) -> datetime | None:
    try:
        at = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    return at if at and at.tzinfo else None


def _happened(value: object, latest: datetime) -> bool:
    at = _moment(value)
    return at is not None and EARLIEST <= at <= latest


def _until(value: object) -> bool:
    at = _moment(value)
    return at is not None and EARLIEST.year <= at.year < 2200


def _uuid(value: object) -> bool:
    try:
        return isinstance(value, str) and str(uuid.UUID(value)) == value
    except ValueError:
        return False


def _text(value: object) -> bool:
    return isinstance(value, str)


def _integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and -(2**63) <= value < 2**63


_FITS: Mapping[str, Callable[[object], bool]] = {
    "uuid": _uuid,
    "text": _text,
    "words": _text,
    "packed": _text,
    "until": _until,
    "integer": _integer,
    "number": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "texts": lambda value: isinstance(value, list) and all(isinstance(one, str) for one in value),
    "object": lambda value: isinstance(value, dict),
    "json": lambda value: value is not None,
}


def header(dcm: str, made_at: str, of: Mapping[str, str], waiting: int) -> Row:
    """The first line; `of` names the project or the session, `waiting` is how many accepted events it lacks."""
    return {
        "kind": HEADER, "format": FORMAT, "version": VERSION, "dcm": dcm, "made_at": made_at, "of": dict(of),
        "waiting": waiting,
    }  # fmt: skip


def totals(counts: Mapping[str, int]) -> Row:
    """The last line."""
    return {"kind": TOTALS, "totals": dict(counts)}


_NAMES = {
    "uuid": "a UUID", "text": "a text", "words": "a text", "packed": "a text",
    "moment": "a time with its zone from 2020 to now", "until": "a time with its zone from 2020 to 2199",
    "integer": "a whole number", "number": "a number", "boolean": "true or false", "texts": "a list of texts",
    "object": "an object", "json": "given",
}  # fmt: skip


def parse(line: bytes) -> Row:
    """A line as an object.

    Raises:
        InvalidInput: it is none.
    """
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"it is not JSON ({error})") from None
    if not isinstance(row, dict):
        raise InvalidInput("it is not an object")
    return row


def check_header(row: Row) -> None:
    """Refuse what is no export, or one of a later format.

    Raises:
        InvalidInput: the message says what it is instead.
    """
    version = row.get("version")
    if row.get("kind") != HEADER or row.get("format") != FORMAT or not _integer(version):
        raise InvalidInput("This is not an export of DCM: its first line is not the header that `dcm export` writes.")
    if version != VERSION:
        raise InvalidInput(
            f"This export has version {version} of the format and this DCM reads version {VERSION}: "
            f"import it with DCM {row.get('dcm')} or later."
        )


def fault(row: Row, now: datetime) -> str:
    """What is wrong with a line between header and totals, empty when nothing is."""
    fields = KINDS.get(str(row.get("kind")))
    if fields is None:
        return f"its kind is {row.get('kind')!r}, which is none"
    for name, what in fields.items():
        value = row.get(name)
        if value is None and what.endswith("?"):
            continue
        if not _fits(name, what.rstrip("?"), value, now):
            return f"{name} is missing" if name not in row else f"{name} is not {_NAMES[what.rstrip('?')]}"
    return ""


def _fits(name: str, what: str, value: object, now: datetime) -> bool:
    """A brief is never made for a time to come: it would stand before all that are made here."""
    if what == "moment":
        return _happened(value, now if name == "made_for" else now + AHEAD)
    return _FITS[what](value)


def months(rows: Iterable[Row]) -> set[str]:
    """The months that rows without fault need tables for."""
    dated = (datetime.fromisoformat(row["created_at"]) for row in rows if row["kind"] in _IN_MONTHS)
    return {f"{at.astimezone(UTC):%Y-%m}" for at in dated}


def redacted(row: Row, redactor: Redactor) -> Row:
    """The line without secrets; what rows are found by stays as it is. Its texts are looked at together, for speed."""
    fields = KINDS[row["kind"]]
    said = {
        name: _value(row[name]) if fields[name].startswith("packed") else row[name]
        for name in fields
        if row.get(name) and fields[name].rstrip("?") in _SAID
    }
    found = {"payload": redactor.payload(said["payload"])} if _is_hook(row) else redactor.payload(said)
    changed = {name: found[name] for name, value in said.items() if found[name] != value}
    return {**row, **{name: _as_said(value, fields[name]) for name, value in changed.items()}} if changed else row


_SAID = frozenset({"words", "object", "json", "packed"})


def _is_hook(row: Row) -> bool:
    """Whether it is an event whose payload says by itself what its tool touched."""
    return row["kind"] == "hook_event" and isinstance(row["payload"], dict) and bool(row["payload"])


def _value(text: str) -> Any:
    """What a text says as JSON, the text itself when it is none."""
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text


def _as_said(value: Any, what: str) -> Any:
    if not what.startswith("packed") or isinstance(value, str):
        return value
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def renamed(row: Row, folders: Mapping[str, str], projects: Mapping[str, str]) -> Row:
    """The line with folders renamed where a row names one, and the ids of projects that are known by another."""
    changed = dict(row)
    for name in ("path", "cwd", "worktree"):
        if isinstance(row.get(name), str) and row["kind"] in {"project", "session"}:
            changed[name] = moved(row[name], folders)
    if row["kind"] == "action":
        changed["file_paths"] = [moved(path, folders) for path in row["file_paths"]]
    if row.get("project_id") in projects:
        changed["project_id"] = projects[row["project_id"]]
    return changed


def moved(path: str, folders: Mapping[str, str]) -> str:
    """A path in its new folder: the innermost that is renamed and holds it."""
    for old in sorted(folders, key=len, reverse=True):
        if path == old or path.startswith(f"{old.rstrip('/')}/"):
            return folders[old].rstrip("/") + path[len(old.rstrip("/")) :] or "/"
    return path
