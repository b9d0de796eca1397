"""The rates that a trainer knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Table:
    """Rates from `start` on: the sealed ones, then what the server has told to do without it.

    It is never changed, only replaced; so the training thread reads it without a lock.
    """

    start: int
    rates: Sequence[float]
    sealed_until: int
    attempt: int

    def rate(self, step: int) -> float:
        """The rate of a step; beyond all that is known, the last one holds."""
        index = step - self.start
        if 0 <= index < len(self.rates):
            return self.rates[index]
        return self.rates[0 if index < 0 else -1]


@dataclass(frozen=True)
class Outlook:
    """What the rates will be after the sealed ones, if nothing happens."""

    start: int = 0
    rates: Sequence[float] = ()

    def after(self, step: int) -> Sequence[float]:
        """The rates from `step` + 1 on, none where it does not know the first of them."""
        index = step + 1 - self.start
        return self.rates[index:] if index >= 0 else ()

    def joined(self, other: Outlook) -> Outlook | None:
        """Both as one; None where they have no step in common, or do not say the same about one."""
        first = max(self.start, other.start)
        stop = min(self.start + len(self.rates), other.start + len(other.rates))
        if first >= stop or (
            self.rates[first - self.start : stop - self.start] != other.rates[first - other.start : stop - other.start]
        ):
            return None
        before, after = (self, other) if self.start <= other.start else (other, self)
        return Outlook(before.start, [*before.rates, *after.rates[before.start + len(before.rates) - after.start :]])


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
        known = list(table.rates[: max(0, table.sealed_until - table.start + 1)])
        if known:
            first, sealed = _joined(table.start, known, first, sealed, current)
    until = first + len(sealed) - 1
    rates = [*sealed, *far.after(until)]
    skipped = min(max(0, current - first), len(rates) - 1)
    return Table(first + skipped, rates[skipped:], until, answer["attempt"])


def _joined(first: int, rates: list[float], other: int, more: list[float], current: int) -> tuple[int, list[float]]:
    """Two runs of sealed rates as one; where there is a hole between them, the one that the trainer needs."""
    if other < first:
        first, rates, other, more = other, more, first, rates
    end = first + len(rates)
    if other > end:
        return (first, rates) if current < end else (other, more)
    return first, rates + more[end - other :]
