"""The core: what every adapter stands on. No framework."""

from __future__ import annotations

import http.server
import json
import logging
import math
import signal
import subprocess
import threading
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import Server, program

import anneal
from anneal import session as session_module
from anneal.wire import Wire

COSINE = {"schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 1000}}
PLATEAU = {
    "schedule": {"type": "constant", "base_lr": 0.1},
    "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 1, "factor": 0.5}],
}


def expected(server: Server, specification: dict[str, Any], steps: int) -> list[float]:
    return anneal.schedule(specification["schedule"], steps=steps, url=server.url).tolist()


def train(session: anneal.Session, steps: range, loss: Any = lambda step: 1.0) -> list[float]:
    rates = []
    for step in steps:
        rate = session.rate(step)
        rates.append(rate)
        session.report(step, loss(step), applied=rate)
    return rates


@pytest.fixture
def requests(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """What is asked of the server."""
    asked: list[tuple[str, str]] = []
    ask = Wire.ask

    def noted(self: Wire, method: str, path: str, *arguments: Any, **more: Any) -> Any:
        answer = ask(self, method, path, *arguments, **more)
        asked.append((method, path))
        return answer

    monkeypatch.setattr(Wire, "ask", noted)
    return asked


def never_wait(*_: object) -> None:
    raise AssertionError("a step waits for the server")


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Comes back to a lost server at once."""
    monkeypatch.setattr(session_module, "LAST_DELAY", 0.05)


def test_every_step_has_the_schedules_rate_and_is_in_the_history(server: Server, name: str) -> None:
    with anneal.Session(server.url, name, COSINE) as session:
        rates = train(session, range(1200), lambda step: 2 / (step + 1))
    assert rates == expected(server, COSINE, 1200)
    rows = server.reports(name)
    assert [row["step"] for row in rows] == list(range(1200))
    assert [row["learning_rate_applied"] for row in rows] == rates
    assert [row["metrics"]["loss"] for row in rows] == [2 / (step + 1) for step in range(1200)]
    assert not server.warnings(name)


def test_a_run_that_is_looked_ahead_to_its_end_asks_once_for_rates(
    server: Server, name: str, requests: list[tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session_module, "FLUSH_INTERVAL", 3600)
    session = anneal.Session(server.url, name, COSINE, look_ahead=900)
    train(session, range(1))
    assert session.flush(30) and session.sealed(899)
    monkeypatch.setattr(session, "_wait", never_wait)
    before = len(requests)
    train(session, range(1, 450))
    assert len(requests) == before, "half of what is sealed needs no request"
    session.close()
    assert [path for method, path in requests if method == "PUT"] == [f"/sessions/{name}"]
    assert len(requests) <= 6


def test_a_policy_gets_this_steps_loss_before_the_next_rate(server: Server, name: str) -> None:
    losses = [1.0, 0.9, 0.9, 0.9, 0.9, 0.9, 0.5, 0.6, 0.7, math.nan, 0.8, 0.4]
    own = anneal.schedule(
        {"type": "torch.ReduceLROnPlateau", "base_lr": 0.1, "patience": 1, "factor": 0.5},
        metrics=[loss if loss == loss else "nan" for loss in losses], url=server.url,
    )  # fmt: skip
    with anneal.Session(server.url, name, PLATEAU, timeout=30) as session:
        rates = train(session, range(len(losses)), losses.__getitem__)
    assert rates == own.tolist() and len(set(rates)) > 2
    assert server.reports(name)[9]["metrics"]["loss"] == "nan"


def test_with_look_ahead_in_the_specification_a_policy_does_not_make_steps_wait(
    server: Server, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with anneal.Session(server.url, name, {**PLATEAU, "look_ahead": 20}, timeout=30) as session:
        train(session, range(1))
        assert session.flush(30) and session.sealed(20) and not session.sealed(21)
        monkeypatch.setattr(session, "_wait", never_wait)
        train(session, range(1, 21))


def test_a_lost_server_stops_nothing_and_is_told_of_once(
    own_server: Server, name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    caplog.set_level(logging.WARNING, "anneal")
    specification = {"schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 4000}, "bounds": {"min": 0.001}}
    whole = [max(rate, 0.001) for rate in expected(own_server, specification, 3500)]
    session = anneal.Session(own_server.url, name, specification, look_ahead=100)
    rates = train(session, range(200))
    assert session.flush(30)
    own_server.kill()
    rates += train(session, range(200, 1200))
    assert not session.flush(30), "it says that the server does not have them"
    assert session.away and session.pending == 1000
    with monkeypatch.context() as patch:
        patch.setattr(session, "_wait", never_wait)
        rates += train(session, range(1200, 3000))
    own_server.start()
    rates += train(session, range(3000, 3500))
    session.close(30)
    assert rates == whole
    assert [row["step"] for row in own_server.reports(name)] == list(range(3500))
    assert not own_server.warnings(name)
    assert own_server.ask("POST", f"/sessions/{name}/replay")["verified"]
    assert [record.message.count("does not answer") for record in caplog.records] == [1]


def test_a_policy_without_its_server_goes_on_at_the_fallback_and_the_served_rate_wins_again(
    own_server: Server, name: str, quick: None
) -> None:
    session = anneal.Session(own_server.url, name, PLATEAU, timeout=30)
    rates = train(session, range(3), lambda step: 1.0)
    assert rates == [0.1, 0.1, 0.1] and session.rate(3) == 0.05
    own_server.kill()
    rates = train(session, range(3, 40), lambda step: 1.0)
    assert rates == [0.05] * 37
    own_server.start()
    assert session.flush(60, through_outages=True)
    # What the policy has made of the losses that it did not see in time.
    served = anneal.schedule(
        {"type": "torch.ReduceLROnPlateau", "base_lr": 0.1, "patience": 1, "factor": 0.5}, metrics=[1.0] * 41,
        url=own_server.url,
    )  # fmt: skip
    assert session.rate(40) == served[40] < 0.05
    session.close()
    rows = own_server.reports(name)
    assert [row["step"] for row in rows] == list(range(40))
    assert [row["learning_rate_applied"] for row in rows[3:]] == rates, "what was used is on record"
    assert [row["learning_rate"] for row in rows[3:]] == rates, "and stands for these steps"
    assert not session._told


def test_a_server_that_hangs_holds_a_step_up_once_and_nothing_is_counted_twice(
    own_server: Server, name: str, quick: None
) -> None:
    session = anneal.Session(own_server.url, name, PLATEAU, timeout=0.5, start_timeout=60)
    losses = [1 / (step + 1) for step in range(300)]
    train(session, range(10), losses.__getitem__)
    assert session.flush(60, through_outages=True)
    own_server.process.send_signal(signal.SIGSTOP)
    waits: list[int] = []
    wait = session._wait
    session._wait = lambda step: (waits.append(step), wait(step))[1]  # type: ignore[method-assign, func-returns-value]
    rates = train(session, range(10, 300), losses.__getitem__)
    assert rates == [0.1] * 290 and session.away
    # While it is away `_wait` returns at once; what counts is that one step has found out.
    assert waits and waits[0] == 11
    own_server.process.send_signal(signal.SIGCONT)
    session.close(60)
    rows = own_server.reports(name)
    assert [(row["step"], row["metrics"]["loss"]) for row in rows] == list(enumerate(losses))
    assert session._told <= {"rate-mismatch"}


def test_with_the_fallback_hold_the_last_rate_holds(own_server: Server, name: str, quick: None) -> None:
    session = anneal.Session(own_server.url, name, {**COSINE, "fallback": "hold"}, look_ahead=10, timeout=30)
    whole = expected(own_server, COSINE, 60)
    assert train(session, range(20)) == whole[:20]
    assert session.flush(30) and session.sealed(29)
    own_server.kill()
    rates = train(session, range(20, 50))
    assert rates[:10] == whole[20:30] and rates[-1] == rates[-10] != whole[49]
    own_server.start()
    assert session.flush(60, through_outages=True)
    assert session.rate(50) == whole[50]
    session.close()


def test_a_session_that_was_closed_can_be_used_again(server: Server, name: str) -> None:
    session = anneal.Session(server.url, name, COSINE)
    train(session, range(3))
    session.close()
    train(session, range(3, 6))
    session.close()
    session.close()
    assert [row["step"] for row in server.reports(name)] == list(range(6))


def test_reports_of_an_outage_longer_than_a_request_are_all_sent(own_server: Server, name: str, quick: None) -> None:
    session = anneal.Session(own_server.url, name, COSINE)
    train(session, range(1))
    assert session.flush(30)
    own_server.kill()
    for step in range(1, 3500):
        session.report(step, metrics={f"a-metric-with-a-rather-long-name-{number}": step for number in range(10)})
    own_server.start()
    session.close(60)
    assert [row["step"] for row in own_server.reports(name)] == list(range(3500))


def test_the_queue_has_an_end_and_the_oldest_go_first(
    own_server: Server, name: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch, quick: None
) -> None:
    session = anneal.Session(own_server.url, name, COSINE)
    train(session, range(1))
    assert session.flush(30)
    own_server.kill()
    session.report(1)
    assert not session.flush(30)
    monkeypatch.setattr(session_module, "LARGEST_QUEUE", 50)
    train(session, range(2, 2000))
    own_server.start()
    session.close(30)
    steps = [row["step"] for row in own_server.reports(name)]
    assert steps[-50:] == list(range(1950, 2000)) and len(steps) < 1999
    assert any("were dropped" in record.message for record in caplog.records)


def test_a_restart_opens_a_new_attempt_and_the_old_process_is_refused(server: Server, name: str) -> None:
    old = anneal.Session(server.url, name, PLATEAU, timeout=30)
    train(old, range(10), lambda step: 1.0)
    assert old.flush(30)
    new = anneal.Session(server.url, name, PLATEAU, timeout=30)
    # The policy goes back too: after four reports it has reduced once.
    assert new.resume(4) == 0.05 and new.attempt == 2
    assert train(new, range(4, 12), lambda step: 0.1 / (step + 1)) == [0.05] * 8
    new.close()
    with pytest.raises(anneal.Problem) as refusal:
        train(old, range(10, 12))
        old.flush(30)
        old.report(12)
    assert refusal.value.kind == "stale-attempt" and refusal.value.status == 409
    old.close()
    assert server.ask("GET", f"/sessions/{name}")["last_step"] == 11


def test_a_script_that_begins_again_without_a_checkpoint_says_so_and_is_a_new_attempt(
    server: Server, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with anneal.Session(server.url, name, COSINE) as first:
        train(first, range(10))
    with anneal.Session(server.url, name, COSINE) as second:
        assert train(second, range(5), lambda step: 7.0) == expected(server, COSINE, 5)
    document = server.ask("GET", f"/sessions/{name}")
    assert (document["attempt"], document["resume_step"], document["last_step"]) == (2, 0, 4)
    assert any("attempt 2 begins at step 0" in record.message for record in caplog.records)
    assert not second._told


def test_opening_a_session_changes_nothing_in_it(server: Server, name: str) -> None:
    with anneal.Session(server.url, name, COSINE) as first:
        train(first, range(10))
    before = server.ask("GET", f"/sessions/{name}")["revision"]
    anneal.Session(server.url, name, COSINE).close()
    anneal.Session(server.url, name).close()
    assert server.ask("GET", f"/sessions/{name}")["revision"] == before


def test_a_checkpoint_that_is_ahead_of_the_server_goes_on_with_a_gap(server: Server, name: str) -> None:
    with anneal.Session(server.url, name, COSINE) as first:
        train(first, range(10))
        assert first.flush(30)
    with anneal.Session(server.url, name, COSINE) as second:
        assert second.resume(800) == expected(server, COSINE, 801)[800]
        assert second.sealed(800)
        train(second, range(800, 810))
    assert [row["step"] for row in server.reports(name)][-10:] == list(range(800, 810))
    assert not server.warnings(name)


def test_an_operators_change_reaches_the_trainer(server: Server, name: str) -> None:
    with anneal.Session(server.url, name, COSINE, look_ahead=10) as session:
        train(session, range(20))
        assert session.flush(30)
        override = server.ask("POST", f"/sessions/{name}/overrides", {"learning_rate": 0.007})
        effective = override["effective_step"]
        step = 20
        while step < effective + 5:
            # A training step that takes as long as a round trip.
            train(session, range(step, step + 1))
            assert session.flush(30)
            step += 1
        assert session.rate(effective + 5) == 0.007
    assert not server.warnings(name)


def test_commands_come_at_their_step_and_end_when_they_are_acknowledged(server: Server, name: str) -> None:
    with anneal.Session(server.url, name, PLATEAU, timeout=30) as session:
        train(session, range(3))
        made = server.ask("POST", f"/sessions/{name}/overrides", {"command": "checkpoint"})
        train(session, range(3, 6))
        session.rate(6)
        command = session.due(6)
        assert command is not None and (command.type, command.at_step) == ("checkpoint", made["at_step"])
        assert session.due(command.at_step - 1) is None
        session.acknowledge(command)
        train(session, range(6, 8))
        assert session.due(8) is None and session.flush(30)
    assert [one for one in server.ask("GET", f"/sessions/{name}")["commands"] if not one.get("acknowledged")] == []


def test_numbers_that_are_none_do_not_stop_the_reports(
    server: Server, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with anneal.Session(server.url, name, COSINE) as session:
        session.report(0, math.inf)
        session.report(1, "a word")  # type: ignore[arg-type]
        session.report(2, 1.0, metrics={"gradients/x": 1})
        session.report(3, 1.0, metrics={"fine": -math.inf})
        session.report(4, 1.0, metrics={"gradients/x": 1})
        session.report(5, 1.0)
    rows = {row["step"]: row["metrics"] for row in server.reports(name)}
    assert rows == {0: {"loss": "inf"}, 1: {}, 3: {"loss": 1, "fine": "-inf"}, 5: {"loss": 1}}
    told = [record.message for record in caplog.records]
    assert sum("no number" in text for text in told) == 1 and sum("is refused" in text for text in told) == 1


def test_ranks_that_follow_see_the_same_rates_and_report_nothing(server: Server, name: str) -> None:
    rates: dict[int, list[float]] = {}
    failures: list[BaseException] = []

    def rank(number: int) -> None:
        try:
            with anneal.Session(server.url, name, PLATEAU, rank=number, timeout=30) as session:
                rates[number] = train(session, range(30), lambda step: 1.0)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=rank, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert rates[0] == rates[1] == rates[2] and len(set(rates[0])) > 3
    assert len(server.reports(name)) == 30


def test_in_a_quorum_all_ranks_report(server: Server, name: str) -> None:
    specification = {**PLATEAU, "ranks": {"mode": "quorum", "world_size": 3}}
    rates: dict[int, list[float]] = {}
    failures: list[BaseException] = []

    def rank(number: int) -> None:
        try:
            with anneal.Session(server.url, name, specification, rank=number, timeout=30) as session:
                rates[number] = train(session, range(20), lambda step: 1.0 + number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=rank, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(120)
    assert not failures
    assert rates[0] == rates[1] == rates[2] and len(set(rates[0])) > 3
    assert sorted((row["step"], row.get("rank", 0)) for row in server.reports(name)) == [
        (step, number) for step in range(20) for number in range(3)
    ]


def test_a_server_that_has_forgotten_the_session_gets_it_again(name: str, quick: None) -> None:
    server = Server(":memory:")
    try:
        session = anneal.Session(server.url, name, COSINE, look_ahead=100)
        rates = train(session, range(50))
        assert session.flush(30)
        server.kill()
        server.start()
        rates += train(session, range(50, 100))
        session.close(30)
        assert rates == expected(server, COSINE, 100)
        assert [row["step"] for row in server.reports(name)] == list(range(50, 100))
    finally:
        server.stop()


def test_a_session_that_is_deleted_does_not_end_the_training(
    server: Server, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    session = anneal.Session(server.url, name, COSINE, look_ahead=10)
    rates = train(session, range(20))
    assert session.flush(30)
    server.ask("DELETE", f"/sessions/{name}")
    rates += train(session, range(20, 500))
    session.flush(30)
    rates += train(session, range(500, 1000))
    session.close()
    assert rates == expected(server, COSINE, 1000)
    assert sum("without the server" in record.message for record in caplog.records) == 1


def test_a_specification_that_is_wrong_is_refused_at_the_start(server: Server, name: str) -> None:
    with pytest.raises(anneal.Problem) as refusal:
        anneal.Session(server.url, name, {"schedule": {"type": "cosin", "base_lr": 0.1, "total_steps": 9}})
    problem = refusal.value
    assert (problem.status, problem.kind, problem.pointer) == (422, "invalid-field", "/schedule/type")
    assert "cosine" in str(problem)
    anneal.Session(server.url, name, COSINE).close()
    with pytest.raises(anneal.Problem) as refusal:
        anneal.Session(server.url, name, PLATEAU)
    assert refusal.value.status == 409 and "another specification" in str(refusal.value)


def test_no_server_at_all_is_said_at_the_start(own_server: Server) -> None:
    own_server.kill()
    with pytest.raises(anneal.Unreachable, match=own_server.url):
        anneal.Session(own_server.url, "x", COSINE, start_timeout=0)
    with pytest.raises(ValueError, match="http"):
        anneal.Session("anneal:8080", "x", COSINE)


def test_a_server_that_starts_later_than_the_trainer_is_waited_for(own_server: Server, name: str) -> None:
    own_server.kill()
    starter = threading.Timer(0.5, own_server.start)
    starter.start()
    with anneal.Session(own_server.url, name, COSINE) as session:
        assert train(session, range(5)) == expected(own_server, COSINE, 5)
    starter.join()


def test_the_server_names_a_session_that_has_no_name(server: Server) -> None:
    with anneal.Session(server.url, spec=COSINE) as session:
        train(session, range(3))
    assert len(server.reports(session.name)) == 3


def test_a_token_is_an_argument_or_in_the_environment(
    tmp_path: Any, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = str(tmp_path / "data")
    made = subprocess.run(
        [program(), "token", "create", "--scope", "report", "--data", data], capture_output=True, text=True, check=True
    )
    token = made.stdout.split()[-1]
    server = Server(data)
    try:
        with pytest.raises(anneal.Problem) as refusal:
            anneal.Session(server.url, name, COSINE)
        assert refusal.value.status == 401
        with anneal.Session(server.url, name, COSINE, token=token) as session:
            train(session, range(3))
        monkeypatch.setenv("ANNEAL_TOKEN", token)
        monkeypatch.setenv("ANNEAL_URL", server.url)
        with anneal.Session(session=name) as session:
            session.resume(3)
            train(session, range(3, 6))
        rows = server.ask("GET", f"/sessions/{name}", token=token)
        assert rows["reports"] == 6
    finally:
        server.stop()


def test_a_sessions_own_token_is_used(server: Server, name: str) -> None:
    with anneal.Session(server.url, name, {**COSINE, "token": True}) as session:
        train(session, range(3))
    assert len(server.reports(name)) == 3


def test_a_unix_socket_is_a_server_too(tmp_path: Any, name: str) -> None:
    path = tmp_path / "anneal.sock"
    server = Server(":memory:", "--listen", f"unix:{path}")
    try:
        with anneal.Session(f"unix:{path}", name, COSINE) as session:
            assert len(train(session, range(5))) == 5
    finally:
        server.kill()


class Unwell(http.server.BaseHTTPRequestHandler):
    """What stands between: it passes on some requests, and answers others itself."""

    protocol_version = "HTTP/1.1"
    target: Server
    answers: list[tuple[int, dict[str, str]]]

    def handle_any(self) -> None:
        content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if self.command == "POST" and self.path.endswith("/next") and self.answers:
            status, fields = self.answers.pop()
            self.send_response(status)
            for field, value in fields.items():
                self.send_header(field, value)
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        found = json.dumps(self.target.ask(self.command, self.path, json.loads(content) if content else None)).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(found)))
        self.end_headers()
        self.wfile.write(found)

    do_GET = do_POST = do_PUT = handle_any

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def unwell(server: Server) -> Iterator[tuple[str, list[tuple[int, dict[str, str]]]]]:
    answers: list[tuple[int, dict[str, str]]] = []
    handler = type("Handler", (Unwell,), {"target": server, "answers": answers})
    proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    proxy.daemon_threads = True
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{proxy.server_port}", answers
    proxy.shutdown()
    thread.join()
    proxy.server_close()


def test_what_passes_is_tried_again_and_nothing_is_lost(
    unwell: tuple[str, list[tuple[int, dict[str, str]]]], server: Server, name: str, quick: None
) -> None:
    url, answers = unwell
    answers += [(503, {}), (429, {"Retry-After": "0"}), (500, {}), (502, {"Content-Type": "text/html"})]
    with anneal.Session(url, name, COSINE) as session:
        rates = train(session, range(100))
        assert session.flush(60, through_outages=True) and not answers
    assert rates == expected(server, COSINE, 100)
    assert [row["step"] for row in server.reports(name)] == list(range(100))


def test_a_resumed_run_whose_server_goes_at_once_has_all_the_rates(own_server: Server, name: str, quick: None) -> None:
    whole = expected(own_server, COSINE, 1000)
    with anneal.Session(own_server.url, name, COSINE, look_ahead=40) as first:
        train(first, range(150))
        assert first.flush(30) and first.sealed(180)
    second = anneal.Session(own_server.url, name, COSINE, look_ahead=20, start=150)
    assert second.resume(150) == whole[150] and second.sealed(180)
    own_server.kill()
    assert train(second, range(150, 1000)) == whole[150:]
    own_server.start()
    second.close(60)
    assert server_steps(own_server, name) == list(range(150)) + list(range(150, 1000))


def server_steps(server: Server, name: str) -> list[int]:
    return [row["step"] for row in server.reports(name)]
