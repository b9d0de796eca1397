"""RemoteLR beside torch's own schedulers."""

from __future__ import annotations

import gc
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: Scripts/client-frameworks runs these tests")

from conftest import HERE, Server, program  # noqa: E402

import anneal  # noqa: E402
import anneal.torch  # noqa: E402

COSINE = {"schedule": {"type": "torch.CosineAnnealingLR", "base_lr": 0.1, "T_max": 100}}


def made(rate: float = 0.1, groups: int = 1, **arguments: Any) -> Any:
    parameters = [{"params": [torch.nn.Parameter(torch.ones(2))]} for _ in range(groups)]
    return torch.optim.SGD(parameters, lr=rate, **arguments)


def run(optimizer: Any, scheduler: Any, steps: int, loss: Any = lambda step: 1 / (step + 1)) -> list[float]:
    rates = []
    for step in range(steps):
        rates.append(float(optimizer.param_groups[0]["lr"]))
        optimizer.step()
        scheduler.step(loss(step)) if loss else scheduler.step()
    return rates


def close(rates: list[float]) -> Any:
    return pytest.approx(rates, rel=1e-12, abs=1e-15)


def test_the_rates_are_those_of_torch(server: Server, name: str) -> None:
    own = made()
    expected = run(own, torch.optim.lr_scheduler.CosineAnnealingLR(own, 100), 150, None)
    optimizer = made()
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
    assert isinstance(scheduler, torch.optim.lr_scheduler.LRScheduler)
    # torch goes from step to step, and the server has the formula: the last digits may differ.
    rates = run(optimizer, scheduler, 150)
    assert rates == close(expected)
    assert rates == anneal.schedule(COSINE["schedule"], steps=150, url=server.url).tolist()
    assert scheduler.get_last_lr() == [optimizer.param_groups[0]["lr"]] == scheduler.get_lr()
    scheduler.close()
    rows = server.reports(name)
    assert [row["step"] for row in rows] == list(range(150))
    assert [row["metrics"]["loss"] for row in rows] == [1 / (step + 1) for step in range(150)]
    assert [row["learning_rate_applied"] for row in rows] == rates


def test_a_plateau_of_torch_is_followed_loss_by_loss(server: Server, name: str) -> None:
    losses = [1 / (1 + step // 3) if step < 30 else 0.1 + 0.01 * (step % 2) for step in range(80)]
    own = made()
    expected = run(own, torch.optim.lr_scheduler.ReduceLROnPlateau(own, patience=3, factor=0.5), 80, losses.__getitem__)
    assert len(set(expected)) > 3
    spec = {
        "schedule": {"type": "constant", "base_lr": 0.1},
        "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 3, "factor": 0.5}],
    }
    optimizer = made()
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=spec, timeout=30)
    assert run(optimizer, scheduler, 80, lambda step: torch.tensor(losses[step], dtype=torch.float64)) == expected
    scheduler.close()


def test_each_parameter_group_has_its_rate(server: Server, name: str) -> None:
    spec = {**COSINE, "groups": {"backbone": 0.1, "head": 1}}
    optimizer = made(groups=2)
    with pytest.raises(ValueError, match="number 0 has none"):
        anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=spec)
    with pytest.raises(ValueError, match="no parameter group 'tail'"):
        anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=spec, groups=["head", "tail"])
    optimizer = made(groups=2)
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=spec, groups=["head", "backbone"])
    for _ in range(10):
        assert scheduler.get_last_lr() == [group["lr"] for group in optimizer.param_groups]
        assert optimizer.param_groups[1]["lr"] == 0.1 * optimizer.param_groups[0]["lr"]
        optimizer.step()
        scheduler.step(1.0)
    scheduler.close()
    assert not server.warnings(name)


def test_a_rate_that_is_a_tensor_stays_one(server: Server, name: str) -> None:
    optimizer = made(torch.tensor(0.5, dtype=torch.float64))
    tensor = optimizer.param_groups[0]["lr"]
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
    optimizer.step()
    scheduler.step(1.0)
    assert optimizer.param_groups[0]["lr"] is tensor
    assert float(tensor) == anneal.schedule(COSINE["schedule"], at=[1], url=server.url)[0]
    assert scheduler.get_last_lr()[0] is not tensor
    scheduler.close()


