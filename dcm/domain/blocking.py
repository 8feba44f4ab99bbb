"""Blocks: one agent says that another must not go on. Advice: nothing is refused because of one."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Block:
    """Who blocks whom, and why."""

    blocked_by: str
    blocked_agent: str
    reason: str | None
