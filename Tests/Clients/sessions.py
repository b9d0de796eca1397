#!/usr/bin/env python3
"""Sessions against the real program: crashes, full disks, many processes, streams.

    Tests/Clients/sessions.py PROGRAM [--kills N]

PROGRAM is the built `anneal`. Needs nothing but Python.
"""
import argparse
import atexit
import functools
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import resource
import signal
import subprocess
import sys
import tempfile
import threading
import time

SPECIFICATION = {
    "schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 100000},
    "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 5, "factor": 0.99}, {"type": "spike", "wait": 2}],
}


class Server:
    """One running program. It listens on a port of its own, the same one after each start."""

    def __init__(self, program, folder, arguments=(), limit=None):
        self.program, self.folder, self.arguments, self.limit = program, folder, arguments, limit
        self.port = 0
        self.start()
        atexit.register(lambda: self.process.kill())

    def start(self):
        def limited():
            if self.limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (self.limit, self.limit))

        self.process = subprocess.Popen(
            [self.program, "serve", "--port", str(self.port), "--data", self.folder, *self.arguments],
            stdout=subprocess.PIPE, text=True, preexec_fn=limited)
        line = self.process.stdout.readline()
        assert line.startswith("anneal listens on"), f"it did not start: {line}"
        self.port = int(line.rsplit(":", 1)[1])

    def kill(self):
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(30) == 0


class Client:
    """One connection that is made anew where it has broken."""

    def __init__(self, port):
        self.port = port
        self.connection = None

    def ask(self, method, path, content=None, headers={}):
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=90)
            body = None if content is None else json.dumps(content)
            self.connection.request(method, path, body, {"Content-Type": "application/json", **headers})
            response = self.connection.getresponse()
            text = response.read()
            kind = response.getheader("Content-Type", "")
            return response.status, json.loads(text) if kind.endswith(("/json", "+json")) else text
        except (OSError, http.client.HTTPException):
            self.connection = None
            raise

    def lines(self, path):
        status, text = self.ask("GET", path)
        assert status == 200, (status, text)
        return [json.loads(line) for line in text.decode().splitlines()]


def check(condition, *words):
    if not condition:
        raise AssertionError(words)


def loss(session, step):
    value = random.Random(session * 1_000_003 + step).uniform(1, 3) + 100 / (step + 10)
    return "nan" if step % 97 == 50 else value


# Promise 4: kill -9 at any moment: every acknowledged report is there, and the state is the fold of a prefix.


def crash(serve, kills, trainers=8):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(folder)
        acknowledged = [{} for _ in range(trainers)]
        done = threading.Event()
        failures = []

        def train(number):
            client = Client(server.port)
            step = -1
            try:
                while not done.is_set():
                    try:
                        if step < 0:
                            status, answer = client.ask("PUT", f"/sessions/t{number}", SPECIFICATION)
                            # 502 and 504: a load balancer in between has lost the server.
                            if status in (502, 503, 504):
                                continue
                            check(status in (200, 201), status, answer)
                            step = 0
                        content = {"step": step, "loss": loss(number, step)}
                        status, answer = client.ask("POST", f"/sessions/t{number}/next", content)
                        if status in (502, 503, 504):
                            continue
                        check(status == 200 and answer["step"] == step + 1, status, answer)
                        check("conflicts" not in answer, answer)
                        acknowledged[number][step] = answer["learning_rate"]
                        step += 1
                    except (OSError, http.client.HTTPException):
                        time.sleep(0.005)
            except AssertionError as error:
                failures.append(error)

        threads = [threading.Thread(target=train, args=(number,)) for number in range(trainers)]
        for thread in threads:
            thread.start()
        moments = random.Random(1)
        for _ in range(kills):
            time.sleep(moments.uniform(0.01, 0.25))
            server.kill()
            server.start()
        time.sleep(0.2)
        done.set()
        for thread in threads:
            thread.join()
        check(not failures, failures)
        server.kill()
        server.start()
        client = Client(server.port)
        total = 0
        for number in range(trainers):
            rows = [row for row in client.lines(f"/sessions/t{number}/history?format=ndjson") if row["kind"] == "report"]
            steps = [row["step"] for row in rows]
            check(steps == list(range(len(steps))), "gaps or duplicates", number)
            check(len(steps) in (len(acknowledged[number]), len(acknowledged[number]) + 1), number, len(steps))
            for step, rate in acknowledged[number].items():
                check(rows[step]["metrics"]["loss"] == loss(number, step), number, step)
                check(step + 1 >= len(rows) or rows[step + 1]["learning_rate"] == rate, number, step)
            status, answer = client.ask("POST", f"/sessions/t{number}/replay")
            check(status == 200 and answer["verified"], answer)
            total += len(steps)
        check(total > kills * trainers, "there was no load", total)
        server.stop()
        print(f"{kills} times killed under load: {total} reports, every acknowledged one is there; replay verified")