def checkpoint(scheduler: Any, optimizer: Any) -> Any:
    file = io.BytesIO()
    torch.save({"scheduler": scheduler.state_dict(), "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    return torch.load(file, weights_only=True)


@pytest.mark.parametrize("scheduler_first", [True, False])
def test_a_checkpoint_opens_a_new_attempt_and_the_served_rate_wins(
    server: Server, name: str, scheduler_first: bool
) -> None:
    optimizer = made()
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE, look_ahead=4)
    rates = run(optimizer, scheduler, 20)
    saved = checkpoint(scheduler, optimizer)
    # It goes on, and is lost; meanwhile somebody has another rate in the checkpoint.
    run(optimizer, scheduler, 10)
    saved["optimizer"]["param_groups"][0]["lr"] = 77.0
    optimizer = made(0.3)
    again = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
    parts = [lambda: again.load_state_dict(saved["scheduler"]), lambda: optimizer.load_state_dict(saved["optimizer"])]
    for part in parts if scheduler_first else reversed(parts):
        part()
    expected = anneal.schedule(COSINE["schedule"], steps=40, url=server.url).tolist()
    assert rates + run(optimizer, again, 20) == expected
    again.close()
    assert again.state_dict()["attempt"] == 2
    document = server.ask("GET", f"/sessions/{name}")
    assert document["attempt"] == 2 and document["resume_step"] == 20 and document["last_step"] == 39
    assert not server.warnings(name)
    # The process of the first attempt is refused, and told so.
    with pytest.raises(anneal.Problem) as refusal:
        for _ in range(1000):
            optimizer.step()
            scheduler.step(1.0)
            scheduler._rates.flush()
    assert refusal.value.kind == "stale-attempt"


def test_another_rate_in_the_optimizer_is_noticed(server: Server, name: str, caplog: pytest.LogCaptureFixture) -> None:
    optimizer = made()
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
    for _ in range(5):
        optimizer.param_groups[0]["lr"] = 0.05
        optimizer.step()
        scheduler.step(1.0)
    scheduler.close()
    assert sum("did not use the rate" in record.message for record in caplog.records) == 1
    assert server.reports(name)[0]["learning_rate_applied"] == 0.05


def test_a_scheduler_that_is_thrown_away_sends_what_it_has_and_ends_its_thread(server: Server, name: str) -> None:
    optimizer = made()
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
    run(optimizer, scheduler, 7)
    thread = scheduler._rates._thread
    assert thread is not None and thread.is_alive()
    del scheduler
    optimizer.step = None
    gc.collect()
    thread.join(10)
    assert not thread.is_alive()
    assert len(server.reports(name)) == 7
    assert thread not in threading.enumerate()


def test_a_program_that_just_ends_has_sent_its_reports(server: Server, name: str) -> None:
    text = f"""
import torch, anneal
optimizer = torch.optim.SGD([torch.nn.Parameter(torch.ones(1))], lr=1)
scheduler = anneal.torch.RemoteLR(optimizer, {server.url!r}, session={name!r}, spec={COSINE!r})
for step in range(1500):
    optimizer.step(); scheduler.step(step)
"""
    subprocess.run([sys.executable, "-c", text], check=True, timeout=60, env=environment())
    assert [row["step"] for row in server.reports(name)] == list(range(1500))


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(HERE.parent), "OMP_NUM_THREADS": "1"}


# The digits job.

STEPS = 1000


