"""The briefs that reached the model."""

from scripted_model import Request

BRIEF = "# Where this session stood"


def brief_in(requests: list[Request]) -> str:
    """The brief in the first request that has one."""
    for request in requests:
        if BRIEF in request.text:
            return request.text[request.text.index(BRIEF) :]
    raise AssertionError("no request to the model holds a brief")


def section(brief: str, head: str) -> str:
    """The text under a head of a brief."""
    return brief.partition(f"\n## {head}\n")[2].partition("\n\n## ")[0]
