"""What the API counts: hooks, other requests, and how long a brief was waited for."""

from falcon import HTTP_METHODS
from prometheus_client import Counter

from dcm.figures import FAST, REGISTRY, histogram

ANSWERS = {
    200: "accepted",
    400: "invalid",
    401: "unauthorized",
    403: "forbidden",
    413: "too large",
    429: "too many",
    503: "unavailable",
}
"""What a hook's status means; all others mean that it failed."""

ACCEPTED = Counter("dcm_events_accepted_total", "Events that are safe in Valkey.", registry=REGISTRY)
UNAVAILABLE = Counter("dcm_events_unavailable_total", "Events that Valkey did not take.", registry=REGISTRY)

BRIEF_WAIT = histogram("dcm_brief_wait_seconds", "How long a session's start waited for its brief.", bounds=FAST)

_HOOKS = histogram("dcm_hook_duration_seconds", "How long a hook was answered, by its answer.", ["answer"], FAST)
_REQUESTS = histogram(
    "dcm_http_request_duration_seconds", "How long a request was answered.", ["method", "route", "status"], FAST
)

_hooks = {status: _HOOKS.labels(answer) for status, answer in ANSWERS.items()}
_failed = _HOOKS.labels("failed")


def hook(status: int, seconds: float) -> None:
    """Count a hook."""
    _hooks.get(status, _failed).observe(seconds)


def request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request that is no hook; `route` as it stands in the table, empty for what is no route."""
    _REQUESTS.labels(method if method in HTTP_METHODS else "other", route, str(status)).observe(seconds)
