"""The one hook client: hands a hook's payload to the server and prints what it answers.

    python3 -I -S client.py http://127.0.0.1:3847 [SLOW_MARK [DCM_HOME BRIDGE_PORT]] < payload

Claude Code waits for this program and shows what goes wrong in it. So it prints nothing but a whole and valid
answer, always exits with 0, and starts fast: `json` and `socket`, which would double that time, are avoided.
Told a DCM_HOME, the start of a session also starts the DCM of that home when it does not run.
"""

import _socket
import os
import select
import sys
import time

PATH = "/api/hooks/claude"
LARGEST_ANSWER = 1 << 20
POST_SECONDS = 10.0  # it is done behind Claude's back, in a process of its own
BREATHER = 10.0  # after an answer that did not come in time, SECONDS are nought for as long as this

BRIEF_SECONDS = {"compact": 2.5, "resume": 2.5, "PreCompact": 1.0}
"""How long Claude waits for what it should remember, by SessionStart's source or by event."""

SECONDS = dict.fromkeys(("SessionStart", "UserPromptSubmit", "PreToolUse", "PostToolUse", "PostToolUseFailure"), 0.5)
"""How long it waits for the other answers; events not named here have no use for one."""

START_SECONDS = {"startup": 4.0}
"""How long it waits instead while DCM is being started, by source: less than the timeout in hooks.json."""

STARTING = b"\0"
"""What the posting process says before its answer, which never begins so, when DCM is being started."""


def address(url: str) -> tuple[str, str, int, str]:
    """Authority, host, port and path of the endpoint, given the server's URL with or without that path."""
    scheme, _, rest = url.partition("://")
    authority, _, path = rest.partition("/")
    host, colon, port = authority.rpartition(":")
    if not colon or port.endswith("]"):
        host, port = authority, "80"
    if scheme != "http":
        raise ValueError(f"not an http URL: {url}")
    return authority, host.strip("[]"), int(port), f"/{path}".rstrip("/").removesuffix(PATH) + PATH


def connect(host: str, port: int) -> _socket.socket:
    """A connection to the first address of the host that takes one."""
    for family, kind, protocol, _, place in _socket.getaddrinfo(host, port, 0, _socket.SOCK_STREAM):
        connection = _socket.socket(family, kind, protocol)
        connection.settimeout(POST_SECONDS)
        if connection.connect_ex(place) == 0:
            return connection
    raise ConnectionError(host, port)


def post(url: str, body: bytes) -> bytes:
    """Post `body` to the endpoint and return the reply."""
    authority, host, port, path = address(url)
    head = f"POST {path} HTTP/1.0\r\nHost: {authority}\r\nConnection: close\r\n{authorization()}"
    head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return ask(host, port, head, body)


def authorization() -> str:
    """The header that shows the access token of DCM_TOKEN, which a DCM on another machine asks for."""
    token = os.environ.get("DCM_TOKEN", "").strip()
    return f"Authorization: Bearer {token}\r\n" if token and token.isascii() and token.isprintable() else ""


def ask(host: str, port: int, head: str, body: bytes = b"") -> bytes:
    """The reply to a request; asked for with HTTP/1.0, so that it is never chunked."""
    connection = connect(host, port)
    connection.sendall(head.encode("ascii") + body)
    deadline, reply = time.monotonic() + POST_SECONDS, b""
    for part in iter(lambda: connection.recv(65536), b""):
        reply += part
        if parsed(reply)[2] or len(reply) > LARGEST_ANSWER or time.monotonic() > deadline:
            break
    return reply


