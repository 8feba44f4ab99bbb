"""The real Claude Code client, in a home of its own, talking to the scripted model and to nobody else.

    claude = Claude(tmp_path, model.url)
    reply = claude.prompt("build it")                  # print mode; reply.session_id, reply.text
    claude.compact(reply.session_id)
    with claude.screen() as screen:                    # the interactive client, in a tmux of its own
        screen.say("build it")
        screen.wait_for("All done.")

The environment is emptied first: no setting, key or configuration of the caller reaches the client.
"""

import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

INSTALLED = Path(__file__).parent / "client"
REPOSITORY = Path(__file__).parents[2]
PLUGIN_PARTS = (".claude-plugin", "hooks")
TOOLS = "Bash,Read,Write,Edit,Glob,Grep,Agent"
API_KEY = "sk-scripted"
PROMPT = "\N{HEAVY RIGHT-POINTING ANGLE QUOTATION MARK ORNAMENT}"
ESCAPES = re.compile(r"\x1b(\][^\x07\x1b]*(\x07|\x1b\\)|\[[0-9;:?<>=]*[ -/]*[@-~]|[()#].|[=>78A-Z])")


class Missing(LookupError):
    """Something the tests need is not on this machine; the message says what to run."""


def client_binary() -> Path:
    """The client's program, as `npm ci` left it. Its install script is not needed and never run."""
    found = sorted(INSTALLED.glob("node_modules/@anthropic-ai/claude-code-*/claude"))
    for binary in found:
        if os.access(binary, os.X_OK):
            return binary
    raise Missing("The Claude Code client is missing: run `make client`.")


def tmux_binary() -> str:
    """The tmux program."""
    if found := shutil.which("tmux"):
        return found
    raise Missing("tmux is missing: run `apt-get install tmux` (on macOS `brew install tmux`).")


def plugin_copy(folder: Path, port: int) -> Path:
    """The plugin as Claude Code would copy it, its http hooks reporting to another port."""
    for part in PLUGIN_PARTS:
        shutil.copytree(REPOSITORY / part, folder / part, ignore=shutil.ignore_patterns("*.py", "__pycache__"))
    table = folder / "hooks" / "hooks.json"
    table.write_text(table.read_text(encoding="utf-8").replace(":3847/", f":{port}/"), encoding="utf-8")
    return folder


def wait_until(condition: Callable[[], bool], timeout: float = 10, wanted: Callable[[], str] = str) -> None:
    """Wait until the condition holds; `wanted` says what for when it does not in time."""
    deadline = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < deadline, f"waited {timeout} s for {wanted()}"
        time.sleep(0.03)


@dataclass(frozen=True, slots=True)
class Reply:
    """What one run in print mode gave back."""

    stdout: str
    stderr: str
    code: int
    seconds: float

    @property
    def json(self) -> dict[str, Any]:
        """The one JSON object of `--output-format json`."""
        answer = json.loads(self.stdout)
        assert isinstance(answer, dict), self.stdout
        return answer

    @property
    def session_id(self) -> str:
        """The session, to resume it."""
        return str(self.json["session_id"])

    @property
    def text(self) -> str:
        """The model's last words."""
        return str(self.json.get("result", ""))


class Claude:
    """One home and one working folder for the client. `environ` adds to what it is told; nothing is inherited."""

    def __init__(
        self, folder: Path, model_url: str, *, plugin: Path | None = None, environ: Mapping[str, str] | None = None
    ) -> None:
        self.binary = client_binary()
        self.home, self.work = folder / "home", folder / "work"
        self.plugin = plugin
        for path in (self.home, self.work):
            path.mkdir(parents=True, exist_ok=True)
        self.environ = {
            "HOME": str(self.home),
            "PATH": "/usr/local/bin:/usr/bin:/bin",
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "ANTHROPIC_BASE_URL": model_url,
            "ANTHROPIC_API_KEY": API_KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "DISABLE_AUTOUPDATER": "1",
            "DISABLE_TELEMETRY": "1",
            "DISABLE_ERROR_REPORTING": "1",
            "IS_SANDBOX": "1",
            "DCM_AUTOSTART": "0",
            **(environ or {}),
        }
        self._answer_first_questions()

    @property
    def settings(self) -> Path:
        """The person's settings.json, where `dcm hooks` would write."""
        return self.home / ".claude" / "settings.json"

    def command(self, *arguments: str) -> list[str]:
        """The client's command line."""
        plugin = ["--plugin-dir", str(self.plugin)] if self.plugin else []
        return [str(self.binary), *plugin, *arguments]

    def run(self, *arguments: str, timeout: float = 60) -> Reply:
        """Run the client to its end, with no terminal."""
        start = time.monotonic()
        done = subprocess.run(
            self.command(*arguments),
            cwd=self.work,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            timeout=timeout,
            check=False,
        )
        return Reply(done.stdout, done.stderr, done.returncode, time.monotonic() - start)

    def prompt(self, text: str, *arguments: str, resume: str | None = None, tools: str = TOOLS) -> Reply:
        """Say one thing in print mode; the tools named are allowed, all others refused."""
        session = ["--resume", resume] if resume else []
        allowed = ["--permission-mode", "acceptEdits", "--allowedTools", tools]
        return self.run("-p", text, *allowed, "--output-format", "json", *session, *arguments)

    def compact(self, session_id: str, *arguments: str) -> Reply:
        """Compact a session, as the person would with `/compact`."""
        return self.prompt("/compact", *arguments, resume=session_id)

    def screen(self, *arguments: str) -> "Screen":
        """The interactive client, to be used as a context manager; `PROMPT` on it means that it is ready."""
        return Screen(self.command(*arguments), cwd=self.work, environ=self.environ)

    def transcript(self, session_id: str) -> Path:
        """The session's transcript file."""
        [path] = self.home.glob(f".claude/projects/*/{session_id}.jsonl")
        return path

    def _answer_first_questions(self) -> None:
        """So that the interactive client starts at its prompt."""
        project = {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True, "allowedTools": []}
        state = {
            "hasCompletedOnboarding": True,
            "theme": "dark",
            "customApiKeyResponses": {"approved": [API_KEY], "rejected": []},
            "projects": {str(self.work.resolve()): project},
        }
        path = self.home / ".claude.json"
        if not path.exists():
            path.write_text(json.dumps(state), encoding="utf-8")


