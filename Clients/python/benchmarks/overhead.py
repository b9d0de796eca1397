#!/usr/bin/env python3
"""What a step of the client costs the training thread, beside torch's own scheduler.

    pip install torch
    Scripts/serve &
    Clients/python/benchmarks/overhead.py [--url http://127.0.0.1:8080] [--steps 20000]

It is the time in scheduler.step(), as the training thread sees it: median, mean, and the slowest of a hundred and of a
thousand. First without a pause between the steps, where the background thread competes for the interpreter; then with
some work of torch between them, as in a training. The last line is a session with a policy, where each step waits for
the server: that is a round trip and the server's fsync.
"""

import argparse
import pathlib
import statistics
import sys
import time
import uuid

import torch

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))

import anneal
import anneal.torch


def measure(name, make, steps, work, report):
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(4)) for _ in range(4)], lr=0.1)
    scheduler = make(optimizer)
    loss = torch.tensor(1.5)
    matrix = torch.ones(work, work)
    times = []
    for _ in range(steps):
        if work:
            matrix @ matrix
        optimizer.step()
        start = time.perf_counter_ns()
        if report:
            scheduler.step(loss)
        else:
            scheduler.step()
        times.append(time.perf_counter_ns() - start)
    if hasattr(scheduler, "close"):
        scheduler.close()
    times = sorted(value / 1000 for value in times[10:])
    slow = [times[min(len(times) - 1, int(len(times) * part))] for part in (0.99, 0.999)]
    print(
        f"{name:60} {statistics.median(times):8.2f} {statistics.mean(times):8.2f} {slow[0]:8.1f} {slow[1]:8.1f}",
        flush=True,
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--steps", type=int, default=20000)
    options = parser.parse_args()
    torch.set_num_threads(1)

    def own(optimizer):
        return torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, options.steps)

    def remote(optimizer, policies=()):
        spec = {"schedule": {"type": "torch.CosineAnnealingLR", "base_lr": 0.1, "T_max": options.steps}}
        if policies:
            spec["policies"] = list(policies)
        return anneal.torch.RemoteLR(optimizer, options.url, session=f"bench-{uuid.uuid4().hex}", spec=spec)

    plateau = {"type": "torch.ReduceLROnPlateau", "patience": 10**6}
    print(
        f"torch {torch.__version__}\n"
        f"{'microseconds in scheduler.step()':60} {'median':>8} {'mean':>8} {'99 %':>8} {'99.9 %':>8}"
    )
    for work, words in [(0, "no work between"), (400, "a product of 400 x 400 between")]:
        steps = options.steps if work == 0 else options.steps // 10
        measure(f"torch's CosineAnnealingLR, {words}", own, steps, work, False)
        measure(f"RemoteLR, {words}", remote, steps, work, True)
    measure(
        "RemoteLR with a policy (waits)", lambda optimizer: remote(optimizer, [plateau]), options.steps // 40, 0, True
    )
