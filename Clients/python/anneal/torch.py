"""A scheduler of torch whose rates come from a session."""

from __future__ import annotations

import ssl
import weakref
from collections.abc import Mapping, Sequence
from typing import Any, SupportsFloat

import torch
import torch.distributed
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from .loop import Rates
from .session import Command, Session

#: Rates that rank 0 hands to the others at once, at most.
LARGEST_SHARE = 500


class RemoteLR(LRScheduler):
    """The learning rates of an Anneal session, as a scheduler of torch.

        scheduler = anneal.torch.RemoteLR(optimizer, "http://anneal:8080", session="run-17", spec={...})
        loss.backward(); optimizer.step(); scheduler.step(loss)

    Where `torch.distributed` is initialized, all ranks make one and step it alike: rank 0 talks with the server and
    hands the rates to the others, so that all have the same at every step, also while the server is away. In a quorum
    (the specification's `ranks`) every rank reports on its own.

    Args:
        optimizer: gets the served rate into each parameter group.
        url: the server; else the environment's ANNEAL_URL.
        session: the session's name; without one the server names it, see `scheduler.session`.
        spec: the specification of the session; without one it has to exist.
        groups: the names of the optimizer's parameter groups in the session's `groups`, in order; else each group's
            `name`.
        last_epoch: as in torch: the last step that was made, where there is no checkpoint of the scheduler.
        token, look_ahead, timeout, start_timeout, tls: as in `anneal.Session`.
        process_group: the ranks that train together; else all.
    """

    last_epoch: int
    _step_count: int

    def __init__(
        self,
        optimizer: Optimizer,
        url: str | None = None,
        session: str | None = None,
        spec: Mapping[str, Any] | None = None,
        *,
        groups: Sequence[str] | None = None,
        last_epoch: int = -1,
        token: str | None = None,
        look_ahead: int | None = None,
        timeout: float = 5,
        start_timeout: float = 30,
        tls: ssl.SSLContext | None = None,
        process_group: Any = None,
    ) -> None:
        self._rates = open_rates(
            url, session, spec, start=last_epoch + 1, process_group=process_group,
            token=token, look_ahead=look_ahead, timeout=timeout, start_timeout=start_timeout, tls=tls,
        )  # fmt: skip
        self.session: str = self._rates.name
        self._multipliers = multipliers(optimizer, self._rates, groups)
        self._set: list[float] = []
        super().__init__(optimizer, last_epoch)
        # The thread of a scheduler that is thrown away ends, and what it has to report is sent.
        weakref.finalize(self, self._rates.close)
        reference = weakref.ref(self)

        def served_rate_wins(_: Optimizer) -> None:
            scheduler = reference()
            if scheduler is not None:
                scheduler._apply(scheduler._rate)

        # An optimizer's checkpoint has the rates of its time.
        optimizer.register_load_state_dict_post_hook(served_rate_wins)

    def step(
        self,
        loss: SupportsFloat | None = None,
        *,
        metrics: Mapping[str, SupportsFloat] | None = None,
        gradients: Any = None,
        samples: float | None = None,
    ) -> None:
        """Reports the step that `optimizer.step()` has made, and puts the next one's rate into the optimizer.

        Args:
            loss: the step's loss; a tensor on another device is read in the background.
            metrics: other numbers by name, such as `val_loss`.
            gradients: the gradient norm, or those of the parameter groups, for adaptive policies.
            samples: this rank's weight in a quorum.

        Raises:
            anneal.Problem: another process has resumed the session; this one is to end.
        """
        if self._is_initial:
            self._step_count += 1
            self.last_epoch += 1
            self._apply(self._rates.rate(self.last_epoch))
            return
        if self._step_count == 1:
            _warn_of_order(self.optimizer)
        done = self.last_epoch
        self._rates.report(
            done, _kept(loss), metrics=_kept_all(metrics) if metrics else None, applied=self._applied(),
            gradients=gradients, samples=samples,
        )  # fmt: skip
        self._step_count += 1
        self.last_epoch = done + 1
        self._apply(self._rates.rate(done + 1))

    def report(self, loss: SupportsFloat | None = None, **metrics: SupportsFloat) -> None:
        """Adds numbers to the last step's report, such as a validation loss that comes after it."""
        self._rates.report(max(0, self.last_epoch - 1), _kept(loss), metrics=_kept_all(metrics) or None)

    def get_lr(self) -> list[float | torch.Tensor]:
        """The present rate of each parameter group."""
        return [self._rate * multiplier for multiplier in self._multipliers]

    def due(self) -> Command | None:
        """A command that is to be carried out before the next step: a checkpoint, a roll-back, a stop.

        It comes on all ranks at the same step; `acknowledge` it then.
        """
        return self._rates.due(self.last_epoch)

    def acknowledge(self, command: Command) -> None:
        """Says that a command was carried out."""
        self._rates.acknowledge(command)

    def state_dict(self) -> dict[str, Any]:
        """Plain numbers and text, so that `torch.load(…, weights_only=True)` reads it.

        What is not reported yet is sent first, so that the server is not behind the checkpoint.
        """
        self._rates.flush(1)
        return {
            "version": 1,
            "session": self.session,
            "attempt": self._rates.attempt,
            "last_epoch": self.last_epoch,
            "_step_count": self._step_count,
            "_last_lr": [float(rate) for rate in self._last_lr],
            "base_lrs": [float(rate) for rate in self.base_lrs],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Goes on at a checkpoint's step, in a new attempt. The served rate goes into the optimizer, whatever the
        checkpoint's was.

        Raises:
            anneal.Problem, anneal.Unreachable: there is no new attempt.
        """
        self.last_epoch = state_dict["last_epoch"]
        self._step_count = state_dict["_step_count"]
        self.base_lrs = list(state_dict["base_lrs"])
        self._apply(self._rates.resume(self.last_epoch, state_dict["attempt"]))

    def close(self) -> None:
        """Sends what is left. It is done as well at the program's end, and when the scheduler is not used any more."""
        self._rates.close()

    def _apply(self, rate: float) -> None:
        self._rate = rate
        self._last_lr = put(self.optimizer, rate, self._multipliers)

    def _applied(self) -> float:
        """The rate that the optimizer used, by its first group: the served one, unless somebody has changed it."""
        present = self.optimizer.param_groups[0]["lr"]
        # A tensor is not asked for: it may be on another device, and that would wait for it.
        if isinstance(present, torch.Tensor) or present == self._last_lr[0] or self._multipliers[0] == 0:
            return self._rate
        return float(present) / self._multipliers[0]


class _Shared:
    """Rank 0's session, and what the others get of it. All ranks call the same in the same order.

    At steps that all ranks know, rank 0 hands out the rates up to the next such step. Between them nobody talks.
    """

    def __init__(self, opened: Any, rank: int, process_group: Any, start: int) -> None:
        self._group = process_group
        self._session: Session | None = None
        self._start, self._list, self._commands = start, [0.0], {}  # type: ignore[var-annotated]
        error: Exception | None = None
        if rank == 0:
            try:
                self._session = opened()
            except Exception as problem:
                error = problem
        session = self._session
        head = self._broadcast((session.name, session.groups) if session else error)
        self.name: str = head[0]
        self.groups: dict[str, float] = head[1]
        self.attempt = 0
        self._share(start)

    def multiplier(self, group: str) -> float:
        if self.groups and group not in self.groups:
            raise KeyError(f"the session {self.name!r} has no parameter group {group!r}, but {', '.join(self.groups)}")
        return self.groups.get(group, 1.0)

    def report(self, step: int, loss: Any = None, **more: Any) -> None:
        # A failure is told to all ranks, when rates are handed out.
        if self._session is not None and self._session._failure is None:
            self._session.report(step, loss, **more)

    def rate(self, step: int) -> float:
        index = step - self._start
        if not 0 <= index < len(self._list):
            self._share(step)
            index = 0
        return self._list[index]

    def resume(self, step: int, after_attempt: int = 0) -> float:
        error: Exception | None = None
        if self._session is not None:
            try:
                self._session.resume(step, after_attempt)
            except Exception as problem:
                error = problem
        self._share(step, error)
        return self._list[0]

    def due(self, step: int) -> Command | None:
        due = [command for command in self._commands.values() if command.at_step <= step]
        return min(due, key=lambda command: command.at_step, default=None)

    def acknowledge(self, command: Command) -> None:
        self._commands.pop(command.id, None)
        if self._session is not None:
            self._session.acknowledge(command)

    def flush(self, timeout: float | None = None) -> bool:
        return self._session.flush(timeout) if self._session is not None else True

    def close(self, timeout: float = 5) -> None:
        if self._session is not None:
            self._session.close(timeout)

    def _share(self, step: int, error: Exception | None = None) -> None:
        message: Any = error
        session = self._session
        if session is not None and error is None:
            try:
                if session._failure is not None:
                    raise session._failure
                rates = session.window(step, session.share(step, LARGEST_SHARE))
                message = (rates, session.attempt, dict(session._commands))
            except Exception as problem:
                message = problem
        rates, self.attempt, self._commands = self._broadcast(message)
        self._start, self._list = step, rates

    def _broadcast(self, message: Any) -> Any:
        box = [message]
        source = 0 if self._group is None else torch.distributed.get_global_rank(self._group, 0)
        torch.distributed.broadcast_object_list(box, src=source, group=self._group)
        if isinstance(box[0], Exception):
            raise box[0]
        return box[0]


def open_rates(
    url: str | None,
    session: str | None,
    spec: Mapping[str, Any] | None,
    *,
    start: int = 0,
    process_group: Any = None,
    **options: Any,
) -> Rates:
    """The session, or on ranks that train together what stands for it; all of them have to call this."""
    distributed = torch.distributed.is_available() and torch.distributed.is_initialized()
    rank = torch.distributed.get_rank(process_group) if distributed else 0
    world = torch.distributed.get_world_size(process_group) if distributed else 1
    if ((spec or {}).get("ranks") or {}).get("mode") == "quorum":
        return Session(url, session, spec, rank=rank, start=start, **options)
    if world == 1:
        return Session(url, session, spec, start=start, **options)
    return _Shared(lambda: Session(url, session, spec, start=start, **options), rank, process_group, start)


def multipliers(optimizer: Any, rates: Rates, names: Sequence[str] | None) -> list[float]:
    """What each parameter group's rate is multiplied with.

    Raises:
        ValueError: names are missing, or unknown to the session.
    """
    count = len(optimizer.param_groups)
    if names is None and not rates.groups:
        return [1.0] * count
    if names is None:
        missing = [index for index, group in enumerate(optimizer.param_groups) if "name" not in group]
        if missing:
            raise ValueError(
                f"the session has the groups {', '.join(rates.groups)}: name the optimizer's parameter groups by "
                f"groups=[…], or by a 'name' in each; number {missing[0]} has none"
            )
        names = [group["name"] for group in optimizer.param_groups]
    if len(names) != count:
        raise ValueError(f"there are {count} parameter groups and {len(names)} names in groups=[…]")
    try:
        return [rates.multiplier(name) for name in names]
    except KeyError as error:
        raise ValueError(error.args[0]) from None


def put(optimizer: Any, rate: float, multipliers: Sequence[float]) -> list[Any]:
    """Puts a rate into each parameter group; returns what they have now. A rate that is a tensor stays one."""
    rates: list[Any] = []
    for group, multiplier in zip(optimizer.param_groups, multipliers, strict=True):
        value = rate * multiplier
        present = group["lr"]
        if isinstance(present, torch.Tensor):
            present.fill_(value)
            rates.append(present.clone())
        else:
            group["lr"] = value
            rates.append(value)
    return rates


def _kept(value: Any) -> Any:
    """A number that what comes next cannot change: read at once where that is free, else copied and read later."""
    if isinstance(value, torch.Tensor):
        return value.item() if value.is_cpu else value.detach().clone()
    return value


def _kept_all(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _kept(value) for name, value in metrics.items()}


def _warn_of_order(optimizer: Optimizer) -> None:
    if hasattr(optimizer.step, "_wrapped_by_lr_sched") and not getattr(optimizer, "_opt_called", False):
        import warnings

        warnings.warn(
            "scheduler.step() was called before optimizer.step(): the first rate of the schedule is skipped",
            UserWarning,
            stacklevel=3,
        )