def parsed(reply: bytes) -> tuple[str, str, bool, bytes]:
    """Status line, content type, whether all of the body is there, and the body."""
    head, _, body = reply.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").lower().split("\r\n")
    fields = {name.strip(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
    kind = fields.get("content-type", "").partition(";")[0]
    return status, kind, fields.get("content-length") == str(len(body)), body


def accepted(status: str) -> bool:
    """Whether a status line says that the server did as it was asked."""
    return status.startswith(("http/1.0 200", "http/1.1 200"))


def answer(reply: bytes, event: str) -> bytes:
    """What to print of a whole 200 reply to this event: text for the conversation, and nothing that decides."""
    status, kind, whole, body = parsed(reply)
    if not accepted(status) or not whole or body == b"{}":
        return b""
    if kind == "text/plain" and event == "PreCompact":
        text = body.decode("utf-8")
        reads_as_json = text.replace("\ufeff", " ").lstrip().startswith("{")
        return b"" if reads_as_json else text.encode("utf-8")
    return context(body) if kind == "application/json" else b""


def context(body: bytes) -> bytes:
    """The answer with nothing in it but a text for the conversation; nothing where it has none.

    Whoever listens at the server's address may answer: what allows a call, alters or stops it is not passed on.
    """
    import json  # noqa: PLC0415 - most answers are empty and need none

    said = json.loads(body)
    told = said.get("hookSpecificOutput") if isinstance(said, dict) else None
    fields = told if isinstance(told, dict) else {}
    name, text = fields.get("hookEventName"), fields.get("additionalContext")
    if not isinstance(name, str) or not isinstance(text, str):
        return b""
    kept = {"hookEventName": name, "additionalContext": text}
    return json.dumps({"hookSpecificOutput": kept}, ensure_ascii=False).encode("utf-8")


def value(payload: bytes, key: str) -> str:
    """The first string that the payload has under this key; Claude Code writes its own keys first."""
    after = payload.partition(b'"%s"' % key.encode())[2].lstrip(b" \t\r\n:")
    return after[1:].partition(b'"')[0].decode() if after[:1] == b'"' else ""


def patience(payload: bytes, event: str, slow_mark: str) -> float:
    """Seconds to wait for the answer; 0 when it has no use or the server was slow a moment ago."""
    source = value(payload, "source") if event == "SessionStart" else event
    return BRIEF_SECONDS.get(source) or (0.0 if slow_lately(slow_mark) else SECONDS.get(event, 0.0))


def slow_lately(mark: str) -> bool:
    """Whether an answer did not come in time a moment ago."""
    try:
        return 0 <= time.time() - os.stat(mark).st_mtime < BREATHER  # noqa: PTH116 - pathlib is slow to import
    except OSError:
        return False


def healthy(url: str, bridge_port: str) -> bool:
    """Whether the API says that it is well and something listens on the bridge's port."""
    import json  # noqa: PLC0415 - asked only by the posting process, for which nobody waits

    try:
        authority, host, port, _ = address(url)
        reply = ask(
            host, port, f"GET /health HTTP/1.0\r\nHost: {authority}\r\nConnection: close\r\n{authorization()}\r\n"
        )
        status, _, whole, body = parsed(reply)
        connect(host, int(bridge_port)).close()
        return accepted(status) and whole and json.loads(body)["status"] == "healthy"
    except (OSError, ValueError, KeyError, TypeError):
        return False


def bring_up(home: str) -> bool:
    """Start DCM, or wait for whoever is starting it; False when it was not to be started."""
    import fcntl  # noqa: PLC0415 - needed only when DCM does not run

    lock = os.open(f"{home}/run/start.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        fcntl.flock(lock, fcntl.LOCK_SH)
        os.close(lock)
        return True
    os.set_inheritable(lock, True)  # so that it is held until the start is settled, even if we are killed
    argv = [sys.executable, "-I", "-m", "dcm.autostart", home]
    starter = os.posix_spawn(sys.executable, argv, os.environ)
    os.close(lock)
    return os.waitpid(starter, 0)[1] == 0


def deliver(url: str, payload: bytes, event: str, say: int, startable: tuple[str, str]) -> None:
    """Post and say the answer; where DCM should be started, see that it runs, and post again if it did not."""
    home, bridge_port = startable
    try:
        reply = post(url, payload)
    except OSError:
        reply = b""
    taken = accepted(parsed(reply)[0])
    if home and not taken:
        tell(say, STARTING)
        if bring_up(home):
            reply = post(url, payload)
    tell(say, answer(reply, event))
    os.close(say)
    if home and taken and not healthy(url, bridge_port):
        bring_up(home)


def tell(pipe: int, said: bytes) -> None:
    """Write all of it, unless nobody waits for it any more."""
    try:
        while said:
            said = said[os.write(pipe, said) :]
    except BrokenPipeError:
        pass


def hand_over(url: str, payload: bytes, event: str, startable: tuple[str, str]) -> int:
    """Post in a process of its own, which holds nothing of Claude's; returns where its answer can be read."""
    reading, writing = os.pipe()
    if os.fork():
        os.close(writing)
        return reading
    os.close(reading)
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    deliver(url, payload, event, writing, startable)
    os._exit(0)


def read_all(stream: int, seconds: float, start_seconds: float) -> bytes:
    """All that comes until the stream's end, or TimeoutError; while DCM is being started, that may take longer."""
    began, read = time.monotonic(), b""
    while select.select([stream], [], [], max(0.0, began + seconds - time.monotonic()))[0]:
        part = os.read(stream, 65536)
        if not part:
            return read
        read += part
        if read[:1] == STARTING:
            read, seconds = read[1:], max(seconds, start_seconds)
    raise TimeoutError


def run(payload: bytes, url: str, slow_mark: str = "", home: str = "", bridge_port: str = "") -> None:
    """Hand the payload over; print the answer where the event has a use for one."""
    event = value(payload, "hook_event_name")
    seconds = patience(payload, event, slow_mark)
    begins = event == "SessionStart"
    answers = hand_over(url, payload, event, (home if begins else "", bridge_port))
    try:
        start_seconds = START_SECONDS.get(value(payload, "source"), 0.0) if begins else 0.0
        said = read_all(answers, seconds, start_seconds) if seconds else b""
        while said:
            said = said[os.write(1, said) :]
    except TimeoutError:
        os.close(os.open(slow_mark, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600))


if __name__ == "__main__":
    try:
        run(sys.stdin.buffer.read(), *sys.argv[1:5])
    finally:
        os._exit(0)
