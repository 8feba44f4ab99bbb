"""How a call is sent: when it is tried again, and what its answer means. Written once, for both manners of waiting."""

import json
import math
import time
from collections.abc import Generator
from typing import Any, TypeVar

import httpx

from dcm.client.calls.call import Call
from dcm.client.errors import ClientError, Unreachable, refusal

Answer = TypeVar("Answer")

RETRIES = 2
"""How often a call is tried again when nobody chose otherwise."""

FIRST_PAUSE = 0.1
"""Seconds before the second try; each later pause is twice as long."""

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before a request left: whatever it was, it may be sent again."""

PASSING = frozenset({502, 503, 504})
"""Statuses of a server that may answer a moment later."""

Outcome = httpx.Response | httpx.RequestError


def request(client: httpx.Client | httpx.AsyncClient, call: Call[Answer]) -> httpx.Request:
    """The request of a call. Halves of surrogate pairs, which agents do send, are escaped."""
    content = None if call.body is None else json.dumps(call.body).encode()
    return client.build_request(
        call.method, call.path, params=dict(call.query), content=content, headers={"Content-Type": "application/json"}
    )


def attempts(
    call: Call[Answer], url: str, retries: int = RETRIES, over_at: float = math.inf
) -> Generator[float, Outcome, Answer]:
    """Gives the seconds to wait before each try, takes what the try brought, and returns the answer.

    No try begins at `over_at`, a moment of the monotonic clock, or later.

    Raises:
        ClientError: there is none, or it is a refusal.
    """
    pause = 0.0
    for left in range(max(retries, 0), -1, -1):
        outcome = yield pause
        if isinstance(outcome, httpx.Response) and (outcome.is_success or outcome.status_code in call.answers):
            return _content(call, outcome)  # type: ignore[no-any-return]
        pause = pause * 2 or FIRST_PAUSE
        if not left or not _may_repeat(call, outcome) or time.monotonic() + pause >= over_at:
            break
    raise _failure(outcome, url)


def _may_repeat(call: Call[Answer], outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        return call.repeatable and outcome.status_code in PASSING
    return isinstance(outcome, NOTHING_SENT) or (call.repeatable and isinstance(outcome, httpx.TransportError))


def _content(call: Call[Answer], response: httpx.Response) -> Any:
    """What was answered: an object, unless the call says that it may be text or nothing."""
    if (call.is_loose or call.method == "DELETE") and not response.content:
        return None
    if call.is_loose and response.headers.get("Content-Type", "").startswith("text/"):
        return response.text
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise ClientError(f"What answers at {response.request.url} is not DCM: its answer is not an object in JSON.")
    return body


def _failure(outcome: Outcome, url: str) -> ClientError:
    if isinstance(outcome, httpx.Response):
        return refusal(outcome.status_code, _json(outcome), outcome.text)
    if isinstance(outcome, NOTHING_SENT):
        return Unreachable(f"DCM does not answer at {url}: start it with `dcm start`, or correct the URL.", sent=False)
    reason = "in time" if isinstance(outcome, httpx.TimeoutException) else f"({outcome or type(outcome).__name__})"
    return Unreachable(f"DCM at {url} did not answer {reason}; it may have taken the request all the same.", sent=True)


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None
