"""What a session used and cost, of what transcripts and telemetry tell. Pure; never counts an answer twice."""

from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import reduce
from typing import Literal, Protocol, TypeVar

from dcm.domain import prices
from dcm.domain.telemetry import COST, PARTS, kind

Key = TypeVar("Key", bound=Hashable)

CostSource = Literal["client", "prices", "both"]
"""Who knew the cost: the client, which told it; the price table; or each of a part."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What answers of one model to one asker took. `told`: the client told their cost."""

    model: str
    agent_id: str
    agent_name: str
    source: str
    told: bool
    messages: int
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_creation_tokens: int
    cache_creation_1h_tokens: int
    cost: float


@dataclass(frozen=True, slots=True)
class Sums:
    """Tokens and US dollars; the cost is None where nobody knows it."""

    messages: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    cache_read_tokens: int = 0
    cache_creation_tokens: int = 0
    cache_creation_1h_tokens: int = 0
    cost: float | None = None
    cost_source: CostSource | None = None

    @property
    def tokens(self) -> int:
        """All tokens."""
        return self.input_tokens + self.output_tokens + self.cache_read_tokens + self.cache_creation_tokens

    def and_(self, other: "Sums") -> "Sums":
        """Both together; the cost leaves out what has none."""
        costs = [one.cost for one in (self, other) if one.cost is not None]
        sources = {one.cost_source for one in (self, other) if one.cost_source}
        return Sums(
            messages=self.messages + other.messages,
            input_tokens=self.input_tokens + other.input_tokens,
            output_tokens=self.output_tokens + other.output_tokens,
            cache_read_tokens=self.cache_read_tokens + other.cache_read_tokens,
            cache_creation_tokens=self.cache_creation_tokens + other.cache_creation_tokens,
            cache_creation_1h_tokens=self.cache_creation_1h_tokens + other.cache_creation_1h_tokens,
            cost=round(sum(costs), 6) if costs else None,
            cost_source=sources.pop() if len(sources) == 1 else "both" if sources else None,
        )


class Metric(Protocol):
    """What metrics say of one part of one model's use."""

    @property
    def model(self) -> str:
        """The model's name, as metrics have it: with its window."""

    @property
    def part(self) -> str:
        """Which tokens, or the cost."""

    @property
    def value(self) -> float:
        """How much."""


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asked the model. `agent_name` and `source` are what telemetry says; a transcript knows the agent's id."""

    kind: str
    agent_id: str
    agent_name: str


def plain(model: str) -> str:
    """A model's name without its window."""
    return model.removesuffix(prices.LARGE)


def by_model(table: prices.Table, answers: Iterable[Answered], metrics: Iterable[Metric]) -> dict[str, Sums]:
    """What each model took, the one with most tokens first.

    Answers and metrics tell the same use, each perhaps not all of it and never more than there was: of the two, the
    one that tells more tokens of a model counts. Where they agree, a cost that the client told goes before the table's.
    """
    found = _added(table, answers, lambda answer: plain(answer.model))
    for model, told in _of_metrics(metrics).items():
        known = found.get(model, Sums())
        if told.tokens > known.tokens or (told.tokens == known.tokens and known.cost_source != "client"):
            hour = min(known.cache_creation_1h_tokens, told.cache_creation_tokens)
            found[model] = replace(told, messages=known.messages, cache_creation_1h_tokens=hour)
            if told.cost is None:
                cost = prices.cost(table, model, found[model])
                found[model] = replace(found[model], cost=cost, cost_source=None if cost is None else "prices")
    return dict(sorted(found.items(), key=lambda item: (-item[1].tokens, item[0])))


def by_asker(table: prices.Table, answers: Iterable[Answered]) -> dict[Asker, Sums]:
    """What each asker's answers took; metrics do not tell which answers they are of."""
    found = _added(
        table,
        answers,
        lambda one: Asker(kind(one.source, one.agent_id, one.agent_name), one.agent_id, one.agent_name),
    )
    return dict(sorted(found.items(), key=lambda item: (item[0].kind, item[0].agent_name, item[0].agent_id)))


def total(sums: Iterable[Sums]) -> Sums:
    """All together."""
    return reduce(Sums.and_, sums, Sums())


def _added(table: prices.Table, answers: Iterable[Answered], key: Callable[[Answered], Key]) -> dict[Key, Sums]:
    found: dict[Key, Sums] = {}
    for answer in answers:
        found[key(answer)] = found.get(key(answer), Sums()).and_(_priced(table, answer))
    return found


def _priced(table: prices.Table, answer: Answered) -> Sums:
    cost = answer.cost if answer.told else prices.cost(table, answer.model, answer)
    source: CostSource | None = "client" if answer.told else None if cost is None else "prices"
    return Sums(
        answer.messages,
        answer.input_tokens,
        answer.output_tokens,
        answer.cache_read_tokens,
        answer.cache_creation_tokens,
        answer.cache_creation_1h_tokens,
        None if cost is None else round(cost, 6),
        source,
    )


def _of_metrics(metrics: Iterable[Metric]) -> dict[str, Sums]:
    parts: dict[str, dict[str, float]] = {}
    for metric in metrics:
        of_model = parts.setdefault(plain(metric.model), {})
        of_model[metric.part] = of_model.get(metric.part, 0.0) + metric.value
    return {model: _sums(found) for model, found in parts.items()}


def _sums(parts: Mapping[str, float]) -> Sums:
    cost = round(parts[COST], 6) if COST in parts else None
    counts = {f"{part}_tokens": round(parts.get(part, 0)) for part in PARTS.values()}
    return Sums(**counts, cost=cost, cost_source=None if cost is None else "client")
