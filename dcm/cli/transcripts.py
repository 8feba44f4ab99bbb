"""What a transcript tells, as the hooks would have told it. Pure: records come in, payloads go out.

Shapes: hooks specification, section 8. The format is the client's own and may change: what is not known is passed over.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dcm.client.shapes.events import Past
from dcm.domain.transcripts import said

Record = Mapping[str, Any]

SETTLED = timedelta(minutes=1)
"""A transcript untouched for this long has its last words: a client that still writes adds more at once."""

OVER = timedelta(hours=1)
"""A transcript untouched for this long is of a session that has ended."""

NOT_PROMPTS = ("<local-command-", "<command-", "<bash-", "[Request interrupted", "Caveat: ")
"""How the client's own notes begin that stand where a prompt would; no hook tells of them."""

NEVER_RAN = ("<tool_use_error>", "The user doesn't want to proceed", "[Request interrupted")
"""How the result begins of a tool call that was refused: no hook tells of it."""

NO_MODEL = "<synthetic>"
"""The model of what the client itself says in the model's place: an error, an interruption."""

ENDS = frozenset({"SessionEnd", "SubagentStop"})


@dataclass(frozen=True, slots=True)
class Agent:
    """The subagent a transcript is of."""

    id: str
    type: str
    transcript_path: str


@dataclass(slots=True)
class _Turn:
    """Where the reading stands."""

    session_id: str = ""
    first_cwd: str = ""
    cwd: str = ""
    first_prompt_id: str = ""
    prompt_id: str = ""
    model: str = ""
    first_at: str = ""
    last_at: str = ""
    answer: str = ""
    answered_at: str = ""
    answered_prompt_id: str = ""
    calls: dict[str, Record] = field(default_factory=dict)


def payloads(records: Iterable[Record], *, now: datetime, touched: datetime, agent: Agent | None = None) -> list[Past]:
    """The events of one transcript, those that end something first: what is over never seems to run meanwhile.

    `touched` is when the file was last written.
    """
    turn, told = _Turn(), []
    for record in records:
        if isinstance(record.get("timestamp"), str) and bool(record.get("isSidechain")) == bool(agent):
            _remember(turn, record)
            told += list(_of_record(turn, record, agent))
    if not turn.session_id:
        return []
    told += [_begun(turn, agent), *_at_the_end(turn, agent, now - touched)]
    return sorted(told, key=lambda past: past["payload"]["hook_event_name"] not in ENDS)


def _remember(turn: _Turn, record: Record) -> None:
    turn.session_id = turn.session_id or _text(record, "sessionId")
    turn.cwd = _text(record, "cwd") or turn.cwd
    turn.first_cwd = turn.first_cwd or turn.cwd
    turn.last_at = record["timestamp"]
    turn.first_at = turn.first_at or turn.last_at
    if record.get("type") == "user":
        turn.prompt_id = _text(record, "promptId") or turn.prompt_id
        turn.first_prompt_id = turn.first_prompt_id or turn.prompt_id


def _of_record(turn: _Turn, record: Record, agent: Agent | None) -> Iterator[Past]:
    if record.get("type") == "assistant":
        _hear(turn, record)
        return
    if record.get("type") != "user" or record.get("isMeta") or record.get("isCompactSummary"):
        return
    results = [block for block in _blocks(record) if block.get("type") == "tool_result"]
    for result in results:
        yield from _tool_ended(turn, record, result, agent, alone=len(results) == 1)
    prompt = said(record)
    if not results and prompt and not agent and not prompt.startswith(NOT_PROMPTS):
        yield from _prompted(turn, record, prompt)


def _hear(turn: _Turn, record: Record) -> None:
    """Note what the model said and what it wants to run; words before a call are not its answer."""
    message = record.get("message")
    model = _text(message, "model") if isinstance(message, Mapping) else ""
    if model == NO_MODEL:
        return
    turn.model = turn.model or model
    wanted = [block for block in _blocks(record) if block.get("type") == "tool_use"]
    turn.calls.update({_text(block, "id"): block for block in wanted})
    words = said(record)
    if wanted:
        turn.answer = ""
    elif words:
        turn.answer, turn.answered_at, turn.answered_prompt_id = words, turn.last_at, turn.prompt_id


