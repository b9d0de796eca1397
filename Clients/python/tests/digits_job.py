"""The digits job of examples/digits.py, for tests: with torch's own scheduler or a session's, and with a server that is
killed at one step and started again at another."""

from __future__ import annotations

import json
import os
import pathlib
import signal
import subprocess
import sys
from typing import Any

import torch
import torch.distributed

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "examples"))

import digits  # noqa: E402

import anneal  # noqa: E402

job = json.loads(sys.argv[1])
steps = job["steps"]
torch.set_num_threads(1)
if torch.distributed.is_torchelastic_launched():
    torch.distributed.init_process_group("gloo")
rank = int(os.environ.get("RANK", "0"))
schedulers = torch.optim.lr_scheduler

KINDS: dict[str, tuple[Any, dict[str, Any]]] = {
    "cosine": (
        lambda optimizer: schedulers.CosineAnnealingLR(optimizer, steps),
        {"schedule": {"type": "torch.CosineAnnealingLR", "base_lr": digits.BASE, "T_max": steps}},
    ),
    "one_cycle": (
        lambda optimizer: schedulers.OneCycleLR(optimizer, 0.3, steps + 1, cycle_momentum=False),
        {"schedule": {"type": "torch.OneCycleLR", "max_lr": 0.3, "total_steps": steps + 1}},
    ),
    "plateau": (
        lambda optimizer: schedulers.ReduceLROnPlateau(optimizer, factor=0.7, patience=40),
        {
            "schedule": {"type": "constant", "base_lr": digits.BASE},
            "policies": [{"type": "torch.ReduceLROnPlateau", "factor": 0.7, "patience": 40}],
        },
    ),
}
own, specification = KINDS[job["kind"]]
losses: list[float] = []


def served(optimizer: Any) -> Any:
    scheduler = anneal.torch.RemoteLR(
        optimizer, job["url"], session=job["session"], spec=specification, look_ahead=job.get("look_ahead"), timeout=30
    )
    step = scheduler.step

    def noted(loss: Any) -> None:
        losses.append(float(loss))
        step(loss)

    scheduler.step = noted
    return scheduler


server: list[subprocess.Popen[str]] = []


def before(step: int) -> None:
    if rank == 0 and "kill" in job:
        if step == job["kill"][0]:
            os.kill(job["kill"][1], signal.SIGKILL)
        if step == job["start"][0]:
            _, program, port, folder = job["start"]
            arguments = [program, "serve", "--port", port, "--data", folder, "--log-level", "error"]
            server.append(subprocess.Popen(arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
            assert server[0].stdout is not None
            assert server[0].stdout.readline().startswith("anneal listens on")


weights, rates = digits.train(steps, served if "url" in job else own, before)
result = {"weights": weights, "rates": rates, "losses": losses, "server": server[0].pid if server else 0}
torch.save(result, pathlib.Path(job["out"]) / f"{rank}.pt")
if torch.distributed.is_initialized():
    torch.distributed.destroy_process_group()
