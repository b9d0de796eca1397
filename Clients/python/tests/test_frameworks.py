"""The adapters in their frameworks, 200 steps each. A framework that is not installed is skipped, and said so."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys
from typing import Any

import pytest
from conftest import HERE, Server

os.environ.setdefault("KERAS_BACKEND", "jax")

import anneal

STEPS = 200
COSINE = {"schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": STEPS}}
# As the frameworks compute it where they have 32 bits.
SINGLE = 1e-6


def need(module: str) -> Any:
    return pytest.importorskip(module, reason=f"{module} is not installed: Scripts/client-frameworks runs these tests")


def expected(server: Server, steps: int = STEPS, start: int = 0) -> list[float]:
    return anneal.schedule(COSINE["schedule"], steps={"start": start, "count": steps}, url=server.url).tolist()


def check_history(server: Server, name: str, steps: int = STEPS) -> list[dict[str, Any]]:
    rows = server.reports(name)
    assert [row["step"] for row in rows] == list(range(steps))
    assert [row["learning_rate_applied"] for row in rows] == expected(server, steps)
    assert not server.warnings(name)
    return rows


# Hugging Face


def hugging_face(server: Server, name: str, folder: pathlib.Path, **changes: Any) -> tuple[Any, list[float]]:
    transformers = need("transformers")
    need("accelerate")
    torch = need("torch")
    torch.manual_seed(0)
    configuration = transformers.BertConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2
    )
    model = transformers.BertForSequenceClassification(configuration)
    rows = [{"input_ids": [index % 32] * 4, "labels": index % 2} for index in range(64)]
    arguments = {
        "output_dir": str(folder), "max_steps": STEPS, "per_device_train_batch_size": 4, "logging_steps": 1,
        "learning_rate": 123.0, "report_to": [], "disable_tqdm": True, "save_strategy": "steps", "save_steps": 100,
        "eval_strategy": "steps", "eval_steps": 100, "use_cpu": True, **changes,
    }  # fmt: skip
    callback = anneal.transformers.RemoteLRCallback(server.url, session=name, spec=COSINE)
    trainer = transformers.Trainer(
        model=model, args=transformers.TrainingArguments(**arguments), train_dataset=rows, eval_dataset=rows[:8],
        callbacks=[callback],
    )  # fmt: skip
    used: list[float] = []
    trainer.create_optimizer()
    trainer.optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    return trainer, used


def test_hugging_faces_trainer(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    trainer, used = hugging_face(server, name, tmp_path)
    trainer.train()
    assert used == expected(server)
    rows = check_history(server, name)
    logged = [entry for entry in trainer.state.log_history if "learning_rate" in entry]
    assert [entry["learning_rate"] for entry in logged] == used
    assert [row["metrics"]["loss"] for row in rows] == [entry["loss"] for entry in logged]
    assert [row["step"] for row in rows if "eval_loss" in row["metrics"]] == [99, 199]


def test_hugging_faces_trainer_goes_on_at_a_checkpoint(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    trainer, used = hugging_face(server, name, tmp_path, max_steps=150)
    trainer.train()
    trainer, again = hugging_face(server, name, tmp_path)
    trainer.train(resume_from_checkpoint=str(tmp_path / "checkpoint-100"))
    assert used[:100] + again == expected(server)
    document = server.ask("GET", f"/sessions/{name}")
    assert (document["attempt"], document["resume_step"], document["last_step"]) == (2, 100, 199)
    assert not server.warnings(name)


def test_hugging_faces_trainer_stops_and_saves_when_the_server_says_so(
    server: Server, name: str, tmp_path: pathlib.Path
) -> None:
    server.ask("PUT", f"/sessions/{name}", COSINE)
    server.ask("POST", f"/sessions/{name}/next", {"count": 50})
    server.ask("POST", f"/sessions/{name}/overrides", {"command": "stop"})
    trainer, used = hugging_face(server, name, tmp_path)
    trainer.train()
    assert 50 <= len(used) < STEPS


def test_hugging_faces_trainer_takes_the_scheduler_of_torch(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    transformers = need("transformers")
    torch = need("torch")
    trainer, _ = hugging_face(server, f"{name}-other", tmp_path)
    optimizer = torch.optim.SGD(trainer.model.parameters(), lr=1)
    scheduler = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
    used: list[float] = []
    optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
    trainer = transformers.Trainer(
        model=trainer.model, args=trainer.args, train_dataset=trainer.train_dataset,
        eval_dataset=trainer.eval_dataset, optimizers=(optimizer, scheduler),
    )  # fmt: skip
    trainer.train()
    scheduler.close()
    assert used == expected(server)
    check_history(server, name)


RANKS = """
import os, pathlib, sys
sys.path.insert(0, os.environ["TESTS"])
import test_frameworks, types
server = types.SimpleNamespace(url=os.environ["SERVER"])
trainer, used = test_frameworks.hugging_face(
    server, os.environ["SESSION"], pathlib.Path(os.environ["FOLDER"]), ddp_backend="gloo", save_strategy="no")