def _begun(turn: _Turn, agent: Agent | None) -> Past:
    name, facts = "SubagentStart", {}
    if not agent:
        name, facts = "SessionStart", {"source": "startup", **({"model": turn.model} if turn.model else {})}
    begun = _past(turn, turn.first_at, name, agent, facts, prompt_id=turn.first_prompt_id if agent else "")
    begun["payload"]["cwd"] = turn.first_cwd
    return begun


def _prompted(turn: _Turn, record: Record, prompt: str) -> Iterator[Past]:
    """A prompt, and before it the end of the answer to the one before."""
    yield from _answered(turn, None)
    mode = _text(record, "permissionMode")
    facts = {"prompt": prompt, **({"permission_mode": mode} if mode else {})}
    yield _past(turn, turn.last_at, "UserPromptSubmit", None, facts, prompt_id=turn.prompt_id)


def _answered(turn: _Turn, agent: Agent | None) -> Iterator[Past]:
    if turn.answer and not agent:
        facts = {"stop_hook_active": False, "last_assistant_message": turn.answer}
        yield _past(turn, turn.answered_at, "Stop", None, facts, prompt_id=turn.answered_prompt_id)
    turn.answer = ""


def _tool_ended(turn: _Turn, record: Record, result: Record, agent: Agent | None, *, alone: bool) -> Iterator[Past]:
    """A finished tool call; `alone`: the record's own result is this one's."""
    call_id = _text(result, "tool_use_id")
    call, words = turn.calls.pop(call_id, None), _result_text(result)
    if call is None or (result.get("is_error") and words.startswith(NEVER_RAN)):
        return
    facts: dict[str, Any] = {
        "tool_name": _text(call, "name"),
        "tool_input": call.get("input"),
        "tool_use_id": call_id,
    }
    if result.get("is_error"):
        yield _past(turn, turn.last_at, "PostToolUseFailure", agent, facts | {"error": words}, prompt_id=turn.prompt_id)
        return
    whole = record.get("toolUseResult")
    facts["tool_response"] = whole if alone and isinstance(whole, Mapping | list) else words
    yield _past(turn, turn.last_at, "PostToolUse", agent, facts, prompt_id=turn.prompt_id)


def _at_the_end(turn: _Turn, agent: Agent | None, untouched: timedelta) -> Iterator[Past]:
    if untouched < SETTLED:
        return
    if agent and turn.answer:
        end = {"last_assistant_message": turn.answer, "agent_transcript_path": agent.transcript_path}
        yield _past(
            turn,
            turn.answered_at,
            "SubagentStop",
            agent,
            {"stop_hook_active": False, **end},
            prompt_id=turn.answered_prompt_id,
        )
    yield from _answered(turn, agent)
    if untouched >= OVER and not agent:
        yield _past(turn, turn.last_at, "SessionEnd", None, {"reason": "other"}, prompt_id="")


def _past(turn: _Turn, at: str, name: str, agent: Agent | None, facts: Mapping[str, Any], *, prompt_id: str) -> Past:
    payload: dict[str, Any] = {"session_id": turn.session_id, "hook_event_name": name, "cwd": turn.cwd, **facts}
    if prompt_id:
        payload["prompt_id"] = prompt_id
    if agent:
        payload |= {"agent_id": agent.id, "agent_type": agent.type}
    return {"at": at, "payload": payload}


def _blocks(record: Record) -> list[Record]:
    message = record.get("message")
    content = message.get("content") if isinstance(message, Mapping) else None
    return [block for block in content if isinstance(block, Mapping)] if isinstance(content, list) else []


def _result_text(result: Record) -> str:
    content = result.get("content")
    if isinstance(content, str):
        return content
    return said({"message": {"content": content}})


def _text(value: Mapping[str, Any], name: str) -> str:
    found = value.get(name)
    return found if isinstance(found, str) else ""
