"""The figures of a run: one row for each text and case, taken together by text."""

import re
import statistics
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from measure.cases import Case
from measure.names import share_named
from measure.noise import Uses, noise
from measure.scores import by_kind, by_probe, out_of_scope, read, stale, total

_MADE_AT = re.compile(r"^.*\b(?:generated|recorded|restored|made|built)\b.*\d\d:\d\d.*$", re.IGNORECASE | re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Row:
    """What one text scored in one case. `found` and `probes`: by kind, each fact or gold found or not."""

    text: str
    case: str
    characters: int
    names: float
    noise: float
    found: Mapping[str, Sequence[bool]]
    total: float | None
    probes: Mapping[str, Sequence[bool]]
    stale: Sequence[str]
    stated: int
    out_of_scope: Sequence[str]


def row(name: str, text: str, case: Case, uses: Uses) -> Row:
    """Score a text."""
    known, boundary = read(text), case.planted
    found = by_kind(known, boundary) if boundary else {}
    past = stale(known, boundary) if boundary else []
    return Row(
        text=name,
        case=case.title,
        characters=len(text),
        names=share_named(text, case.next_names),
        noise=noise(text, uses),
        found=found,
        total=total(found) if boundary else None,
        probes=by_probe(known, boundary) if boundary else {},
        stale=[f"{fact.kind}: {fact.says}" for fact in past],
        stated=sum(map(sum, found.values())) + len(past),
        out_of_scope=out_of_scope(known, boundary) if boundary else [],
    )


def same(first: str, second: str) -> bool:
    """Whether two briefs are the same, but for a line that tells when each was made."""
    return _MADE_AT.sub("", first) == _MADE_AT.sub("", second)


@dataclass(slots=True)
class Timing:
    """How long briefs took, the first of each session apart, and how many were not the same when asked for twice."""

    first: list[float] = field(default_factory=list)
    again: list[float] = field(default_factory=list)
    asked: int = 0
    differed: int = 0

    def shown(self) -> dict[str, float | int]:
        """For a table or a script."""
        times = {
            f"{name}_{percent}_ms": _percentile(values, share)
            for name, values in (("first", self.first), ("again", self.again))
            for percent, share in (("p50", 0.5), ("p99", 0.99))
        }
        return {**times, "asked": self.asked, "differed": self.differed}


def _percentile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values) or [0.0]
    return round(ordered[min(int(len(ordered) * share), len(ordered) - 1)], 1)


def taken_together(rows: Iterable[Row]) -> list[dict[str, object]]:
    """The figures of each text over all cases: names, total and noise are means, facts and probes are shares of all."""
    groups: dict[str, list[Row]] = defaultdict(list)
    for one in rows:
        groups[one.text].append(one)
    return [_together(name, group) for name, group in groups.items()]


def _together(name: str, group: Sequence[Row]) -> dict[str, object]:
    totals = [one.total for one in group if one.total is not None]
    stated = sum(one.stated for one in group)
    return {
        "text": name,
        "cases": len(group),
        "characters": round(statistics.median(one.characters for one in group)),
        "names": _mean([one.names for one in group]),
        "names_median": round(statistics.median(one.names for one in group), 3),
        "facts": _mean(totals) if totals else None,
        "facts_by_kind": _shares(one.found for one in group),
        "probes": _share([hit for one in group for hits in one.probes.values() for hit in hits]),
        "probes_by_type": _shares(one.probes for one in group),
        "stale": round(sum(len(one.stale) for one in group) / stated, 3) if stated else 0.0,
        "stale_stated": sorted({words for one in group for words in one.stale}),
        "out_of_scope": sum(len(one.out_of_scope) for one in group),
        "noise": _mean([one.noise for one in group if one.characters]),
    }


def _mean(values: Sequence[float]) -> float:
    return round(statistics.mean(values), 3) if values else 0.0


def _share(hits: Sequence[bool]) -> float | None:
    return round(sum(hits) / len(hits), 3) if hits else None


def _shares(every: Iterable[Mapping[str, Sequence[bool]]]) -> dict[str, float | None]:
    hits: dict[str, list[bool]] = defaultdict(list)
    for found in every:
        for kind, values in found.items():
            hits[kind] += values
    return {kind: _share(values) for kind, values in sorted(hits.items())}