class Screen:
    """A program in a tmux server of its own, which no configuration and no other tmux reaches."""

    def __init__(self, command: list[str], *, cwd: Path, environ: Mapping[str, str]) -> None:
        self.tmux = tmux_binary()
        self._command = ["env", "-i", *(f"{name}={value}" for name, value in environ.items()), *command]
        self._cwd = cwd
        self._folder = Path()

    def __enter__(self) -> Self:
        self._folder = Path(tempfile.mkdtemp(prefix="screen-"))
        # The program starts when everything that it draws is kept: not before Enter.
        waiting = ["sh", "-c", 'read -r _; exec "$@"', "sh", *self._command]
        self._tmux("new-session", "-d", "-x", "160", "-y", "50", "-c", str(self._cwd), *waiting)
        self._tmux("set-option", "-g", "remain-on-exit", "on")
        self._tmux("pipe-pane", "-t", ":0.0", f"exec cat >'{self._folder}/drawn'")
        self.press("Enter")
        return self

    def __exit__(self, *exc: object) -> None:
        self._tmux("kill-server", check=False)
        shutil.rmtree(self._folder, ignore_errors=True)

    def drawn(self) -> str:
        """All that was ever drawn, however briefly, with no spaces: a screen is drawn in pieces."""
        raw = (self._folder / "drawn").read_text(encoding="utf-8", errors="replace")
        return re.sub(r"\s+", "", ESCAPES.sub(" ", raw))

    def press(self, *keys: str) -> None:
        """Press keys by their tmux names: Enter, Escape, C-c, Down."""
        self._tmux("send-keys", "-t", ":0.0", *keys)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._tmux("send-keys", "-t", ":0.0", "-l", "--", text)

    def say(self, text: str) -> None:
        """Type a prompt, see it on the screen, and send it."""
        self.type(text)
        self.wait_for(text[-20:])
        self.press("Enter")

    def capture(self) -> str:
        """All the screen shows and all that has scrolled away."""
        return self._tmux("capture-pane", "-p", "-J", "-S", "-", "-t", ":0.0")

    def wait_for(self, wanted: str | Callable[[str], bool], timeout: float = 20) -> str:
        """Wait until the screen shows the text (or satisfies the condition) and return what it shows."""
        met = wanted if callable(wanted) else lambda shown: wanted in shown
        wait_until(lambda: met(self.capture()), timeout, lambda: f"{wanted!r} on the screen:\n{self.capture()}")
        return self.capture()

    def wait_for_exit(self, timeout: float = 20) -> str:
        """Wait until the program has ended and return what the screen shows."""
        dead = ("display-message", "-p", "-t", ":0.0", "#{pane_dead}")
        wait_until(lambda: self._tmux(*dead).strip() == "1", timeout, lambda: f"the end of:\n{self.capture()}")
        return self.capture()

    def _tmux(self, *arguments: str, check: bool = True) -> str:
        done = subprocess.run(
            [self.tmux, "-S", str(self._folder / "s"), "-f", "/dev/null", *arguments],
            env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LANG": "C.UTF-8", "TERM": "xterm-256color"},
            capture_output=True,
            encoding="utf-8",
            check=False,
        )
        assert done.returncode == 0 or not check, f"tmux {arguments[0]}: {done.stderr}"
        return done.stdout
