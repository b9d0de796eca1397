#!/usr/bin/env python3
"""Trains a small network on scikit-learn's digits with each of torch's schedulers, twice: with the scheduler in the
process, and with the rate from a session. Compares the weights.

    pip install torch scikit-learn
    Scripts/serve &
    Examples/digits.py [--url http://127.0.0.1:8080] [--steps 2000] [--only StepLR]

The trainer's side of a session is the class `Session`: some twenty lines, nothing but the standard library.
"""
import argparse
import http.client
import json
import sys
import urllib.parse
import uuid

import torch
from sklearn.datasets import load_digits
from torch.optim import lr_scheduler as torch_schedulers


class Session:
    """Reports a step and gets the rate of the next one."""

    def __init__(self, url, specification):
        self.path = f"/sessions/digits-{uuid.uuid4().hex}"
        self.connection = http.client.HTTPConnection(urllib.parse.urlparse(url).netloc, timeout=30)
        self.ask("PUT", self.path, specification)
        self.rate = self.ask("GET", f"{self.path}/next?step=0")["learning_rate"]

    def ask(self, method, path, content=None):
        body = None if content is None else json.dumps(content)
        self.connection.request(method, path, body, {"Content-Type": "application/json"})
        response = self.connection.getresponse()
        answer = json.loads(response.read())
        if response.status >= 300:
            sys.exit(f"{method} {path}: {answer}")
        return answer

    def step(self, step, loss, applied):
        answer = self.ask("POST", f"{self.path}/next", {"step": step, "loss": loss, "learning_rate_applied": applied})
        if "warnings" in answer:
            sys.exit(f"step {step}: {answer['warnings']}")
        self.rate = answer["learning_rate"]


BASE = 0.1


def cases(steps):
    """Name, torch's scheduler, and the session that stands for it."""
    t = torch_schedulers

    def schedule(type, **parameters):
        return {"schedule": {"type": f"torch.{type}", "base_lr": BASE, **parameters}}

    def nested(type, **parameters):
        return {"type": f"torch.{type}", **parameters}

    yield "StepLR", lambda o: t.StepLR(o, 300, 0.5), schedule("StepLR", step_size=300, gamma=0.5)
    yield "MultiStepLR", lambda o: t.MultiStepLR(o, [500, 900, 1500], 0.3), schedule(
        "MultiStepLR", milestones=[500, 900, 1500], gamma=0.3)
    yield "ConstantLR", lambda o: t.ConstantLR(o, 0.5, 400), schedule("ConstantLR", factor=0.5, total_iters=400)
    yield "LinearLR", lambda o: t.LinearLR(o, 0.1, 1.0, 600), schedule(
        "LinearLR", start_factor=0.1, end_factor=1.0, total_iters=600)
    yield "ExponentialLR", lambda o: t.ExponentialLR(o, 0.999), schedule("ExponentialLR", gamma=0.999)
    yield "PolynomialLR", lambda o: t.PolynomialLR(o, steps, 2.0), schedule("PolynomialLR", total_iters=steps, power=2.0)
    yield "CosineAnnealingLR", lambda o: t.CosineAnnealingLR(o, steps, 1e-4), schedule(
        "CosineAnnealingLR", T_max=steps, eta_min=1e-4)
    yield "CosineAnnealingWarmRestarts", lambda o: t.CosineAnnealingWarmRestarts(o, 300, 2), schedule(
        "CosineAnnealingWarmRestarts", T_0=300, T_mult=2)
    yield "CyclicLR", lambda o: t.CyclicLR(o, 0.001, BASE, 200, mode="triangular2", cycle_momentum=False), {
        "schedule": {"type": "torch.CyclicLR", "base_lr": 0.001, "max_lr": BASE, "step_size_up": 200, "mode": "triangular2"}}
    yield "OneCycleLR", lambda o: t.OneCycleLR(o, 0.3, steps + 1, cycle_momentum=False), {
        "schedule": {"type": "torch.OneCycleLR", "max_lr": 0.3, "total_steps": steps + 1}}
    yield "LambdaLR", lambda o: t.LambdaLR(o, lambda step: 1 / (1 + step / 500)), schedule(
        "LambdaLR", lr_lambda="1 / (1 + step / 500)")
    # A constant factor: what else a MultiplicativeLR multiplies with, only Python knows.
    yield "MultiplicativeLR", lambda o: t.MultiplicativeLR(o, lambda step: 0.9995), schedule("ExponentialLR", gamma=0.9995)
    yield "SequentialLR", lambda o: t.SequentialLR(
        o, [t.LinearLR(o, 0.1, 1.0, 200), t.CosineAnnealingLR(o, steps)], [200]), schedule(
        "SequentialLR", schedulers=[
            nested("LinearLR", start_factor=0.1, end_factor=1.0, total_iters=200),
            nested("CosineAnnealingLR", T_max=steps)], milestones=[200])
    yield "ChainedScheduler", lambda o: t.ChainedScheduler([t.ConstantLR(o, 0.5, 100), t.ExponentialLR(o, 0.999)]), schedule(
        "ChainedScheduler", schedulers=[
            nested("ConstantLR", factor=0.5, total_iters=100), nested("ExponentialLR", gamma=0.999)])
    yield "ReduceLROnPlateau", lambda o: t.ReduceLROnPlateau(o, factor=0.7, patience=40), {
        "schedule": {"type": "constant", "base_lr": BASE},
        "policies": [{"type": "torch.ReduceLROnPlateau", "metric": "loss", "factor": 0.7, "patience": 40}]}