# Promise 6: many processes poll one session, some die and come again.


def rank(port, number, steps, seed, results):
    order = random.Random(seed)
    client = Client(port)
    rates = {}
    for step in range(steps):
        content = {"step": step, "rank": number, "loss": 1 + number / 64 + order.choice([0, 0])}
        for attempt in range(order.choice([1, 1, 1, 2])):
            time.sleep(order.uniform(0, 0.002))
            if order.random() < 0.1:
                # Sends, and dies before the answer.
                try:
                    dying = http.client.HTTPConnection("127.0.0.1", port)
                    dying.request("POST", "/sessions/quorum/next", json.dumps(content), {"Content-Type": "application/json"})
                    dying.close()
                except OSError:
                    pass
            status, answer = client.ask("POST", "/sessions/quorum/next?wait=60", content)
            check(status in (200, 202), status, answer)
        if status == 202:
            status, answer = client.ask("GET", f"/sessions/quorum/next?step={step + 1}&wait=60")
        check(status == 200 and answer["step"] == step + 1, status, answer)
        rates[step + 1] = answer["learning_rate"]
    results.put((number, rates))


def ranks(serve, count=64, steps=20):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(folder)
        client = Client(server.port)
        specification = {
            "schedule": {"type": "exponential", "base_lr": 0.1, "gamma": 0.9},
            "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 2, "factor": 0.5}],
            "ranks": {"mode": "quorum", "world_size": count},
        }
        check(client.ask("PUT", "/sessions/quorum", specification)[0] == 201)
        results = multiprocessing.Queue()
        processes = [
            multiprocessing.Process(target=rank, args=(server.port, number, steps, number, results)) for number in range(count)
        ]
        for process in processes:
            process.start()
        answers = [results.get(timeout=120) for _ in processes]
        for process in processes:
            process.join()
        check(all(rates == answers[0][1] for _, rates in answers), "ranks have seen different rates")
        document = client.ask("GET", "/sessions/quorum")[1]
        check(document["reports"] == count * steps, document["reports"])
        check(client.ask("POST", "/sessions/quorum/replay")[1]["verified"])
        server.stop()
        print(f"{count} processes, {steps} steps, some dying: one rate a step, {document['reports']} reports counted once")


# A full disk: reports are refused, rates are served, nothing acknowledged is lost.


def full_disk(program):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder, limit=400_000)
        client = Client(server.port)
        check(client.ask("PUT", "/sessions/full", SPECIFICATION)[0] == 201)
        step = 0
        while True:
            status, answer = client.ask("POST", "/sessions/full/next", {"step": step, "loss": 1, "metrics": {"pad" * 16: 1}})
            if status != 200:
                break
            rate = answer["learning_rate"]
            step += 1
            check(step < 100_000, "the limit had no effect")
        check(status == 503 and answer["type"] == "urn:anneal:problem:store-unavailable", status, answer)
        for _ in range(3):
            status, answer = client.ask("GET", f"/sessions/full/next?step={step}")
            check(status == 200 and answer["learning_rate"] == rate, status, answer)
            check(client.ask("POST", "/sessions/full/next", {"step": step, "loss": 1})[0] == 503)
        check(client.ask("POST", "/schedule", {"schedule": {"type": "constant", "base_lr": 1}, "steps": 1})[0] == 200)
        server.kill()
        server.limit = None
        server.start()
        client = Client(server.port)
        status, answer = client.ask("POST", "/sessions/full/next", {"step": step, "loss": 1})
        check(status == 200 and answer["step"] == step + 1, answer)
        rows = [row for row in client.lines("/sessions/full/history?format=ndjson") if row["kind"] == "report"]
        check(len(rows) == step + 1, len(rows), step)
        check(client.ask("POST", "/sessions/full/replay")[1]["verified"])
        server.stop()
        print(f"a full disk after {step} reports: 503 for reports, rates served, all there afterwards")


