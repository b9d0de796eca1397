"""The table of rates, and the outlook behind it."""

from __future__ import annotations

import random
from typing import Any

from anneal.table import Outlook, Table, merged, outlook


def rate(step: int) -> float:
    return 1 / (step + 1)


def answer(first: int, sealed: int, ahead: int = 0, attempt: int = 1) -> dict[str, Any]:
    """As the server gives it."""
    after = first + sealed - 1
    later = [rate(step) for step in range(after + 1, after + 1 + ahead)]
    return {
        "step": first, "learning_rate": rate(first), "attempt": attempt, "sealed_until": after,
        "learning_rates": [rate(step) for step in range(first, first + sealed)],
        "fallback": {"mode": "schedule", "after": after, "learning_rates": later},
    }  # fmt: skip


def test_beyond_what_is_known_the_last_rate_holds() -> None:
    table = Table(5, [0.5, 0.4], 1)
    assert [table.rate(step) for step in (5, 6, 7, 1000)] == [0.5, 0.4, 0.4, 0.4]


def test_answers_in_any_order_give_the_rates_of_their_steps() -> None:
    for seed in range(300):
        chance = random.Random(seed)
        table: Table | None = None
        current = 0
        for _ in range(8):
            first, sealed = chance.randrange(max(0, current - 10), current + 10), chance.randrange(1, 12)
            table = merged(table, answer(first, sealed), Outlook(), current)
            for step in range(current, table.sealed_until + 1):
                if table.start <= step:
                    assert table.rate(step) == rate(step), seed
            assert table.sealed_until >= current or not first <= current < first + sealed, seed
            current += chance.randrange(0, 4)


def test_sealed_rates_are_kept_when_an_answer_has_fewer() -> None:
    table = merged(None, answer(0, 50), Outlook(), 0)
    table = merged(table, answer(10, 5), Outlook(), 12)
    assert table.sealed_until == 49 and table.start == 12 and table.rate(49) == rate(49)


def test_another_attempt_starts_anew() -> None:
    table = merged(None, answer(0, 50), Outlook(), 0)
    table = merged(table, answer(10, 2, attempt=2), Outlook(), 10)
    assert (table.start, table.sealed_until, table.attempt) == (10, 11, 2)


def test_outlooks_that_agree_are_one_and_others_are_not() -> None:
    far, near = outlook(answer(0, 10, 100)), outlook(answer(0, 5, 20))
    for joined in (far.joined(near), near.joined(far)):
        assert joined is not None
        assert (joined.start, list(joined.rates)) == (5, [rate(step) for step in range(5, 110)])
        table = Table(4, [rate(4), rate(5)], 1, joined)
        assert [table.rate(step) for step in range(4, 110)] == [rate(step) for step in range(4, 110)]
        assert table.rate(10**9) == rate(109) and table.rate(0) == rate(4)
    assert Table(0, [0.5], 1, outlook(answer(0, 10, 5))).rate(3) == 0.5, "of what it does not know, the last one holds"
    assert Table(0, [0.5] * 50, 1, outlook(answer(0, 10, 5))).rate(60) == 0.5
    assert far.joined(Outlook(20, [0.5] * 5)) is None
    assert far.joined(Outlook(110, [0.5])) is None
    assert Outlook().joined(far) is None


def test_a_fallback_that_holds_is_no_outlook() -> None:
    assert outlook({"fallback": {"mode": "hold", "after": 3, "learning_rate": 0.1}}) == Outlook() == outlook({})
