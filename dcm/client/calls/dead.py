"""Calls about what failed for good."""

from dcm.client.calls.call import Call, delete, get, given, part, post
from dcm.client.shapes import dead as shapes


def list_dead_letters(*, kind: str | None = None, limit: int | None = None) -> Call[shapes.LetterPage]:
    """What failed for good, the newest first; `kind`: event or message."""
    return get("/api/dead", kind=kind, limit=limit)


def get_dead_letter(letter_id: str) -> Call[shapes.WholeLetter]:
    """One that failed, with its content."""
    return get(f"/api/dead/{part(letter_id)}")


def retry_dead_letter(letter_id: str) -> Call[shapes.SentAgain]:
    """Have one tried again; an event is stored once, however often it is sent."""
    return post(f"/api/dead/{part(letter_id)}/retry")


def retry_dead_letters(*, kind: str | None = None) -> Call[shapes.SentAgain]:
    """Have all of a kind, or of both, tried again."""
    return Call("POST", "/api/dead/retry", query=given({"kind": kind}), body={})


def drop_dead_letter(letter_id: str) -> Call[shapes.Dropped]:
    """Forget one for good."""
    return delete(f"/api/dead/{part(letter_id)}")


def drop_dead_letters(*, kind: str | None = None) -> Call[shapes.Dropped]:
    """Forget all of a kind, or of both, for good."""
    return delete("/api/dead", kind=kind)
