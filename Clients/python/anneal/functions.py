"""Plain functions: a schedule's rates, and a range test."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, SupportsFloat

from .session import Session
from .wire import Wire, default_url

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Rates = numpy.typing.NDArray[numpy.float64]


def schedule(
    schedule: Mapping[str, Any],
    steps: int | Mapping[str, int] | None = None,
    *,
    at: Sequence[int] | None = None,
    url: str | None = None,
    token: str | None = None,
    **more: Any,
) -> Rates:
    """The rates of a schedule.

        anneal.schedule({"type": "cosine", "base_lr": 0.1, "total_steps": 1000}, steps=1000)

    Args:
        schedule: of any type that the server knows, as in `POST /schedule`.
        steps: how many from 0 on, or `{"start": …, "count": …, "stride": …}`.
        at: or the steps themselves.
        url: the server; else the environment's ANNEAL_URL, else `http://127.0.0.1:8080`.
        more: other fields of the request, such as `unit`, `steps_per_epoch` or `metrics`.

    Returns: an array of 64-bit numbers.

    Raises:
        Problem: the server refuses; it names the field.
    """
    import numpy

    content: dict[str, Any] = {"schedule": dict(schedule), **more}
    if steps is not None:
        content["steps"] = steps
    if at is not None:
        content["at"] = [int(step) for step in at]
    answer = Wire(url or default_url(), token, timeout=60).ask("POST", "/schedule", content, accept="application/x-npy")
    rates: Rates = numpy.load(io.BytesIO(answer.content))
    return rates


@dataclass(frozen=True)
class RangeTest:
    """What a range test found."""

    session: str
    state: str
    """`finished`, or `diverged` before its end."""
    learning_rates: list[float]
    losses: list[float]
    smoothed: list[float]
    suggestions: dict[str, float | None]
    """By name (`steep`, `valley`, `minimum`, `slide`, `lightning`, `torch_lr_finder`); None where a rule finds none."""


def range_test(
    train: Callable[[float], SupportsFloat],
    *,
    low: float = 1e-7,
    high: float = 10,
    steps: int = 100,
    url: str | None = None,
    token: str | None = None,
    **more: Any,
) -> RangeTest:
    """Trains at rising rates, and suggests some. The model is of no use afterwards: give it a copy.

    Args:
        train: makes one step at the rate that it is given, and returns the loss.
        low, high, steps: from which rate to which, in how many steps.
        more: other parameters of the policy `range_test`, such as `spacing`, `smoothing` or `divergence`.
    """
    policy = {"type": "range_test", "low": low, "high": high, "steps": steps, **more}
    specification = {"schedule": {"type": "constant", "base_lr": low}, "policies": [policy]}
    with Session(url, None, specification, token=token, timeout=30) as session:
        for step in range(steps):
            loss = float(train(session.rate(step)))
            session.report(step, loss)
            session.rate(step + 1)
            command = session.due(step + 1)
            if command is not None and command.type == "stop":
                session.acknowledge(command)
                break
        session.flush(30)
        found = session._wire.ask("GET", f"{session._path}/suggestions").json()
        return RangeTest(
            session.name,
            found["state"],
            [float(rate) for rate in found["learning_rates"]],
            [float(loss) for loss in found["losses"]],
            [float(loss) for loss in found["smoothed"]],
            {one["name"]: one["learning_rate"] for one in found["suggestions"]},
        )
