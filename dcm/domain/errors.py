"""The errors DCM raises on purpose. Their text is a sentence for the reader: what, to what, what to do."""

from collections.abc import Mapping


class DcmError(Exception):
    """Any error DCM raises on purpose."""


class SettingsError(DcmError):
    """A setting cannot be used."""


class StartError(DcmError):
    """A process cannot start: a port is taken, the disk is full, a store does not answer."""


class InvalidInput(DcmError):
    """What the caller sent cannot be used. `details` maps a field to what is wrong with it."""

    def __init__(self, message: str, details: dict[str, list[str]] | None = None) -> None:
        super().__init__(message)
        self.details = details or {}


class TooLarge(DcmError):
    """What the caller sent is larger than is taken."""


class Forbidden(DcmError):
    """The caller may not do this."""


class NotFound(DcmError):
    """What the caller named does not exist."""


class Conflict(DcmError):
    """What the caller wants to make is there already; `id` names it."""

    def __init__(self, message: str, id: str) -> None:  # noqa: A002 - the contract's word
        super().__init__(message)
        self.id = id


class Unavailable(DcmError):
    """A store DCM needs does not answer; nothing was taken."""


class Unknown(DcmError):
    """The caller did not say who it is, or not truly."""


class TooMany(DcmError):
    """The caller calls too often; it may again after `retry_after` seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Loop(DcmError):
    """What was passed on has come back to where it came from."""


class Busy(TooMany):
    """As much of this is done at once as can be, whoever asks."""


STATUS: Mapping[type[DcmError], int] = {
    InvalidInput: 400,
    Unknown: 401,
    Forbidden: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    TooMany: 429,
    Unavailable: 503,
    Busy: 503,
    Loop: 508,
}
"""The HTTP status of each error DCM raises on purpose; 500 for the rest."""
