#!/usr/bin/env python3
"""Trains a small network on scikit-learn's digits, with torch's own scheduler or with the rates of a session.

pip install 'anneal-client[torch]' scikit-learn
examples/digits.py                                            # torch's CosineAnnealingLR
examples/digits.py --session digits-1                         # the same from a server: two lines differ
torchrun --standalone --nproc-per-node 4 examples/digits.py --session digits-2
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import Any

import torch
import torch.distributed
from sklearn.datasets import load_digits

BASE = 0.1


def train(
    steps: int, make: Callable[[torch.optim.Optimizer], Any], before: Callable[[int], None] = lambda step: None
) -> tuple[torch.Tensor, list[float]]:
    """Gives the weights and the rates. `before` is called before each step."""
    distributed = torch.distributed.is_initialized()
    rank = torch.distributed.get_rank() if distributed else 0
    torch.manual_seed(0)
    digits = load_digits()
    inputs = torch.tensor(digits.data, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target)
    model: torch.nn.Module = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    if distributed:
        model = torch.nn.parallel.DistributedDataParallel(model)
    optimizer = torch.optim.SGD(model.parameters(), lr=BASE, momentum=0.9)
    scheduler = make(optimizer)
    torch.manual_seed(1 + rank)
    rates = []
    for step in range(steps):
        before(step)
        rates.append(optimizer.param_groups[0]["lr"])
        batch = torch.randint(len(inputs), (64,))
        loss = torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if isinstance(scheduler, torch.optim.lr_scheduler.ReduceLROnPlateau) or hasattr(scheduler, "session"):
            scheduler.step(loss)
        else:
            scheduler.step()
    if hasattr(scheduler, "close"):
        scheduler.close()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]), rates


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--session")
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--weights", help="the file to save the weights in")
    options = parser.parse_args()
    torch.set_num_threads(1)
    if torch.distributed.is_torchelastic_launched():
        torch.distributed.init_process_group("gloo")

    def make(optimizer: torch.optim.Optimizer) -> Any:
        if options.session is None:
            return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)
        import anneal

        spec = {"schedule": {"type": "torch.CosineAnnealingLR", "base_lr": BASE, "T_max": options.steps}}
        return anneal.torch.RemoteLR(optimizer, options.url, session=options.session, spec=spec)

    weights, rates = train(options.steps, make)
    if not torch.distributed.is_initialized() or torch.distributed.get_rank() == 0:
        print(
            f"{options.steps} steps, the last at rate {rates[-1]:.3g}; sum of the weights {weights.double().sum():.12f}"
        )
        if options.weights:
            torch.save(weights, options.weights)
    if torch.distributed.is_initialized():
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
