"""Two ranks of torch for tests: a checkpoint, commands, a refusal; then a quorum."""

from __future__ import annotations

import json
import os
import pathlib
import sys
from typing import Any

import torch
import torch.distributed

import anneal

job = json.loads(sys.argv[1])
torch.set_num_threads(1)
torch.distributed.init_process_group("gloo")
rank = torch.distributed.get_rank()
SPEC = {
    "schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 100},
    "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 3, "factor": 0.5}],
}


def made(name: str, spec: dict[str, Any]) -> tuple[Any, Any]:
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1)
    return optimizer, anneal.torch.RemoteLR(optimizer, job["url"], session=name, spec=spec, timeout=30)


def run(optimizer: Any, scheduler: Any, steps: int) -> list[float]:
    rates = []
    for _ in range(steps):
        rates.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        scheduler.step(1.0 + rank)
    return rates


result: dict[str, Any] = {}
optimizer, scheduler = made(job["session"], SPEC)
result["first"] = run(optimizer, scheduler, 20)
saved = scheduler.state_dict()
result["lost"] = run(optimizer, scheduler, 10)

optimizer, again = made(job["session"], SPEC)
again.load_state_dict(saved)
result["second"] = run(optimizer, again, 20)
result["attempt"] = again.state_dict()["attempt"]

if rank == 0:
    again._rates.flush(30)
    anneal.Session(job["url"], job["session"], SPEC).resume(40)
torch.distributed.barrier()
try:
    for _ in range(1000):
        run(optimizer, again, 1)
        if rank == 0:
            again._rates.flush(30)
    result["refusal"] = None
except anneal.Problem as problem:
    result["refusal"] = problem.kind

try:
    made("not/a name", SPEC)
except Exception as problem:
    result["wrong"] = type(problem).__name__

quorum = {**SPEC, "ranks": {"mode": "quorum", "world_size": 2}}
optimizer, scheduler = made(job["session"] + "-quorum", quorum)
result["quorum"] = run(optimizer, scheduler, 20)
scheduler.close()
torch.save(result, pathlib.Path(job["out"]) / f"{os.environ['RANK']}.pt")
torch.distributed.destroy_process_group()