def digits_job(tmp_path: pathlib.Path, processes: int, **job: Any) -> list[Any]:
    """Runs tests/digits_job.py on some processes; gives the weights of each."""
    pytest.importorskip("sklearn", reason="scikit-learn is not installed: its digits are trained on")
    out = tmp_path / f"weights-{len(list(tmp_path.iterdir()))}"
    out.mkdir()
    description = json.dumps({"steps": STEPS, "out": str(out), **job})
    torchrun = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    launcher = torchrun if processes > 1 else []
    done = subprocess.run(
        [sys.executable, *launcher, str(HERE / "digits_job.py"), description],
        env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    results = [torch.load(out / f"{rank}.pt", weights_only=True) for rank in range(processes)]
    for result in results:
        result["log"] = done.stderr
    return results


@pytest.mark.parametrize(("kind", "processes"), [("cosine", 1), ("one_cycle", 1), ("plateau", 1), ("cosine", 4)])
def test_digits_come_to_the_same_weights(
    server: Server, name: str, tmp_path: pathlib.Path, kind: str, processes: int
) -> None:
    own = digits_job(tmp_path, processes, kind=kind)
    served = digits_job(tmp_path, processes, kind=kind, url=server.url, session=name)
    for mine, theirs in zip(own, served, strict=True):
        assert theirs["rates"] == close(mine["rates"])
        assert torch.equal(mine["weights"], theirs["weights"])
    rows = server.reports(name)
    assert [row["step"] for row in rows] == list(range(STEPS))
    assert [row["metrics"]["loss"] for row in rows] == served[0]["losses"]
    assert not server.warnings(name)


def test_four_processes_follow_one_plateau(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    # There is nothing of torch to compare with: each rank's own plateau would see its own loss, and they would part.
    first, *others = digits_job(tmp_path, 4, kind="plateau", url=server.url, session=name)
    assert len(set(first["rates"])) > 2
    for other in others:
        assert other["rates"] == first["rates"]
        assert torch.equal(other["weights"], first["weights"])
    assert [row["learning_rate"] for row in server.reports(name)] == first["rates"]


def test_ranks_resume_together_and_are_refused_together(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    description = json.dumps({"url": server.url, "session": name, "out": str(tmp_path)})
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, str(HERE / "ranks_job.py"), description],
        env=environment(), capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    zero, one = (torch.load(tmp_path / f"{rank}.pt", weights_only=True) for rank in range(2))
    assert zero == one, "both ranks see the same, whatever happens"
    assert zero["attempt"] == 2 and zero["refusal"] == "stale-attempt" and zero["wrong"] == "Problem"
    assert zero["second"][:10] == zero["lost"], "the same losses, the same rates"
    rows = [row for row in server.reports(name) if row["step"] < 40 and row["attempt"] == 2]
    assert [row["step"] for row in rows] == list(range(20, 40))
    assert {row["metrics"]["loss"] for row in rows} == {1.0}, "rank 0 reports"
    rows = server.reports(f"{name}-quorum")
    assert sorted((row["step"], row["metrics"]["loss"]) for row in rows) == [
        (step, 1.0 + rank) for step in range(20) for rank in range(2)
    ]


@pytest.mark.parametrize("processes", [1, 4])
def test_a_server_that_is_away_for_a_third_of_the_run_changes_nothing(
    own_server: Server, name: str, tmp_path: pathlib.Path, processes: int
) -> None:
    own = digits_job(tmp_path, processes, kind="cosine")
    served = digits_job(
        tmp_path, processes, kind="cosine", url=own_server.url, session=name, kill=[350, own_server.process.pid],
        start=[650, program(), str(own_server.port), own_server.folder], look_ahead=50,
    )  # fmt: skip
    own_server.process.wait()
    try:
        for mine, theirs in zip(own, served, strict=True):
            assert theirs["rates"] == close(mine["rates"])
            assert torch.equal(mine["weights"], theirs["weights"])
        rows = own_server.reports(name)
        assert [row["step"] for row in rows] == list(range(STEPS))
        assert [row["metrics"]["loss"] for row in rows] == served[0]["losses"]
        assert [row["learning_rate_applied"] for row in rows] == served[0]["rates"]
        assert not own_server.warnings(name)
        assert own_server.ask("POST", f"/sessions/{name}/replay")["verified"]
        assert served[0]["log"].count("does not answer") == 1
    finally:
        os.kill(served[0]["server"], 9)