trainer.train()
pathlib.Path(os.environ["FOLDER"], os.environ["RANK"] + ".json").write_text(str(used))
"""


def test_hugging_faces_trainer_on_two_ranks(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    need("transformers")
    script = tmp_path / "ranks.py"
    script.write_text(RANKS)
    environment = {
        **os.environ, "TESTS": str(HERE), "SERVER": server.url, "SESSION": name, "FOLDER": str(tmp_path),
        "OMP_NUM_THREADS": "1", "PYTHONPATH": str(HERE.parent),
    }  # fmt: skip
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    done = subprocess.run(
        [sys.executable, *launcher, str(script)], env=environment, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 0, done.stderr[-4000:]
    for rank in range(2):
        assert json.loads((tmp_path / f"{rank}.json").read_text()) == expected(server)
    check_history(server, name)


# Lightning


def lightning(server: Server, name: str, folder: pathlib.Path, steps: int, scheduler: bool = False) -> tuple[Any, ...]:
    L = need("lightning")
    torch = need("torch")
    used: list[float] = []

    class Module(L.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            return (self.layer(batch[0]) ** 2).mean()

        def validation_step(self, batch: Any, index: int) -> None:
            self.log("val_loss", (self.layer(batch[0]) ** 2).mean())

        def configure_optimizers(self) -> Any:
            optimizer = torch.optim.SGD(self.parameters(), lr=123.0)
            optimizer.register_step_pre_hook(lambda optimizer, *_: used.append(optimizer.param_groups[0]["lr"]))
            if not scheduler:
                return optimizer
            made = anneal.torch.RemoteLR(optimizer, server.url, session=name, spec=COSINE)
            return {"optimizer": optimizer, "lr_scheduler": {"scheduler": made, "interval": "step"}}

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(50, 4)), batch_size=1)
    callbacks = [] if scheduler else [anneal.lightning.RemoteLRCallback(server.url, session=name, spec=COSINE)]
    trainer = L.Trainer(
        max_steps=steps, default_root_dir=str(folder), logger=False, accelerator="cpu", devices=1,
        enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False, callbacks=callbacks,
    )  # fmt: skip
    return trainer, Module(), loader, used


def test_lightning(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    trainer, module, loader, used = lightning(server, name, tmp_path, STEPS)
    trainer.fit(module, loader, loader)
    assert used == expected(server)
    rows = check_history(server, name)
    assert all("loss" in row["metrics"] for row in rows)
    assert [row["step"] for row in rows if "val_loss" in row["metrics"]] == [49, 99, 149, 199]


def test_lightning_goes_on_at_a_checkpoint(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    trainer, module, loader, used = lightning(server, name, tmp_path, 100)
    trainer.fit(module, loader)
    trainer.save_checkpoint(tmp_path / "saved.ckpt")
    trainer, module, loader, again = lightning(server, name, tmp_path, STEPS)
    trainer.fit(module, loader, ckpt_path=tmp_path / "saved.ckpt", weights_only=False)
    assert used + again == expected(server)
    assert server.ask("GET", f"/sessions/{name}")["resume_step"] == 100
    assert not server.warnings(name)


def test_lightning_takes_the_scheduler_of_torch(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    trainer, module, loader, used = lightning(server, name, tmp_path, STEPS, scheduler=True)
    trainer.fit(module, loader)
    trainer.lr_scheduler_configs[0].scheduler.close()
    assert used == expected(server)
    check_history(server, name)


# Keras


def test_keras(server: Server, name: str, tmp_path: pathlib.Path) -> None:
    need("jax") if os.environ["KERAS_BACKEND"] == "jax" else None
    keras = need("keras")
    numpy = need("numpy")
    used: list[float] = []

    class Watch(keras.callbacks.Callback):  # type: ignore[misc, name-defined]
        def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:
            used.append(float(self.model.optimizer.learning_rate))

    def model() -> Any:
        made = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)])
        made.compile(optimizer=keras.optimizers.SGD(123.0), loss="mse")
        return made

    inputs, outputs = numpy.ones((50, 4), "float32"), numpy.zeros((50, 1), "float32")
    callback = anneal.keras.RemoteLRCallback(server.url, session=name, spec=COSINE)
    first = model()
    options = {"batch_size": 1, "verbose": 0, "validation_data": (inputs[:5], outputs[:5])}
    first.fit(inputs, outputs, epochs=2, callbacks=[callback, Watch()], **options)
    first.fit(inputs, outputs, epochs=1, callbacks=[callback, Watch()], **options)
    assert server.ask("GET", f"/sessions/{name}")["attempt"] == 1, "a second fit is the same run"
    first.save(tmp_path / "model.keras")
    # Another process goes on with the saved model.
    second = keras.models.load_model(tmp_path / "model.keras")
    again = anneal.keras.RemoteLRCallback(server.url, session=name, spec=COSINE)
    second.fit(inputs, outputs, epochs=1, callbacks=[again, Watch()], **options)
    assert used == pytest.approx(expected(server), rel=SINGLE)
    rows = check_history(server, name)
    assert all("loss" in row["metrics"] for row in rows)
    assert [row["step"] for row in rows if "val_loss" in row["metrics"]] == [49, 99, 149, 199]
    document = server.ask("GET", f"/sessions/{name}")
    assert (document["attempt"], document["resume_step"]) == (2, 150)


# optax


def test_optax(server: Server, name: str) -> None:
    jax = need("jax")
    optax = need("optax")
    optimizer = optax.chain(
        optax.clip_by_global_norm(1.0), optax.inject_hyperparams(optax.adamw)(learning_rate=0.0, weight_decay=0.01)
    )
    parameters = jax.numpy.ones(4)
    state = optimizer.init(parameters)
    traces = 0

    @jax.jit
    def update(parameters: Any, state: Any) -> Any:
        nonlocal traces
        traces += 1
        loss, gradients = jax.value_and_grad(lambda x: (x**2).sum())(parameters)
        updates, state = optimizer.update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state, loss

    remote = anneal.optax.RemoteLR(server.url, session=name, spec=COSINE)
    used = []
    for _ in range(STEPS):
        state = remote.apply(state)
        used.append(float(optax.tree_utils.tree_get(state, "learning_rate")))
        parameters, state, loss = update(parameters, state)
        remote.step(loss)
    remote.close()
    assert traces == 1
    assert used == pytest.approx(expected(server), rel=SINGLE)
    rows = check_history(server, name)
    assert rows[-1]["metrics"]["loss"] == float(loss)
    with pytest.raises(ValueError, match="inject_hyperparams"):
        remote.apply(optax.sgd(0.1).init(parameters))
    again = anneal.optax.RemoteLR(server.url, session=name, step=100)
    assert again.learning_rate == expected(server, 1, start=100)[0]
    again.close()
    assert server.ask("GET", f"/sessions/{name}")["resume_step"] == 100
