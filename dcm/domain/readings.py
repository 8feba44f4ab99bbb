"""Reading a transcript on from where it stood: records come in, events go out as the hooks would have told them.

What is between two pieces stands in a `Turn`, which is kept as JSON, so that reading in pieces tells the same as
reading at once. Shapes: hooks specification, section 8. What is not known is passed over.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from dataclasses import asdict, fields
from datetime import datetime, timedelta
from typing import Any

from dcm.domain.cuts import TEXT_LIMIT, cut_fields, cut_text
from dcm.domain.facts.calls import REFUSED
from dcm.domain.facts.refusals import said_with
from dcm.domain.texts import storable
from dcm.domain.transcripts import said
from dcm.domain.turns import Agent, Past, Record, Turn, moment
from dcm.domain.usage import NO_MODEL, ContextUse, MessageUse, message_id, request_id, tokens

SETTLED = timedelta(minutes=1)
"""A transcript untouched for this long has its last words: a client that still writes adds more at once."""

OVER = timedelta(hours=1)
"""A transcript untouched for this long is of a session that has ended."""

Elsewhere = Callable[[Collection[str]], Set[str]]
"""Gives those of the ids of answers that another session is known to have told."""

COPIED = timedelta(seconds=5)
"""Records dated this much before the first of their file were copied from the session it was forked from."""

MOST_CALLS = 200
"""Tool calls without a result that are remembered: the newest."""

NOT_PROMPTS = ("<local-command-", "<command-", "<bash-", "[Request interrupted", "Caveat: ")
"""How the client's own notes begin that stand where a prompt would; no hook tells of them."""

INTERRUPTED = "[Request interrupted"
"""How the note begins that a person stopped the model: its turn has no end that a hook tells."""

NEVER_RAN = ("<tool_use_error>", INTERRUPTED)
"""The same of the result of a tool call that the client did not run."""

LAST_WORDS = frozenset({"end_turn", "stop_sequence"})
"""Why a model stops that has said what it had to say."""

ENDS = frozenset({"SessionEnd", "SubagentStop"})


def ends_first(told: Sequence[Past]) -> list[Past]:
    """The events, those that end something first: what is over never seems to run meanwhile."""
    return sorted(told, key=lambda past: past["payload"]["hook_event_name"] not in ENDS)


