"""Text that can be stored."""


def storable(text: str) -> str:
    """The text with what Postgres cannot store (NUL, half of a surrogate pair) replaced."""
    return text.replace("\x00", "\ufffd").encode("utf-8", "replace").decode()
