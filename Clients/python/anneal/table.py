"""The rates that a trainer knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Outlook:
    """What the rates will be after the sealed ones, if nothing happens."""

    start: int = 0
    rates: Sequence[float] = ()

    @property
    def end(self) -> int:
        """The first step that it says nothing about."""
        return self.start + len(self.rates)

    def joined(self, other: Outlook) -> Outlook | None:
        """Both as one; None where they have no step in common, or do not say the same about one."""
        first, stop = max(self.start, other.start), min(self.end, other.end)
        if first >= stop:
            return None
        mine = self.rates[first - self.start : stop - self.start]
        if list(mine) != list(other.rates[first - other.start : stop - other.start]):
            return None
        for whole, part in ((self, other), (other, self)):
            if whole.start <= part.start and whole.end >= part.end:
                return whole
        before, after = (self, other) if self.start < other.start else (other, self)
        return Outlook(before.start, [*before.rates, *after.rates[before.end - after.start :]])


@dataclass(frozen=True)
class Table:
    """Sealed rates from `start` on, and what the server has told to do after them without it.

    It is never changed, only replaced; so the training thread reads it without a lock.
    """

    start: int
    sealed: Sequence[float]
    attempt: int
    outlook: Outlook = field(default_factory=Outlook)
    sealed_until: int = field(init=False)
    """The last step whose rate will not change any more."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "sealed_until", self.start + len(self.sealed) - 1)

    def rate(self, step: int) -> float:
        """The rate of a step; beyond all that is known, the last one holds."""
        if step <= self.sealed_until:
            return self.sealed[max(0, step - self.start)]
        outlook = self.outlook
        index = step - outlook.start
        if index < 0 or outlook.end <= self.sealed_until:
            return self.sealed[-1]
        return outlook.rates[min(index, len(outlook.rates) - 1)]


def outlook(answer: Mapping[str, Any]) -> Outlook:
    """The fallback of an answer: none in mode `hold`, where the last sealed rate holds."""
    fallback = answer.get("fallback")
    if not fallback or "learning_rates" not in fallback:
        return Outlook()
    return Outlook(fallback["after"] + 1, fallback["learning_rates"])


def merged(table: Table | None, answer: Mapping[str, Any], far: Outlook, current: int) -> Table:
    """The table after an answer, without what lies before the step `current`.

    Sealed rates never change, so those of the table and of the answer go together; of another attempt, only the
    answer's count. What follows them is `far`.
    """
    first: int = answer["step"]
    sealed: list[float] = answer.get("learning_rates") or [answer["learning_rate"]]
    if table is not None and table.attempt == answer["attempt"]:
        first, sealed = _joined(table.start, list(table.sealed), first, sealed, current)
    skipped = min(max(0, current - first), len(sealed) - 1)
    return Table(first + skipped, sealed[skipped:], answer["attempt"], far)


def _joined(first: int, rates: list[float], other: int, more: list[float], current: int) -> tuple[int, list[float]]:
    """Two runs of sealed rates as one; where there is a hole between them, the one that the trainer needs."""
    if other < first:
        first, rates, other, more = other, more, first, rates
    end = first + len(rates)
    if other > end:
        return (first, rates) if current < end else (other, more)
    return first, rates + more[end - other :]