class Reading:
    """The reading of one transcript. `uses` and `context` are what the model's answers took, as far as it was read.

    `session_id`: whose the file is, where that is known; records of other sessions in it are passed over.
    """

    def __init__(self, agent: Agent | None = None, session_id: str = "", state: Mapping[str, Any] | None = None):
        known = {item.name for item in fields(Turn)}
        self.agent = agent
        self.turn = Turn(**{name: value for name, value in (state or {}).items() if name in known})
        self.turn.calls = dict(self.turn.calls)
        self.turn.session_id = self.turn.session_id or session_id
        self.uses: list[MessageUse] = []
        self.context: ContextUse | None = None

    def state(self) -> dict[str, Any]:
        """Where it stands, as JSON takes it."""
        return asdict(self.turn)

    def pass_over_copies(self, found: Sequence[Record], elsewhere: Elsewhere) -> None:
        """Note up to where the records that come next were copied: a fork begins with what another session told.

        `elsewhere` gives those of the ids of answers that another session is known to have told.
        """
        answers = {id_: at for record in found if (id_ := message_id(record)) and (at := moment(record))}
        if not self.turn.copying or self.agent or not answers:
            return
        copied = elsewhere(answers) & answers.keys()
        self.turn.copying = len(copied) == len(answers)
        if copied:
            self.turn.copied_at = max(answers[id_] for id_ in copied).isoformat()

    def take(self, record: Record) -> list[Past]:
        """The events that a record tells."""
        at = moment(record)
        if at is None or not self._is_own(record, at):
            return []
        self._weigh(record, at.isoformat())
        if bool(record.get("isSidechain")) != bool(self.agent):
            return []
        self._remember(record)
        return list(self._of_record(record))

    def end(self, untouched: timedelta, *, ends: bool = False, at_once: bool = False) -> list[Past]:
        """What the end of the file tells, once nothing was added for so long; `ends`: of the session's end too.

        `at_once`: a start is told even where the model is not known yet, which a later record may name.
        """
        turn, told = self.turn, []
        if not turn.first_at:
            return []
        if (at_once or untouched >= SETTLED) and not turn.begun:
            told.append(self._begun())
        if untouched >= SETTLED or turn.final:
            told += self._answered()
        if ends and untouched >= OVER and not self.agent and not turn.ended:
            turn.ended = True
            told.append(self._past(turn.last_at, "SessionEnd", {"reason": "other"}))
        return told

    def _is_own(self, record: Record, at: datetime) -> bool:
        """Whether a record was written by this session, and was not copied from another."""
        turn = self.turn
        session_id = _text(record, "sessionId")
        turn.session_id = turn.session_id or session_id
        if session_id and session_id != turn.session_id:
            return False
        turn.opened_at = turn.opened_at or record["timestamp"]
        if turn.copied_at and at <= datetime.fromisoformat(turn.copied_at):
            return False
        return at >= datetime.fromisoformat(turn.opened_at) - COPIED

    def _weigh(self, record: Record, at: str) -> None:
        """Note what an answer took, and how large the main conversation is with it."""
        if record.get("type") == "system" and record.get("subtype") == "compact_boundary":
            if self.turn.weighed:
                self._set_context(record, ContextUse(self.turn.session_id, at, None, ""))
            return
        message = record.get("message")
        if record.get("type") != "assistant" or not isinstance(message, Mapping):
            return
        model, taken, id_ = storable(_text(message, "model")), tokens(record), message_id(record)
        if not taken or not model or model == NO_MODEL or not id_:
            return
        agent_id = self.agent.id if self.agent else ""
        self.uses.append(MessageUse(id_, self.turn.session_id, agent_id, model, at, taken, request_id(record)))
        self.turn.weighed = True
        self._set_context(record, ContextUse(self.turn.session_id, at, taken.context, model))

    def _set_context(self, record: Record, found: ContextUse) -> None:
        if not self.agent and not record.get("isSidechain"):
            self.context = found

    def _remember(self, record: Record) -> None:
        turn = self.turn
        turn.cwd = _text(record, "cwd") or turn.cwd
        turn.first_cwd = turn.first_cwd or turn.cwd
        turn.last_at = record["timestamp"]
        turn.first_at = turn.first_at or turn.last_at
        turn.ended = False
        if record.get("type") == "user":
            turn.prompt_id = _text(record, "promptId") or turn.prompt_id
            turn.first_prompt_id = turn.first_prompt_id or turn.prompt_id

    def _of_record(self, record: Record) -> Iterator[Past]:
        if record.get("type") == "assistant":
            yield from self._hear(record)
            return
        if record.get("type") != "user" or record.get("isMeta") or record.get("isCompactSummary"):
            return
        results = [block for block in _blocks(record) if block.get("type") == "tool_result"]
        for result in results:
            yield from self._tool_ended(record, result, alone=len(results) == 1)
        if not results and not self.agent and (prompt := said(record)):
            yield from self._prompted(record, prompt)

    def _hear(self, record: Record) -> Iterator[Past]:
        """Note what the model said and what it wants to run; words before a call are not its answer."""
        turn, message = self.turn, record.get("message")
        if not isinstance(message, Mapping) or _text(message, "model") == NO_MODEL:
            return
        turn.model = turn.model or _text(message, "model")
        if turn.model and not turn.begun:
            yield self._begun()
        wanted = [block for block in _blocks(record) if block.get("type") == "tool_use"]
        for block in wanted:
            turn.calls[_text(block, "id")] = {"name": _text(block, "name"), "input": cut_fields(block.get("input"))}
        for call_id in list(turn.calls)[: max(0, len(turn.calls) - MOST_CALLS)]:
            del turn.calls[call_id]
        words = said(record)
        if wanted:
            turn.answer, turn.final = "", False
        elif words:
            turn.answer, turn.answered_at = cut_text(words, TEXT_LIMIT), turn.last_at
            turn.answered_prompt_id = turn.prompt_id
            turn.final = _text(message, "stop_reason") in LAST_WORDS

    def _begun(self) -> Past:
        turn = self.turn
        turn.begun = True
        name, facts = "SubagentStart", {}
        if not self.agent:
            name, facts = "SessionStart", {"source": "startup", **({"model": turn.model} if turn.model else {})}
        begun = self._past(turn.first_at, name, facts, prompt_id=turn.first_prompt_id if self.agent else "")
        begun["payload"]["cwd"] = turn.first_cwd
        return begun

    def _prompted(self, record: Record, prompt: str) -> Iterator[Past]:
        """A prompt, and before it the end of the answer to the one before."""
        turn = self.turn
        if prompt.startswith(INTERRUPTED):
            turn.answer = ""
        if prompt.startswith(NOT_PROMPTS):
            return
        yield from self._answered()
        mode = _text(record, "permissionMode")
        facts = {"prompt": prompt, **({"permission_mode": mode} if mode else {})}
        yield self._past(turn.last_at, "UserPromptSubmit", facts, prompt_id=turn.prompt_id)

    def _answered(self) -> list[Past]:
        """The end of an answer, if there is one that was not told."""
        turn = self.turn
        if not turn.answer:
            return []
        name, facts = "Stop", {"stop_hook_active": False, "last_assistant_message": turn.answer}
        if self.agent:
            name, facts["agent_transcript_path"] = "SubagentStop", self.agent.transcript_path
        turn.answer, turn.final = "", False
        return [self._past(turn.answered_at, name, facts, prompt_id=turn.answered_prompt_id)]

    def _tool_ended(self, record: Record, result: Record, *, alone: bool) -> Iterator[Past]:
        """A finished tool call; `alone`: the record's own result is this one's."""
        turn, call_id = self.turn, _text(result, "tool_use_id")
        call, words = turn.calls.pop(call_id, None), _result_text(result)
        if call is None or (result.get("is_error") and words.startswith(NEVER_RAN)):
            return
        facts: dict[str, Any] = {"tool_name": call["name"], "tool_input": call["input"], "tool_use_id": call_id}
        name = "PostToolUse"
        if result.get("is_error") and words.startswith(REFUSED):
            name, facts["reason"] = "PermissionDenied", said_with(words)
        elif result.get("is_error"):
            name, facts["error"] = "PostToolUseFailure", words
        else:
            whole = record.get("toolUseResult")
            facts["tool_response"] = whole if alone and isinstance(whole, Mapping | list) else words
        yield self._past(turn.last_at, name, facts, prompt_id=turn.prompt_id)

    def _past(self, at: str, name: str, facts: Mapping[str, Any], *, prompt_id: str = "") -> Past:
        payload: dict[str, Any] = {
            "session_id": self.turn.session_id,
            "hook_event_name": name,
            "cwd": self.turn.cwd,
            **facts,
        }
        if prompt_id:
            payload["prompt_id"] = prompt_id
        if self.agent:
            payload |= {"agent_id": self.agent.id, "agent_type": self.agent.type}
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
