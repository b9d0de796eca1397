"""Plain functions, the command, and the wire under them."""

from __future__ import annotations

import math
import pathlib
import subprocess
import sys

import numpy
import pytest
from conftest import HERE, Server

import anneal
from anneal.__main__ import main
from anneal.wire import Wire

COSINE = {"type": "cosine", "base_lr": 0.1, "total_steps": 4}
TEXT = '{"type":"cosine","base_lr":0.1,"total_steps":4}'


def test_a_schedule_is_an_array(server: Server) -> None:
    rates = anneal.schedule(COSINE, steps=5, url=server.url)
    assert isinstance(rates, numpy.ndarray) and rates.dtype == numpy.float64
    assert rates.tolist() == [0.1, 0.08535533905932738, 0.05, 0.014644660940672627, 0.0]
    assert anneal.schedule(COSINE, at=[4, 2], url=server.url).tolist() == [0.0, 0.05]
    assert anneal.schedule(COSINE, steps={"start": 1, "count": 2, "stride": 2}, url=server.url).tolist() == [
        0.08535533905932738, 0.014644660940672627,
    ]  # fmt: skip
    step = {"type": "step", "base_lr": 0.1, "step_size": 30}
    assert anneal.schedule(step, at=[11730], unit="epochs", steps_per_epoch=391, url=server.url)[0] == pytest.approx(
        0.01
    )


def test_a_mistake_names_the_field_and_the_nearest_name(server: Server) -> None:
    with pytest.raises(anneal.Problem) as problem:
        anneal.schedule({"type": "step", "base_lr": 0.1, "step_size": 30, "gama": 0.5}, steps=3, url=server.url)
    assert problem.value.pointer == "/schedule/gama" and problem.value.suggestion == "gamma"


def test_a_range_test_gives_the_curve_and_suggestions(server: Server) -> None:
    seen: list[float] = []

    def train(rate: float) -> float:
        seen.append(rate)
        return 1 + (math.log10(rate) + 2) ** 2

    found = anneal.range_test(train, low=1e-5, high=1, steps=50, url=server.url)
    assert found.state == "finished" and len(found.losses) == 50
    assert found.learning_rates == seen and seen[0] == 1e-5 and seen[-1] == pytest.approx(1)
    assert {"steep", "valley", "minimum", "slide", "lightning", "torch_lr_finder"} == set(found.suggestions)
    least = found.learning_rates[found.smoothed.index(min(found.smoothed))]
    assert found.suggestions["minimum"] == pytest.approx(least / 10), "a tenth of the rate with the least loss"


def test_a_range_test_ends_when_the_loss_explodes(server: Server) -> None:
    found = anneal.range_test(lambda rate: 1.0 if rate < 0.01 else 1e9, low=1e-5, high=10, steps=100, url=server.url)
    assert found.state == "diverged" and len(found.losses) < 100


def test_the_command_prints_and_plots(
    server: Server, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--url", server.url, "schedule", TEXT, "--steps", "5"]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["0\t0.1", "1\t0.08535533905932738"]
    assert main(["--url", server.url, "plot", TEXT, "--steps", "5"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert "0.1 │•" in lines[0] and lines[-1].split() == ["0", "4"]
    for arguments in (["plot", TEXT], ["plot", TEXT, "--log"]):
        file = tmp_path / "curve.svg"
        assert main(["--url", server.url, *arguments, "--svg", str(file)]) == 0
        assert "<svg" in file.read_text()
    assert main(["--url", server.url, "plot", '{"type":"constant","base_lr":0}', "--log"]) == 0
    assert "no rates" in capsys.readouterr().out


def test_the_command_shows_sessions(
    server: Server, name: str, tmp_path: pathlib.Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with anneal.Session(server.url, name, {"schedule": COSINE}) as session:
        for step in range(3):
            session.report(step, 1 / (step + 1))
    assert main(["--url", server.url, "sessions"]) == 0
    assert any(line.startswith(f"{name}\trunning\tattempt 1\tstep 2") for line in capsys.readouterr().out.splitlines())
    assert main(["--url", server.url, "history", name]) == 0
    assert capsys.readouterr().out.splitlines()[1] == "1\t0.08535533905932738\t0.5"
    assert main(["--url", server.url, "chart", name, "--svg", str(tmp_path / "run.svg")]) == 0
    assert "<svg" in (tmp_path / "run.svg").read_text()


def test_the_command_says_what_is_wrong(own_server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--url", own_server.url, "schedule", '{"type":"cosin"}']) == 1
    assert "cosine" in capsys.readouterr().err
    assert main(["--url", own_server.url, "schedule", "{"]) == 1
    assert "not JSON" in capsys.readouterr().err
    own_server.kill()
    assert main(["--url", own_server.url, "sessions"]) == 1
    assert "no server answers" in capsys.readouterr().err


def test_the_package_imports_no_framework_and_no_numpy() -> None:
    text = "import anneal, sys; print([name for name in ('torch', 'numpy', 'keras', 'jax') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, cwd=HERE.parent, check=True)
    assert done.stdout.strip() == "[]"
    with pytest.raises(AttributeError, match="no attribute 'tensorflow'"):
        anneal.tensorflow  # noqa: B018


def test_a_connection_that_the_server_has_closed_meanwhile_is_made_anew(own_server: Server) -> None:
    wire = Wire(own_server.url)
    assert wire.ask("GET", "/healthz").status == 200
    own_server.kill()
    own_server.start()
    assert wire.ask("GET", "/healthz").status == 200
    wire.close()
    assert wire.ask("GET", "/healthz").status == 200


def test_https_is_checked(tmp_path: pathlib.Path) -> None:
    import ssl

    key, certificate = str(tmp_path / "key.pem"), str(tmp_path / "certificate.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-subj",
         "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-days", "2"],
        check=True, capture_output=True,
    )  # fmt: skip
    server = Server(":memory:", "--tls-cert", certificate, "--tls-key", key)
    try:
        url = f"https://localhost:{server.port}"
        trusting = ssl.create_default_context(cafile=certificate)
        spec = {"schedule": COSINE}
        with anneal.Session(url, "secret", spec, tls=trusting) as session:
            session.report(0, 1.0)
            assert session.flush(30)
        with pytest.raises(anneal.Unreachable, match="certificate"):
            anneal.Session(url, "secret", spec, start_timeout=0)
    finally:
        server.kill()
