"""A callback of Hugging Face's Trainer whose rates come from a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from transformers import TrainerCallback

from .loop import Loop, numbers
from .torch import multipliers, open_rates, put


class RemoteLRCallback(TrainerCallback):
    """The learning rates of an Anneal session, in a Trainer.

        Trainer(…, callbacks=[anneal.transformers.RemoteLRCallback("http://anneal:8080", session="run-17", spec={…})])

    The served rate is in force at each optimizer step, whatever the Trainer's own scheduler says, and in the logs. What
    the Trainer logs and evaluates is reported: `loss` at each step that is logged (`logging_steps=1` for all),
    `eval_loss` and so on. After `resume_from_checkpoint` a new attempt begins. The server's commands `stop` and
    `checkpoint` are carried out. On several ranks, rank 0 talks with the server.

    Args:
        groups: the names of the optimizer's parameter groups in the session's `groups`, in order.
        options: as `anneal.Session` has them: token, look_ahead, timeout, start_timeout, tls.
    """

    def __init__(
        self,
        url: str | None = None,
        session: str | None = None,
        spec: Mapping[str, Any] | None = None,
        *,
        groups: Sequence[str] | None = None,
        **options: Any,
    ) -> None:
        self._loop = Loop(lambda step: open_rates(url, session, spec, start=step, **options))
        self._groups = groups
        self._multipliers: list[float] | None = None
        self._rate = 0.0

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._loop.begin(state.global_step)
        self._multipliers = None

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._rate = self._loop.before(state.global_step)

    def on_pre_optimizer_step(self, args: Any, state: Any, control: Any, optimizer: Any = None, **more: Any) -> None:
        if self._multipliers is None:
            self._multipliers = multipliers(optimizer, self._loop.rates, self._groups)
        put(optimizer, self._rate, self._multipliers)

    def on_step_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._loop.done(state.global_step - 1, applied=self._rate)
        command = self._loop.command()
        if command is not None and command.type == "stop":
            control.should_training_stop = True
        elif command is not None and command.type == "checkpoint":
            control.should_save = True

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **more: Any) -> None:
        if not logs or "train_runtime" in logs:
            return
        if "learning_rate" in logs:
            # The Trainer asks its own scheduler, which has no say here.
            logs["learning_rate"] = self._rate
            if state.log_history and "learning_rate" in state.log_history[-1]:
                state.log_history[-1]["learning_rate"] = self._rate
        reported = numbers(
            {name: value for name, value in logs.items() if name not in ("learning_rate", "epoch", "loss")}
        )
        self._loop.add(reported, logs.get("loss"))

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        self._loop.end()
