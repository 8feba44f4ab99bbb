"""What redaction catches, misses and wrongly hits, and what it costs: `python bench/redaction.py`."""

import json
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "dcm" / "domain" / "redaction")]

import corpus  # noqa: E402 - it lies beside the tests

from dcm import redaction  # noqa: E402
from dcm.domain.redaction import Redactor  # noqa: E402

REDACTOR = Redactor(more=(redaction.known_to_kingfisher,), key=b"bench")
LINES = "\n".join(f"tests/orders/test_total.py::test_the_total_of_{n}_orders_is_right ok" for n in range(8))
CLEAN = {
    "session_id": "3fa85f64-5717-4562-b3fc-2c963f66afa6",
    "hook_event_name": "PostToolUse",
    "transcript_path": "/home/ada/.claude/projects/-home-ada-shop/3fa85f64-5717-4562-b3fc-2c963f66afa6.jsonl",
    "cwd": "/home/ada/shop",
    "permission_mode": "default",
    "tool_name": "Bash",
    "tool_input": {"command": "pytest -q tests/orders", "description": "Run the tests of orders"},
    "tool_response": {"stdout": LINES, "stderr": "", "interrupted": False, "isImage": False},
    "tool_use_id": "toolu_01ABCDEFGHJKMNPQRSTVWXYZ",
    "duration_ms": 120,
}
SUSPICIOUS = CLEAN | {"tool_input": {"command": "export API_TOKEN=aB3dE5fG7hJ9kL1mN3 && make deploy"}}


def caught(half: int) -> None:
    """Print the figures of one half of the corpus, and what was missed by kind."""
    cases = corpus.half(corpus.secrets(), half)
    missed = Counter(case.kind for case in cases if case.secret in REDACTOR.text(case.text))
    likes = corpus.half(corpus.lookalikes(), half)
    wrong = [case.text for case in likes if REDACTOR.text(case.text) != case.text]
    name = "tuned on" if half == 0 else "held out"
    print(
        f"{name}: {len(cases) - missed.total()} of {len(cases)} secrets of {len({c.kind for c in cases})} kinds caught"
    )
    print(f"{name}: {len(wrong)} of {len(likes)} look-alikes hit")
    for kind, count in missed.items():
        print(f"  missed {kind}: {count}")
    for text in wrong:
        print(f"  hit {text[:100]!r}")


def microseconds(work: Callable[[], object], times: int) -> float:
    """The median of five runs, for one."""
    work()
    runs = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(times):
            work()
        runs.append((time.perf_counter() - began) / times * 1e6)
    return sorted(runs)[2]


def main() -> None:
    """Print one table."""
    caught(0)
    caught(1)
    for name, payload in (("clean", CLEAN), ("with a token", SUSPICIOUS)):
        spent = microseconds(lambda payload=payload: REDACTOR.payload(payload), 1000)  # type: ignore[misc]
        print(f"a payload of {len(json.dumps(payload))} bytes, {name}: {spent:.0f} us")
    code = (Path(__file__).read_text(encoding="utf-8") * 400)[:1_000_000]
    for name, text in (("1 MB of output", ((LINES + "\n") * 2000)[:1_000_000]), ("1 MB of code", code)):
        print(f"{name}: {1e6 / microseconds(lambda text=text: REDACTOR.text(text), 1):.0f} MB/s")  # type: ignore[misc]


if __name__ == "__main__":
    main()
