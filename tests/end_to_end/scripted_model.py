"""A stand-in for the Anthropic Messages API, so that the real Claude Code client runs offline.

    with ScriptedModel(Scenario(main=[Call("Bash", {"command": "ls"})])) as model:
        ...                     # run the client with ANTHROPIC_BASE_URL=model.url
    assert model.saw("what the next request should hold")

Each conversation has a list of steps; the n-th call of that conversation is answered by the n-th step, and
every call after the last by the final text. A compaction request takes no step and is answered by the
summary; so are the client's small side requests, which offer no tools, by the final text.
"""

import json
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

OUTPUT_TOKENS = 50

COMPACTION_MARKS = ("Do NOT call any tools", "detailed summary of the conversation")


@dataclass(frozen=True, slots=True)
class Call:
    """The model calls a tool. `tokens` is the input size it reports, which can make the client compact."""

    tool: str
    input: Mapping[str, Any]
    tokens: int = 5000
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class Say:
    """The model answers with text, which ends its turn; the next prompt goes on with the next step."""

    text: str
    tokens: int = 5000
    after: float = 0.0


@dataclass(frozen=True, slots=True)
class ApiError:
    """The model's API refuses. The client tries again after 429, 5xx and 529, not after 400."""

    status: int = 400
    kind: str = "invalid_request_error"
    message: str = "refused by the script"
    after: float = 0.0


Step = Call | Say | ApiError


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the model does. A conversation whose first message holds a mark of `subagents` follows its steps.

    `after` of a step is a delay in seconds before it is answered.
    """

    main: Sequence[Step] = ()
    subagents: Mapping[str, Sequence[Step]] = field(default_factory=dict)
    final: str = "All done."
    summary: str = "Summary: the work goes on."


@dataclass(frozen=True, slots=True)
class Request:
    """One request that reached the model. `conversation` is "main" or the mark of a subagent."""

    path: str
    body: Mapping[str, Any]
    conversation: str

    @property
    def text(self) -> str:
        """Everything a model would read in it, as plain text."""
        return "\n".join(_texts(self.body.get("system", "")) + _texts(self.body.get("messages", [])))

    @property
    def tools(self) -> set[str]:
        """The names of the tools it offers."""
        return {tool.get("name", "") for tool in self.body.get("tools") or []}

    @property
    def is_compaction(self) -> bool:
        """Whether it asks for a summary of the conversation."""
        said = [message for message in self.body.get("messages", []) if message.get("role") == "user"]
        last = "\n".join(_texts(said[-1:]))
        return any(mark in last for mark in COMPACTION_MARKS)


def _texts(part: Any) -> list[str]:
    if isinstance(part, str):
        return [part]
    if isinstance(part, list):
        return [text for item in part for text in _texts(item)]
    if isinstance(part, dict):
        return [text for key in ("text", "content", "input") for text in _texts(part.get(key))] + (
            [value for value in part.values() if isinstance(value, str)] if "type" not in part else []
        )
    return []


class ScriptedModel:
    """The server, on a port of its own choice on 127.0.0.1. `requests` keeps what reached it, in order.

    `reported` keeps the input tokens that each answer said it took; each took OUTPUT_TOKENS as well.
    """

    def __init__(self, scenario: Scenario | None = None) -> None:
        self.scenario = scenario or Scenario()
        self.requests: list[Request] = []
        self.reported: list[int] = []
        self._taken: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def url(self) -> str:
        """What ANTHROPIC_BASE_URL must say."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def play(self, scenario: Scenario) -> None:
        """Follow another scenario from its first step on; the requests so far are kept."""
        with self._lock:
            self.scenario = scenario
            self._taken.clear()

    def saw(self, text: str, *, conversation: str | None = None) -> bool:
        """Whether any request (of that conversation) held this text."""
        return any(text in request.text for request in self.turns(conversation))

    def turns(self, conversation: str | None = None) -> list[Request]:
        """The requests that offered tools or asked for a summary (of that conversation), in order."""
        return [
            request
            for request in list(self.requests)
            if (request.tools or request.is_compaction) and conversation in (None, request.conversation)
        ]

    def receive(self, path: str, body: Mapping[str, Any]) -> Step:
        """Keep the request and choose its answer."""
        request = Request(path, body, self._conversation(body))
        with self._lock:
            self.requests.append(request)
            step = self._step(request)
            if not isinstance(step, ApiError):
                self.reported.append(step.tokens)
            return step

    def _step(self, request: Request) -> Step:
        if request.is_compaction:
            return Say(f"{self.scenario.summary} {request.conversation.removeprefix('main')}".strip())
        return self._next_step(request) if request.tools else Say(self.scenario.final)

    def _conversation(self, body: Mapping[str, Any]) -> str:
        first = "\n".join(_texts(body.get("messages", [])[:1]))
        return next((mark for mark in self.scenario.subagents if mark in first), "main")

    def _next_step(self, request: Request) -> Step:
        steps = self.scenario.subagents.get(request.conversation, self.scenario.main)
        taken = self._taken[request.conversation]
        self._taken[request.conversation] += 1
        step = steps[taken] if taken < len(steps) else Say(self.scenario.final)
        if isinstance(step, Call) and step.tool == "Agent" and "Agent" not in request.tools:
            return Call("Task", step.input, step.tokens, step.after)
        return step


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, model: ScriptedModel) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.model = model

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that ends drops its connections: no news."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name it overrides
        pass

    def do_HEAD(self) -> None:
        self._send_json(200, {})

    def do_GET(self) -> None:
        self._send_json(200, {})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", 0))) or b"{}")
        if "count_tokens" in self.path:
            self._send_json(200, {"input_tokens": 1000})
        elif self.path.startswith("/v1/messages"):
            self._answer(self.server.model.receive(self.path, body), body)
        else:
            self._send_json(200, {})

    def _answer(self, step: Step, body: Mapping[str, Any]) -> None:
        time.sleep(step.after)
        if isinstance(step, ApiError):
            error = {"type": step.kind, "message": step.message}
            self._send_json(step.status, {"type": "error", "error": error})
        elif body.get("stream"):
            self._send(200, "text/event-stream", b"".join(_events(step, body.get("model", ""))))
        else:
            self._send_json(200, _message(step, body.get("model", "")))

    def _send_json(self, status: int, body: object) -> None:
        self._send(status, "application/json", json.dumps(body).encode())

    def _send(self, status: int, kind: str, data: bytes) -> None:
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("request-id", f"req_{uuid.uuid4().hex}")
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)