def folder_lock(program):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder)
        second = subprocess.run([program, "serve", "--port", "0", "--data", folder], capture_output=True, text=True)
        check(second.returncode != 0 and "is in use by another anneal" in second.stderr, second.stderr)
        server.stop()
        import sqlite3

        database = sqlite3.connect(f"{folder}/sessions.sqlite")
        database.execute("PRAGMA user_version = 99")
        database.close()
        newer = subprocess.run([program, "serve", "--port", "0", "--data", folder], capture_output=True, text=True)
        check(newer.returncode != 0 and "newer anneal" in newer.stderr, newer.stderr)
        print("a folder in use, and one of a newer version, are refused with a reason")


# Eviction, and promise 9: a stalled or hostile session does not slow another.


def eviction(serve):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(folder, ["--live-sessions", "5"])
        client = Client(server.port)
        for number in range(20):
            check(client.ask("PUT", f"/sessions/e{number}", SPECIFICATION)[0] == 201)
        rates = {}
        for step in range(12):
            if step == 6:
                time.sleep(6)
            for number in range(20):
                status, answer = client.ask("POST", f"/sessions/e{number}/next", {"step": step, "loss": loss(number, step)})
                check(status == 200, answer)
                rates[number, step + 1] = answer["learning_rate"]
        time.sleep(6)
        for number in range(20):
            for step in range(12):
                status, answer = client.ask("GET", f"/sessions/e{number}/next?step={step + 1}")
                check(answer["learning_rate"] == rates[number, step + 1])
            check(client.ask("POST", f"/sessions/e{number}/replay")[1]["verified"])
        server.stop()
        print("20 sessions with room for 5: each came back unchanged")


