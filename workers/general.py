"""Everything the general worker runs: import this module and its actors are declared."""

from workers import briefs, running

broker = running.broker()

__all__ = ["briefs", "broker"]
