"""Every example of the README runs, against a server."""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys
from typing import Any

import pytest
from conftest import HERE, Server

os.environ.setdefault("KERAS_BACKEND", "jax")

TEXT = (HERE.parent / "README.md").read_text()
SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", TEXT, flags=re.MULTILINE)[1:]}


def blocks(section: str) -> list[str]:
    return re.findall(r"^```python\n(.*?)^```$", SECTIONS[section], flags=re.MULTILINE | re.DOTALL)


def need(*modules: str) -> Any:
    reason = "is not installed: Scripts/client-frameworks runs these tests"
    return [pytest.importorskip(module, reason=f"{module} {reason}") for module in modules]


def run(section: str, server: Server, monkeypatch: pytest.MonkeyPatch, names: dict[str, Any], count: int = 1) -> Any:
    found = blocks(section)
    assert len(found) == count
    monkeypatch.setenv("ANNEAL_URL", server.url)
    import anneal

    scope: dict[str, Any] = {"anneal": anneal, **names}
    for block in found:
        exec(compile(block.replace("http://127.0.0.1:8080", server.url), f"README: {section}", "exec"), scope)
    return scope


def test_every_block_belongs_to_a_test() -> None:
    tried = {"PyTorch": 3, "Hugging Face": 1, "Lightning": 1, "Keras": 1, "optax": 1, "Without a framework": 1}
    assert {name: len(blocks(name)) for name in SECTIONS if blocks(name)} == tried


def test_pytorch(own_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    need("torch")
    monkeypatch.chdir(tmp_path)
    scope = run("PyTorch", own_server, monkeypatch, {}, count=3)
    scope["scheduler"].close()
    assert len(own_server.reports("run-17")) == 1000
    assert own_server.ask("GET", "/sessions/run-17")["attempt"] == 2
    assert scope["command"] is None


def test_hugging_face(own_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    transformers, *_ = need("transformers", "accelerate", "torch")
    configuration = transformers.BertConfig(
        vocab_size=32, hidden_size=8, num_hidden_layers=1, num_attention_heads=1, intermediate_size=8, num_labels=2
    )
    arguments = transformers.TrainingArguments(
        str(tmp_path),
        max_steps=200,
        logging_steps=10,
        report_to=[],
        disable_tqdm=True,
        save_strategy="no",
        use_cpu=True,
    )
    names = {
        "transformers": transformers, "model": transformers.BertForSequenceClassification(configuration),
        "arguments": arguments,
        "dataset": [{"input_ids": [index % 32] * 4, "labels": index % 2} for index in range(64)],
    }  # fmt: skip
    run("Hugging Face", own_server, monkeypatch, names)
    rows = own_server.reports("run-18")
    assert len(rows) == 200 and sum("loss" in row["metrics"] for row in rows) == 20


def test_lightning(own_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    lightning, torch = need("lightning", "torch")
    monkeypatch.chdir(tmp_path)

    class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            super().__init__()
            self.layer = torch.nn.Linear(4, 1)

        def training_step(self, batch: Any, index: int) -> Any:
            return (self.layer(batch[0]) ** 2).mean()

        def configure_optimizers(self) -> Any:
            return torch.optim.SGD(self.parameters(), lr=0.1)

    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(torch.ones(50, 4)), batch_size=1)
    run("Lightning", own_server, monkeypatch, {"lightning": lightning, "module": Module(), "loader": loader})
    assert len(own_server.reports("run-19")) == 200


def test_keras(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    _, keras, numpy = need("jax", "keras", "numpy")
    names = {
        "keras": keras, "inputs": numpy.ones((50, 4), "float32"), "outputs": numpy.zeros((50, 1), "float32"),
        "model": keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(1)]),
    }  # fmt: skip
    run("Keras", own_server, monkeypatch, names)
    assert len(own_server.reports("run-20")) == 200


def test_optax(own_server: Server, monkeypatch: pytest.MonkeyPatch) -> None:
    jax, optax = need("jax", "optax")
    scope: dict[str, Any] = {}

    @jax.jit
    def update(parameters: Any, state: Any) -> Any:
        loss, gradients = jax.value_and_grad(lambda x: (x**2).sum())(parameters)
        updates, state = scope["optimizer"].update(gradients, state, parameters)
        return optax.apply_updates(parameters, updates), state, loss

    names = {"optax": optax, "parameters": jax.numpy.ones(4), "update": update}
    # The step refers to the optimizer that the example makes.
    scope["optimizer"] = optax.inject_hyperparams(optax.adamw)(learning_rate=0.0)
    run("optax", own_server, monkeypatch, names)["remote"].close()
    assert len(own_server.reports("run-21")) == 200


def test_without_a_framework_and_the_commands(
    own_server: Server, monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path
) -> None:
    need("numpy")
    scope = run("Without a framework", own_server, monkeypatch, {})
    assert len(own_server.reports("run-22")) == 10
    assert scope["rates"].shape == (1000,) and scope["found"].state == "finished"
    commands = re.findall(r"^    (python -m anneal .*)$", SECTIONS["Without a framework"], flags=re.MULTILINE)
    assert len(commands) == 5
    environment = {**os.environ, "ANNEAL_URL": own_server.url, "PYTHONPATH": str(HERE.parent)}
    for command in commands:
        words = [sys.executable, *shlex.split(command)[1:]]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path)
        assert done.returncode == 0, (command, done.stderr)
        assert done.stdout or (tmp_path / "run-22.svg").exists(), command


def test_what_the_readme_says_about_limits_is_so() -> None:
    from anneal import session

    assert session.LARGEST_QUEUE == session.OUTLOOK_STEPS == 100_000 and "100,000" in TEXT
    assert session.LARGEST_COUNT == 10_000 and session.AHEAD_SECONDS == 10
    assert (session.FIRST_DELAY, session.LAST_DELAY) == (0.2, 15) and "0.1 to 15 seconds" in TEXT, "half is jitter"