def neighbors(serve):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(folder)
        client = Client(server.port)
        for name in ("quiet", "hostile"):
            check(client.ask("PUT", f"/sessions/{name}", SPECIFICATION)[0] == 201)

        def middle():
            times = []
            for _ in range(200):
                start = time.perf_counter()
                check(client.ask("POST", "/sessions/quiet/next", {"step": len(seen), "loss": 1})[0] == 200)
                seen.append(1)
                times.append(time.perf_counter() - start)
            return sorted(times)[len(times) // 2]

        seen = []
        alone = middle()
        done = threading.Event()

        def attack(number):
            hostile = Client(server.port)
            while not done.is_set():
                reports = [{"step": random.randrange(10**15), "loss": "nan", "metrics": {f"m{k}": k for k in range(20)}} for _ in range(50)]
                hostile.ask("POST", "/sessions/hostile/next", {"reports": reports})
                hostile.ask("POST", "/sessions/hostile/attempts", {"resume_step": random.randrange(1000)})

        waiting = []
        for _ in range(50):
            stalled = http.client.HTTPConnection("127.0.0.1", server.port)
            stalled.request("GET", "/sessions/quiet/next?step=4000000&wait=30")
            waiting.append(stalled)
        thread = threading.Thread(target=attack, args=(0,))
        thread.start()
        beside = middle()
        done.set()
        thread.join()
        server.kill()
        print(f"a report beside 50 stalled long polls and a hostile session: {beside * 1e3:.1f} ms, alone {alone * 1e3:.1f} ms")
        check(beside < 0.25, "a neighbor is held up", beside)


def events(serve):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(folder)
        client = Client(server.port)
        check(client.ask("PUT", "/sessions/s", SPECIFICATION)[0] == 201)
        seen = []

        def listen(last, until):
            connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
            connection.request("GET", "/sessions/s/events", headers={"Last-Event-ID": str(last)} if last else {})
            response = connection.getresponse()
            check(response.getheader("Content-Type") == "text/event-stream")
            for line in response:
                if line.startswith(b"id: "):
                    seen.append(int(line[4:]))
                    if seen[-1] >= until:
                        break
            connection.close()

        def report(steps):
            for step in steps:
                time.sleep(0.005)
                check(Client(server.port).ask("POST", "/sessions/s/next", {"step": step, "loss": 1})[0] == 200)

        listener = threading.Thread(target=listen, args=(0, 20))
        listener.start()
        report(range(30))
        listener.join()
        listener = threading.Thread(target=listen, args=(seen[-1], 61))
        listener.start()
        report(range(30, 60))
        listener.join()
        check(seen == list(range(1, 62)), seen)
        # A listener that stays does not keep the server from ending.
        stays = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        stays.request("GET", "/sessions/s/events")
        stays.getresponse().readline()
        start = time.time()
        server.stop()
        check(time.time() - start < 5, "a listener keeps the server from ending")
        print("61 events over two connections with Last-Event-ID: none missing, none twice")


def restored_elsewhere(program):
    with tempfile.TemporaryDirectory() as folder:
        key = pathlib.Path(folder, "key")
        key.write_bytes(os.urandom(32))
        first = Server(program, f"{folder}/a", ["--state-key", str(key)])
        second = Server(program, f"{folder}/b", ["--state-key", str(key)])
        stranger = Server(program, f"{folder}/c")
        client = Client(first.port)
        check(client.ask("PUT", "/sessions/s", SPECIFICATION)[0] == 201)
        for step in range(50):
            rate = client.ask("POST", "/sessions/s/next", {"step": step, "loss": loss(1, step)})[1]["learning_rate"]
        state = client.ask("GET", "/sessions/s/state")[1]
        status, answer = Client(second.port).ask("PUT", "/sessions/moved/state", state)
        check(status == 200 and answer["step"] == 50 and answer["learning_rate"] == rate, status, answer)
        for step in range(50, 80):
            here = client.ask("POST", "/sessions/s/next", {"step": step, "loss": loss(1, step)})[1]
            there = Client(second.port).ask("POST", "/sessions/moved/next", {"step": step, "loss": loss(1, step)})[1]
            check(here["learning_rate"] == there["learning_rate"], here, there)
        check(Client(stranger.port).ask("PUT", "/sessions/moved/state", state)[0] == 403)
        state["state"] = state["state"][:-8] + "AAAAAAA="
        check(Client(second.port).ask("PUT", "/sessions/other/state", state)[0] == 403)
        for server in (first, second, stranger):
            server.stop()
        print("a saved state goes on elsewhere with the same rates; a stranger's key and a changed state are refused")


def protocol(serve):
    with tempfile.TemporaryDirectory() as folder:
        server = serve(folder)
        client = Client(server.port)

        def ask(status, method, path, content=None, headers={}):
            got, answer = client.ask(method, path, content, headers)
            check(got == status, method, path, content, got, answer)
            return answer

        # Names: the same again is well, another specification is told apart field by field.
        ask(201, "PUT", "/sessions/s", SPECIFICATION)
        ask(200, "PUT", "/sessions/s", SPECIFICATION)
        other = ask(409, "PUT", "/sessions/s", {**SPECIFICATION, "lease": 7})
        check("'lease' is left out, not 7" in other["detail"], other)
        check(ask(422, "PUT", "/sessions/x", {"schedule": SPECIFICATION["schedule"], "polices": []})["suggestion"] == "policies")
        wrong = {**SPECIFICATION, "policies": [{"type": "torch.ReduceLROnPlateau", "patiense": 3}]}
        problem = ask(422, "PUT", "/sessions/x", wrong)
        check(problem["pointer"] == "/policies/0/patiense" and problem["suggestion"] == "patience", problem)
        problem = ask(422, "PUT", "/sessions/x", {"schedule": {"type": "torch.ReduceLROnPlateau", "base_lr": 0.1}})
        check("'policies'" in problem["detail"], problem)
        ask(404, "GET", "/sessions/x")
        # One key, one session.
        key = {"Idempotency-Key": "k1"}
        first = ask(201, "POST", "/sessions", SPECIFICATION, key)
        check(ask(201, "POST", "/sessions", SPECIFICATION, key)["id"] == first["id"])
        check(ask(201, "POST", "/sessions", SPECIFICATION)["id"] != first["id"])
        ask(422, "POST", "/sessions", {**SPECIFICATION, "lease": 7}, key)
        # Revisions.
        ask(412, "PATCH", "/sessions/s", {"notes": "n"}, {"If-Match": '"99"'})
        check(ask(200, "PATCH", "/sessions/s", {"notes": "n", "labels": {"team": "a"}}, {"If-Match": '"1"'})["revision"] == 2)
        ask(304, "GET", "/sessions/s", headers={"If-None-Match": '"2"'})
        names = [item["id"] for item in ask(200, "GET", "/sessions?label=team%3Da")["sessions"]]
        check(names == ["s"], names)
        page = ask(200, "GET", "/sessions?limit=2")
        rest = ask(200, "GET", f"/sessions?limit=100&cursor={page['cursor']}")
        check(len(page["sessions"]) == 2 and len(rest["sessions"]) == 1, page, rest)
        # The empty report: the rate of the first step that nobody has reported.
        check(ask(200, "POST", "/sessions/s/next")["step"] == 0)
        ask(200, "POST", "/sessions/s/next", {"step": 0, "loss": 1})
        check(ask(200, "POST", "/sessions/s/next")["step"] == 1)
        check("GET" in ask(422, "POST", "/sessions/s/next", {"step": 1, "loss": 1, "rank": 3})["detail"])
        ask(409, "GET", "/sessions/s/next?step=5")
        # A long poll is answered as soon as the step is sealed.
        waited = []

        def wait():
            start = time.time()
            status, answer = Client(server.port).ask("GET", "/sessions/s/next?step=3&wait=20")
            waited.append((status, answer["step"], time.time() - start))

        thread = threading.Thread(target=wait)
        thread.start()
        time.sleep(0.3)
        for step in (1, 2):
            ask(200, "POST", "/sessions/s/next", {"step": step, "loss": 1})
        thread.join()
        check(waited[0][:2] == (200, 3) and 0.2 < waited[0][2] < 2, waited)
        # Overrides can be withdrawn until they are in effect.
        ask(409, "POST", "/sessions/s/overrides", {"factor": 0.5, "effective_step": 3})
        made = ask(201, "POST", "/sessions/s/overrides", {"factor": 0.5, "effective_step": 5, "reason": "r", "author": "a"})
        ask(204, "DELETE", f"/sessions/s/overrides/{made['id']}")
        ask(404, "DELETE", f"/sessions/s/overrides/{made['id']}")
        made = ask(201, "POST", "/sessions/s/overrides", {"factor": 0.5})
        before = ask(200, "GET", "/sessions/s/next?step=3")["learning_rate"]
        after = ask(200, "POST", "/sessions/s/next", {"step": 3, "loss": 1})["learning_rate"]
        check(0.49 < after / before < 0.51, before, after)
        ask(409, "DELETE", f"/sessions/s/overrides/{made['id']}")
        # An operator's command goes to the trainer.
        ask(201, "POST", "/sessions/s/overrides", {"command": "stop", "reason": "enough"})
        command = ask(200, "POST", "/sessions/s/next", {"step": 4, "loss": 1})["commands"][0]
        check(command["type"] == "stop", command)
        ask(200, "POST", "/sessions/s/next", {"acknowledge": [command["id"]]})
        check(ask(200, "GET", "/sessions/s")["state"] == "stopped")
        # A restart sent again is the same restart.
        ask(201, "POST", "/sessions/s/attempts", {"resume_step": 2, "attempt": 2})
        check(ask(201, "POST", "/sessions/s/attempts", {"resume_step": 2, "attempt": 2})["attempt"] == 2)
        ask(409, "POST", "/sessions/s/attempts", {"resume_step": 3, "attempt": 2})
        # A fork has the same past, and then its own course.
        fork = ask(201, "POST", "/sessions/s/fork", {"at_step": 2, "id": "f", "schedule": {"type": "constant", "base_lr": 0.7}})
        check(fork["lineage"]["session"] == "s" and fork["last_step"] == 1, fork)
        check(ask(200, "POST", "/sessions/f/next", {})["learning_rate"] == 0.7)
        check(ask(200, "GET", "/sessions/f/next?step=1") ["learning_rate"] == ask(200, "GET", "/sessions/s/next?step=1")["learning_rate"])
        # Sent again with the same key, they are the same fork and the same override.
        key2 = {"Idempotency-Key": "k2"}
        fork = ask(201, "POST", "/sessions/s/fork", {"at_step": 1}, key2)
        check(ask(201, "POST", "/sessions/s/fork", {"at_step": 1}, key2)["id"] == fork["id"])
        once = ask(201, "POST", f"/sessions/{fork['id']}/overrides", {"factor": 0.5, "effective_step": 9}, key2)
        check(ask(201, "POST", f"/sessions/{fork['id']}/overrides", {"factor": 0.5, "effective_step": 9}, key2) == once)
        server.kill()
        server.start()
        client = Client(server.port)
        check(ask(201, "POST", f"/sessions/{fork['id']}/overrides", {"factor": 0.5, "effective_step": 9}, key2) == once)
        check(ask(200, "POST", f"/sessions/{fork['id']}/replay")["verified"])
        # What other policies would have done.
        ask(201, "PUT", "/sessions/w", SPECIFICATION)
        ask(200, "POST", "/sessions/w/next", {"reports": [{"step": step, "loss": 1} for step in range(100)]})
        for step in range(100, 130):
            ask(200, "POST", "/sessions/w/next", {"step": step, "loss": 1})
        other = ask(200, "POST", "/sessions/w/replay", {"policies": [{"type": "keras.ReduceLROnPlateau", "patience": 3}]})
        check(other["divergence"]["step"] == 100 and other["decisions"], other)
        # A change of the world's size does not change the counters.
        ask(201, "PUT", "/sessions/q", {**SPECIFICATION, "ranks": {"mode": "quorum", "world_size": 2}})
        for step in range(4):
            ask(202, "POST", "/sessions/q/next", {"step": step, "loss": 1, "rank": 1})
            ask(200, "POST", "/sessions/q/next", {"step": step, "loss": 1})
        state = [ask(200, "GET", "/sessions/q")["policies"]]
        ask(201, "POST", "/sessions/q/attempts", {"resume_step": 4, "world_size": 3})
        check(ask(200, "GET", "/sessions/q")["policies"] == state[0])
        ask(202, "POST", "/sessions/q/next", {"step": 4, "loss": 1, "rank": 1})
        ask(202, "POST", "/sessions/q/next", {"step": 4, "loss": 1, "rank": 2})
        ask(200, "POST", "/sessions/q/next", {"step": 4, "loss": 1})
        # Deleted is deleted.
        for name in ("s", "f", "q"):
            replay = ask(200, "POST", f"/sessions/{name}/replay")
            check(replay["verified"], name, replay)
            ask(204, "DELETE", f"/sessions/{name}")
            ask(410, "GET", f"/sessions/{name}")
            ask(410, "PUT", f"/sessions/{name}", SPECIFICATION)
        server.stop()
        server.start()
        client = Client(server.port)
        ask(410, "POST", "/sessions/s/next", {"step": 0})
        check(ask(201, "POST", "/sessions", SPECIFICATION, key)["id"] == first["id"])
        server.stop()
        print("the protocol: names, keys, revisions, polls, overrides, commands, restarts, forks, replay, deletion")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--kills", type=int, default=int(os.environ.get("KILLS", "15")))
    parser.add_argument("--only", default="")
    options = parser.parse_args()
    # Those that are told how a server is begun hold behind a load balancer too: cluster.py tries them there.
    serve = functools.partial(Server, options.program)
    tests = [protocol, folder_lock, events, restored_elsewhere, ranks, eviction, neighbors, full_disk]
    for test in tests:
        if options.only in ("", test.__name__):
            test(options.program if test in (folder_lock, restored_elsewhere, full_disk) else serve)
    if options.only in ("", "crash"):
        crash(serve, options.kills)
