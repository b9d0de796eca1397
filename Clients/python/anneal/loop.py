"""What the callbacks of the frameworks have in common: a training loop that tells of a step piece by piece."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol, SupportsFloat

from .session import Command

log = logging.getLogger("anneal")


class Rates(Protocol):
    """A session, or what stands for it on ranks that train together."""

    name: str
    groups: dict[str, float]
    attempt: int

    def multiplier(self, group: str) -> float: ...

    def report(
        self,
        step: int,
        loss: Any = None,
        *,
        metrics: Mapping[str, Any] | None = None,
        applied: float | None = None,
        gradients: Any = None,
        samples: float | None = None,
    ) -> None: ...

    def rate(self, step: int) -> float: ...

    def resume(self, step: int, after_attempt: int = 0) -> float: ...

    def due(self, step: int) -> Command | None: ...

    def acknowledge(self, command: Command) -> None: ...

    def flush(self, timeout: float | None = None) -> bool: ...

    def close(self, timeout: float = 5) -> None: ...


class Loop:
    """A step's report is held until the next step begins, because loss and metrics come after the step, one by one.

    Args:
        opened: opens the session, at a step.
    """

    def __init__(self, opened: Callable[[int], Rates]) -> None:
        self._opened = opened
        self._rates: Rates | None = None
        self._pending: int | None = None
        self._loss: Any = None
        self._metrics: dict[str, Any] = {}
        self._applied: float | None = None
        self._next = 0
        self._refused: set[str] = set()

    @property
    def rates(self) -> Rates:
        if self._rates is None:
            raise RuntimeError("the training has not begun")
        return self._rates

    def begin(self, step: int) -> None:
        """The training begins at a step, or goes on there: after a checkpoint was loaded it is a new attempt."""
        self._flush()
        if self._rates is None:
            self._rates = self._opened(step)
            if step > 0:
                self._rates.resume(step)
        elif step != self._next:
            self._rates.resume(step, self._rates.attempt)
        self._next = step

    def before(self, step: int) -> float:
        """The rate of a step that begins now."""
        if step != self._pending:
            self._flush()
        return self.rates.rate(step)

    def done(self, step: int, loss: SupportsFloat | None = None, applied: float | None = None) -> None:
        """The step was made."""
        self._flush()
        self._pending, self._loss, self._applied, self._next = step, loss, applied, step + 1

    def add(self, metrics: Mapping[str, Any], loss: SupportsFloat | None = None) -> None:
        """More numbers about the last step."""
        if loss is not None:
            self._loss = loss
        self._metrics.update(metrics)

    def command(self) -> Command | None:
        """A command that is due. It counts as carried out, but for a roll-back, which a callback cannot do."""
        command = self.rates.due(self._next)
        if command is None:
            return None
        if command.type == "roll_back":
            if command.id not in self._refused:
                self._refused.add(command.id)
                log.warning(
                    "%s: roll back to step %s (%s): load such a checkpoint and start again",
                    self.rates.name, command.resume_step, command.reason or command.id,
                )  # fmt: skip
            return None
        self.rates.acknowledge(command)
        return command

    def end(self) -> None:
        """The training is over; more may follow."""
        self._flush()
        if self._rates is not None:
            self._rates.flush()

    def _flush(self) -> None:
        if self._pending is None or self._rates is None:
            return
        step, self._pending = self._pending, None
        loss, self._loss = self._loss, None
        metrics, self._metrics = self._metrics, {}
        self._rates.report(step, loss, metrics=metrics or None, applied=self._applied)


def numbers(values: Mapping[str, Any]) -> dict[str, Any]:
    """Those that are numbers, under names that the server takes."""
    return {
        name: value
        for name, value in values.items()
        if hasattr(value, "__float__") and not isinstance(value, bool) and 0 < len(name) <= 64 and name.isascii()
    }
