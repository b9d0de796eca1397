"""A callback of Keras 3 whose rates come from a session."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from .loop import Loop, numbers
from .session import Session


class RemoteLRCallback(keras.callbacks.Callback):
    """The learning rates of an Anneal session, in `fit`.

        model.fit(…, callbacks=[anneal.keras.RemoteLRCallback("http://anneal:8080", session="run-17", spec={…})])

    The rate is set before each batch; the optimizer is made with a number as its `learning_rate`, not with a schedule.
    Each batch's `loss` is reported as Keras tells it, which is the mean of the epoch so far, and `val_loss` and the
    like at the end of an epoch. Where the optimizer has made steps before (`BackupAndRestore`, a loaded model), a new
    attempt begins there. The server's command `stop` is carried out.

    Args:
        options: as `anneal.Session` has them: token, look_ahead, rank, timeout, start_timeout, tls.
    """

    def __init__(
        self,
        url: str | None = None,
        session: str | None = None,
        spec: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        self._loop = Loop(lambda step: Session(url, session, spec, start=step, **options))
        self._step = 0
        self._rate = 0.0
        self._begun = False

    def on_train_begin(self, logs: Any = None) -> None:
        # Not yet the session: another callback may load a checkpoint after this.
        self._begun = False

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
        if not self._begun:
            self._begun = True
            self._step = int(self.model.optimizer.iterations)
            self._loop.begin(self._step)
        self._rate = self._loop.before(self._step)
        self.model.optimizer.learning_rate = self._rate

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        found = dict(logs or {})
        self._loop.done(self._step, found.pop("loss", None), self._rate)
        self._loop.add(numbers(found))
        self._step += 1
        command = self._loop.command()
        if command is not None and command.type == "stop":
            self.model.stop_training = True

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self._loop.add(numbers({name: value for name, value in (logs or {}).items() if name.startswith("val_")}))

    def on_train_end(self, logs: Any = None) -> None:
        self._loop.end()
