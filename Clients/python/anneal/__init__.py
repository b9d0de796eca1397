"""Learning rates of a training job from an Anneal server.

    scheduler = anneal.torch.RemoteLR(optimizer, "http://anneal:8080", session="run-17", spec={...})
    loss.backward(); optimizer.step(); scheduler.step(loss)

`anneal.Session` is what the adapters of the frameworks (`anneal.torch`, `.transformers`, `.lightning`, `.keras`,
`.optax`) have in common; `anneal.schedule` and `anneal.range_test` are plain functions.
"""

from __future__ import annotations

import importlib
from typing import Any

from .functions import RangeTest, range_test, schedule
from .session import Command, Session
from .wire import Problem, Unreachable

__all__ = ["Command", "Problem", "RangeTest", "Session", "Unreachable", "range_test", "schedule"]

_ADAPTERS = ("torch", "transformers", "lightning", "keras", "optax")


def __getattr__(name: str) -> Any:
    # An adapter imports its framework, so it is imported when it is used.
    if name in _ADAPTERS:
        return importlib.import_module(f"{__name__}.{name}")
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
