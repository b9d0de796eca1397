"""The tests run the real server: ANNEAL names the built program."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import pathlib
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from typing import Any

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))


class Server:
    """One running program. It listens on a port of its own, the same one after each start."""

    def __init__(self, folder: str, *arguments: str) -> None:
        self.folder, self.arguments, self.port = folder, arguments, 0
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        listen = [] if "--listen" in self.arguments else ["--port", str(self.port)]
        arguments = [program(), "serve", *listen, "--data", self.folder, "--log-level", "error", *self.arguments]
        environment = {name: value for name, value in os.environ.items() if not name.startswith("ANNEAL_")}
        self.process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, env=environment)
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("anneal listens on"), f"it did not start: {line}"
        if listen:
            self.port = int(line.rsplit(":", 1)[1])

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def stop(self) -> None:
        for _ in range(6):
            # A signal that comes while the server is only just starting may be lost.
            self.process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
                return
        self.kill()
        raise AssertionError("the server does not end")

    def ask(self, method: str, path: str, content: Any = None, token: str | None = None) -> Any:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        fields = {"Content-Type": "application/json", **({"Authorization": f"Bearer {token}"} if token else {})}
        connection.request(method, path, None if content is None else json.dumps(content), fields)
        response = connection.getresponse()
        text = response.read()
        connection.close()
        assert response.status < 300, (response.status, text)
        return json.loads(text) if response.headers.get_content_type() == "application/json" else text

    def reports(self, session: str) -> list[dict[str, Any]]:
        text = self.ask("GET", f"/sessions/{session}/history?format=ndjson").decode()
        return [row for row in map(json.loads, text.splitlines()) if row["kind"] == "report"]

    def warnings(self, session: str) -> list[dict[str, Any]]:
        text = self.ask("GET", f"/sessions/{session}/history?format=ndjson").decode()
        return [
            row for row in map(json.loads, text.splitlines()) if "warning" in row["kind"] or "mismatch" in row["kind"]
        ]


PROGRAM = os.path.abspath(os.environ.get("ANNEAL") or "")


def program() -> str:
    if not os.path.isfile(PROGRAM):
        pytest.exit("ANNEAL has to name the built program, such as .build/debug/anneal", returncode=2)
    return PROGRAM


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that all tests share."""
    running = Server(str(tmp_path_factory.mktemp("shared")))
    yield running
    running.stop()


@pytest.fixture
def own_server(tmp_path: pathlib.Path) -> Iterator[Server]:
    """A server that a test may kill."""
    running = Server(str(tmp_path / "data"))
    yield running
    if running.process.poll() is None:
        running.stop()


@pytest.fixture
def name() -> str:
    """A session's name that is free."""
    return f"t-{uuid.uuid4().hex}"


@pytest.fixture(autouse=True)
def without_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ANNEAL_URL", "ANNEAL_TOKEN"):
        monkeypatch.delenv(variable, raising=False)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Where all frameworks are installed, nothing may be skipped."""
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    skipped = reporter.stats.get("skipped", []) if reporter is not None else []
    if skipped and os.environ.get("REQUIRE_FRAMEWORKS") and session.exitstatus == 0:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    stats = terminalreporter.stats
    count = {kind: len(stats.get(kind, [])) for kind in ("passed", "failed", "error", "skipped")}
    config.stash[LAST_LINE] = f"{count['passed']} passed, {count['failed'] + count['error']} failed" + (
        f", {count['skipped']} skipped" if count["skipped"] else ""
    )


LAST_LINE = pytest.StashKey[str]()


def pytest_unconfigure(config: pytest.Config) -> None:
    line = config.stash.get(LAST_LINE, None)
    if line:
        print(line)
