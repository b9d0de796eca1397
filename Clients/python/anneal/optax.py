"""The rates of a session for an optimizer of optax."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any, SupportsFloat

import jax
import jax.numpy
import optax

from .session import Command, Session


class RemoteLR:
    """The learning rates of an Anneal session, for a transformation that is made with `inject_hyperparams`.

        optimizer = optax.inject_hyperparams(optax.adamw)(learning_rate=0.0)
        remote = anneal.optax.RemoteLR("http://anneal:8080", session="run-17", spec={…})
        …
        updates, state = update(gradients, remote.apply(state), parameters)    # jitted as before, and traced once
        remote.step(loss)

    The `learning_rate` has to be made with a number: of one that is made with a schedule, optax ignores what is
    injected. With several processes of JAX, process 0 reports and the others follow.

    Args:
        step: the first step that is run, where a checkpoint was loaded: a new attempt begins there.
        options: as `anneal.Session` has them: token, look_ahead, rank, timeout, start_timeout, tls.
    """

    def __init__(
        self,
        url: str | None = None,
        session: str | None = None,
        spec: Mapping[str, Any] | None = None,
        *,
        step: int = 0,
        **options: Any,
    ) -> None:
        options.setdefault("rank", jax.process_index())
        self._session = Session(url, session, spec, start=step, **options)
        self.session = self._session.name
        self._step = step
        if step > 0:
            self._session.resume(step)
        weakref.finalize(self, self._session.close)

    @property
    def learning_rate(self) -> float:
        """The rate of the next step."""
        return self._session.rate(self._step)

    def apply(self, state: Any) -> Any:
        """The optimizer's state with the next step's rate in it."""
        present = optax.tree_utils.tree_get_all_with_path(state, "learning_rate")
        if not present:
            raise ValueError("the state has no 'learning_rate': make the optimizer with optax.inject_hyperparams")
        dtype = present[0][1].dtype
        return optax.tree_utils.tree_set(state, learning_rate=jax.numpy.asarray(self.learning_rate, dtype))

    def step(self, loss: SupportsFloat | None = None, *, metrics: Mapping[str, SupportsFloat] | None = None) -> None:
        """Reports the step that was made. An array of JAX is read in the background, when it is there."""
        self._session.report(self._step, loss, metrics=metrics, applied=self._session.rate(self._step))
        self._step += 1

    def due(self) -> Command | None:
        """A command that is to be carried out before the next step; `acknowledge` it then."""
        return self._session.due(self._step)

    def acknowledge(self, command: Command) -> None:
        """Says that a command was carried out."""
        self._session.acknowledge(command)

    def close(self) -> None:
        """Sends what is left."""
        self._session.close()
