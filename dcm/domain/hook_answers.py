"""What of a server's answer to a hook reaches Claude Code: text for the conversation, and nothing that decides.

Whoever listens at the server's address may answer. What allows a call, alters it or stops the session is left out.
The client of the hooks, which imports nothing, does the same.
"""

import json
from typing import Any

PLAIN, JSON = "text/plain", "application/json"
KEPT = ("hookEventName", "additionalContext")


def passed_on(event: str, content_type: str, body: bytes) -> tuple[str, bytes]:
    """Content type and body of what is passed on of a 200; `{}` where there is nothing."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == PLAIN and event == "PreCompact":
        return (content_type, body) if _is_prose(body) else (JSON, b"{}")
    told = _context(body) if kind == JSON else None
    return JSON, json.dumps({"hookSpecificOutput": told}).encode() if told else b"{}"


def complaint(body: bytes) -> bytes:
    """The body of a refusal: why, and nothing else."""
    said = _json(body)
    reason = said.get("error") if isinstance(said, dict) else None
    return json.dumps({"error": reason if isinstance(reason, str) else "The server refused the event."}).encode()


def _context(body: bytes) -> dict[str, str] | None:
    said = _json(body)
    told = said.get("hookSpecificOutput") if isinstance(said, dict) else None
    fields = told if isinstance(told, dict) else {}
    kept = {key: fields[key] for key in KEPT if isinstance(fields.get(key), str)}
    return kept if len(kept) == len(KEPT) else None


def _is_prose(body: bytes) -> bool:
    """Whether it is text that is not read as an answer with fields, whatever blanks it begins with."""
    try:
        return not body.decode("utf-8").replace("\ufeff", " ").lstrip().startswith("{")
    except UnicodeDecodeError:
        return False


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None
