#!/usr/bin/env python3
"""What a step of the client costs the training thread, beside torch's own scheduler.

    pip install torch
    Scripts/serve &
    Clients/python/benchmarks/overhead.py [--url http://127.0.0.1:8080] [--steps 20000]

It is the time in scheduler.step(), as the training thread sees it: median, mean, and the slowest of a hundred and of a
thousand. Both schedulers run in the same loop, so that they find the same caches. First without work between the steps,
where the background thread competes for the interpreter; then with some work of torch, as in a training. The last line
is a session with a policy, where each step waits for the server: that is a round trip and the server's fsync.
"""

import argparse
import pathlib
import statistics
import sys
import time
import uuid
from collections.abc import Callable
from typing import Any

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import anneal
import anneal.torch


def show(name: str, times: list[float]) -> None:
    times = sorted(times[10:])
    slow = [times[min(len(times) - 1, int(len(times) * part))] for part in (0.99, 0.999)]
    print(f"{name:60} {statistics.median(times):8.2f} {statistics.mean(times):8.2f} {slow[0]:8.1f} {slow[1]:8.1f}")


def measure(steps: int, work: int, cases: dict[str, tuple[Callable[[Any], Any], bool]]) -> None:
    """Times each case's step in turn, after a product of two matrices of `work` rows."""
    loss = torch.tensor(1.5)
    matrix = torch.ones(work, work)
    running = []
    for name, (make, told) in cases.items():
        optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(4)) for _ in range(4)], lr=0.1)
        running.append((name, optimizer, make(optimizer), told, []))
    for step in range(steps):
        if work:
            matrix @ matrix
        for _, optimizer, scheduler, told, times in running if step % 2 else running[::-1]:
            optimizer.step()
            start = time.perf_counter_ns()
            if told:
                scheduler.step(loss)
            else:
                scheduler.step()
            times.append((time.perf_counter_ns() - start) / 1000)
    for name, _, scheduler, told, times in running:
        if told:
            scheduler.close()
        show(name, times)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--steps", type=int, default=20000)
    options = parser.parse_args()
    torch.set_num_threads(1)

    def own(optimizer: Any) -> Any:
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)

    def remote(optimizer: Any, policies: Any = ()) -> Any:
        spec = {"schedule": {"type": "torch.CosineAnnealingLR", "base_lr": 0.1, "T_max": options.steps}}
        if policies:
            spec["policies"] = list(policies)
        return anneal.torch.RemoteLR(optimizer, options.url, session=f"bench-{uuid.uuid4().hex}", spec=spec)

    def waiting(optimizer: Any) -> Any:
        return remote(optimizer, [{"type": "torch.ReduceLROnPlateau", "patience": 10**6}])

    print(f"torch {torch.__version__}")
    print(f"{'microseconds in scheduler.step()':60} {'median':>8} {'mean':>8} {'99 %':>8} {'99.9 %':>8}")
    for work, words in [(0, "no work"), (400, "a product of 400 x 400")]:
        cases = {
            f"torch's CosineAnnealingLR, {words} between": (own, False),
            f"RemoteLR, {words} between": (remote, True),
        }
        measure(options.steps if work == 0 else options.steps // 4, work, cases)
    measure(options.steps // 40, 0, {"RemoteLR with a policy, which waits": (waiting, True)})


if __name__ == "__main__":
    main()
