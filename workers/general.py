"""Everything the general worker runs: import this module and its actors are declared."""

from workers import briefs, callbacks, compactions, contexts, mail, pruning, readings, running, telemetry

broker = running.broker()

__all__ = ["briefs", "broker", "callbacks", "compactions", "contexts", "mail", "pruning", "readings", "telemetry"]
