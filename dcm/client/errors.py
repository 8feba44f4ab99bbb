"""What can go wrong with a call. The text is the API's own sentence, or one that says what did not answer."""

from collections.abc import Mapping, Sequence

import httpx

from dcm.domain.errors import DcmError

TOO_LONG = "What is asked for is too long for the address of a request: shorten it."

UNAUTHORIZED = "Unauthorized: set DCM_TOKEN to a good token of that DCM, which `dcm token create NAME` makes there."


class ClientError(DcmError):
    """Any failure of a call to DCM."""


class Unreachable(ClientError):
    """DCM did not answer. `sent` tells whether the request may have arrived all the same."""

    def __init__(self, message: str, *, sent: bool) -> None:
        super().__init__(message)
        self.sent = sent


class Refused(ClientError):
    """DCM answered with an error. `details` maps a field to what is wrong with it."""

    def __init__(self, message: str, status: int, details: Mapping[str, Sequence[str]] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.details = dict(details or {})


class Absent(Refused):
    """What was named does not exist (404)."""


class Busy(Refused):
    """DCM cannot take it now (503): nothing was accepted, it may be sent again later."""


def is_passing(error: Exception) -> bool:
    """Whether the same call may succeed a moment later: nobody answered, or an answer that says so."""
    if isinstance(error, Refused):
        return error.status >= 500 or error.status in {408, 429}
    return isinstance(error, Unreachable | OSError | httpx.TransportError)


def not_ours(url: str, status: int) -> ClientError:
    """The error for a server that is not DCM."""
    return ClientError(f"What listens at {url} is not DCM (it answered {status}): correct PORT or the URL.")


def refusal(status: int, body: object, text: str) -> Refused:
    """The error for an answer that is none of those expected."""
    said = body if isinstance(body, Mapping) else {}
    sentence = said.get("error")
    details = said.get("details")
    if status == 414:
        sentence = TOO_LONG
    if status == 401 and sentence == "Unauthorized":
        sentence = UNAUTHORIZED
    if not isinstance(sentence, str) or not sentence:
        sentence = f"DCM answered {status}: {' '.join(text.split())[:200] or 'nothing'}"
    kind = {404: Absent, 503: Busy}.get(status, Refused)
    return kind(sentence, status, details if isinstance(details, Mapping) else None)
