"""How a call is sent: when it is tried again, and what its answer means. Written once, for both manners of waiting."""

import json
import math
import time
from collections.abc import Generator
from typing import Any, TypeVar

import httpx

from dcm.client.calls.call import Call
from dcm.client.errors import TOO_LONG, ClientError, Unreachable, not_ours, refusal
from dcm.domain.origins import LOOPBACK

Answer = TypeVar("Answer")

RETRIES = 2
"""How often a call is tried again when nobody chose otherwise."""

FIRST_PAUSE = 0.1
"""Seconds before the second try; each later pause is twice as long."""

NOTHING_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""Failures before a request left: whatever it was, it may be sent again."""

PASSING = frozenset({502, 503, 504})
"""Statuses of a server that may answer a moment later."""

JSON = "application/json"

Outcome = httpx.Response | httpx.RequestError


def request(client: httpx.Client | httpx.AsyncClient, call: Call[Answer]) -> httpx.Request:
    """The request of a call. Halves of surrogate pairs, which agents do send, are escaped."""
    content, headers = None if call.body is None else json.dumps(call.body).encode(), {"Content-Type": JSON}
    query = {name: value.encode("utf-8", "replace").decode() for name, value in call.query.items()}
    try:
        return client.build_request(call.method, call.path, params=query, content=content, headers=headers)
    except httpx.InvalidURL:
        raise ClientError(TOO_LONG) from None


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
    raise failure(call, outcome, url)


def _may_repeat(call: Call[Answer], outcome: Outcome) -> bool:
    if isinstance(outcome, httpx.Response):
        return call.repeatable and outcome.status_code in PASSING
    return isinstance(outcome, NOTHING_SENT) or (call.repeatable and isinstance(outcome, httpx.TransportError))


def _content(call: Call[Answer], response: httpx.Response) -> Any:
    """What was answered: an object, unless the call says that it may be text or nothing."""
    if (call.is_loose or call.method == "DELETE") and not response.content:
        return None
    if _is_page(response):
        raise not_ours(_server(response), response.status_code)
    if call.is_loose and response.headers.get("Content-Type", "").startswith("text/"):
        return response.text
    try:
        body = response.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise not_ours(_server(response), response.status_code)
    return body


def _is_page(response: httpx.Response) -> bool:
    """Whether it is a page for people: DCM gives none to a client. One of a proxy tells what is behind it."""
    return response.status_code not in PASSING and response.headers.get("Content-Type", "").startswith("text/html")


def _server(response: httpx.Response) -> str:
    return str(response.request.url.copy_with(path="/", query=None, fragment=None)).rstrip("/")


def failure(call: Call[Answer], outcome: Outcome, url: str) -> ClientError:
    """The error for a call that was not answered, or refused."""
    if isinstance(outcome, httpx.Response):
        if _is_page(outcome):
            return not_ours(url, outcome.status_code)
        return refusal(outcome.status_code, _json(outcome), outcome.text)
    if isinstance(outcome, NOTHING_SENT):
        return Unreachable(f"DCM does not answer at {url}: {_start(url)}, or correct the URL.", sent=False)
    reason = "in time" if isinstance(outcome, httpx.TimeoutException) else f"({outcome or type(outcome).__name__})"
    if call.method == "GET":
        return Unreachable(
            f"What listens at {url} did not answer {reason}: it is not DCM (correct PORT or the URL), "
            "or DCM is stuck (see `dcm logs api`, or the terminal or journal in which it runs).",
            sent=True,
        )
    return Unreachable(f"DCM at {url} did not answer {reason}; it may have taken the request all the same.", sent=True)


def _start(url: str) -> str:
    """How a DCM is started: on another machine not from here, where `dcm start` would start a relay."""
    local = httpx.URL(url).host in LOOPBACK
    return "start it with `dcm start`" if local else "start it on that machine"


def _json(response: httpx.Response) -> object:
    try:
        return response.json()
    except ValueError:
        return None
