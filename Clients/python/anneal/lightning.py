"""A callback of Lightning whose rates come from a session."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lightning.pytorch.callbacks import Callback

from .loop import Loop, numbers
from .torch import _kept, multipliers, open_rates, put


class RemoteLRCallback(Callback):
    """The learning rates of an Anneal session, in a Lightning Trainer with one optimizer.

        Trainer(…, callbacks=[anneal.lightning.RemoteLRCallback("http://anneal:8080", session="run-17", spec={…})])

    The module's `configure_optimizers` gives the optimizer alone. Each optimizer step's loss is reported, and what
    `self.log` has of the validation. After `ckpt_path=…` a new attempt begins. The server's commands `stop` and
    `checkpoint` are carried out. On several ranks, rank 0 talks with the server.

    (`anneal.torch.RemoteLR` works as well: `{"scheduler": RemoteLR(…), "interval": "step"}`.)

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
        self._multipliers: list[float] = []
        self._rate = 0.0
        self._step = 0

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        if len(trainer.optimizers) != 1:
            raise ValueError(f"a session steers one optimizer, and there are {len(trainer.optimizers)}")
        self._step = trainer.global_step
        self._loop.begin(self._step)
        self._multipliers = multipliers(trainer.optimizers[0], self._loop.rates, self._groups)

    def on_train_batch_start(self, trainer: Any, pl_module: Any, batch: Any, batch_idx: int) -> None:
        self._rate = self._loop.before(trainer.global_step)
        # Here too, for those who log it.
        self.on_before_optimizer_step(trainer, pl_module, trainer.optimizers[0])

    def on_before_optimizer_step(self, trainer: Any, pl_module: Any, optimizer: Any) -> None:
        put(optimizer, self._rate, self._multipliers)

    def on_train_batch_end(self, trainer: Any, pl_module: Any, outputs: Any, batch: Any, batch_idx: int) -> None:
        if trainer.global_step == self._step:
            return  # Gradients are accumulated: no step was made.
        self._step = trainer.global_step
        loss = outputs.get("loss") if isinstance(outputs, Mapping) else outputs
        self._loop.done(self._step - 1, _kept(loss), self._rate)
        command = self._loop.command()
        if command is not None and command.type == "stop":
            trainer.should_stop = True
        elif command is not None and command.type == "checkpoint" and trainer.checkpoint_callback is not None:
            callback = trainer.checkpoint_callback
            trainer.save_checkpoint(f"{callback.dirpath or trainer.default_root_dir}/anneal-step={self._step}.ckpt")

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        if not trainer.sanity_checking:
            self._loop.add({name: _kept(value) for name, value in numbers(trainer.callback_metrics).items()})

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        self._loop.end()