def _usage(tokens: int) -> dict[str, int]:
    cached = {"cache_creation_input_tokens": 0, "cache_read_input_tokens": 0}
    return {"input_tokens": tokens, "output_tokens": OUTPUT_TOKENS, **cached}


def _block(step: Call | Say) -> dict[str, Any]:
    if isinstance(step, Say):
        return {"type": "text", "text": step.text}
    return {"type": "tool_use", "id": f"toolu_{uuid.uuid4().hex[:20]}", "name": step.tool, "input": step.input}


def _message(step: Call | Say, model: str) -> dict[str, Any]:
    return {
        "id": f"msg_{uuid.uuid4().hex[:20]}",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [_block(step)],
        "stop_reason": "tool_use" if isinstance(step, Call) else "end_turn",
        "stop_sequence": None,
        "usage": _usage(step.tokens),
    }


def _events(step: Call | Say, model: str) -> list[bytes]:
    """The message as the stream of server-sent events a client expects."""
    message = _message(step, model)
    block = message["content"][0]
    if isinstance(step, Call):
        empty: dict[str, Any] = {**block, "input": {}}
        delta = {"type": "input_json_delta", "partial_json": json.dumps(step.input)}
    else:
        empty, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": step.text}
    stop = {"stop_reason": message["stop_reason"], "stop_sequence": None}
    opened = {**message, "content": [], "stop_reason": None}
    return [
        _event("message_start", message=opened),
        _event("content_block_start", index=0, content_block=empty),
        _event("content_block_delta", index=0, delta=delta),
        _event("content_block_stop", index=0),
        _event("message_delta", delta=stop, usage={"output_tokens": OUTPUT_TOKENS}),
        _event("message_stop"),
    ]


def _event(kind: str, **body: object) -> bytes:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **body})}\n\n".encode()