def train(data, steps, make=None, session=None):
    """Trains from the same weights on the same batches; gives the weights and the rates."""
    torch.manual_seed(0)
    inputs, labels = data
    model = torch.nn.Sequential(torch.nn.Linear(64, 32), torch.nn.ReLU(), torch.nn.Linear(32, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=BASE, momentum=0.9)
    scheduler = make(optimizer) if make else None
    rates = []
    for step in range(steps):
        if session:
            for group in optimizer.param_groups:
                group["lr"] = session.rate
        rates.append(optimizer.param_groups[0]["lr"])
        batch = torch.randint(len(inputs), (64,))
        loss = torch.nn.functional.cross_entropy(model(inputs[batch]), labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if session:
            session.step(step, loss.item(), rates[-1])
        elif isinstance(scheduler, torch_schedulers.ReduceLROnPlateau):
            scheduler.step(loss.item())
        else:
            scheduler.step()
    accuracy = (model(inputs).argmax(1) == labels).float().mean().item()
    return torch.cat([parameter.detach().flatten() for parameter in model.parameters()]), rates, accuracy


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", default="http://127.0.0.1:8080")
    parser.add_argument("--steps", type=int, default=2000)
    parser.add_argument("--only")
    options = parser.parse_args()
    torch.set_num_threads(1)
    digits = load_digits()
    data = (torch.tensor(digits.data, dtype=torch.float32) / 16, torch.tensor(digits.target))
    worst = 0.0
    print(f"{'scheduler':28} {'weights':>14} {'rates':>22} {'accuracy':>9}")
    for name, make, specification in cases(options.steps):
        if options.only not in (None, name):
            continue
        weights, rates, accuracy = train(data, options.steps, make=make)
        served, given, _ = train(data, options.steps, session=Session(options.url, specification))
        difference = (weights - served).abs().max().item()
        same = sum(a == b for a, b in zip(rates, given))
        words = "bit for bit" if torch.equal(weights, served) else f"within {difference:.1e}"
        print(f"{name:28} {words:>14} {same:>9} of {len(rates)} equal {accuracy:>9.4f}")
        worst = max(worst, difference)
    if worst > 1e-4:
        sys.exit("the weights differ")
