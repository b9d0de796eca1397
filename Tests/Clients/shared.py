#!/usr/bin/env python3
"""Several servers over one PostgreSQL, by the real program: trainers that go from server to server while servers are killed and
the database is restarted.

    Tests/Clients/shared.py PROGRAM [--trainers N] [--steps N] [--kills N]

PROGRAM is the built `anneal`. Needs PostgreSQL's own programs (Debian's package postgresql), which it runs in a temporary folder.
"""
import argparse
import atexit
import contextlib
import glob
import http.client
import itertools
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

SPECIFICATION = {
    "schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 200},
    "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 3, "factor": 0.5}],
}


processes = []


@atexit.register
def end_all():
    """Nothing is left behind, whatever goes wrong."""
    for process in processes:
        if process.poll() is None:
            process.kill()
            process.wait()


class Database:
    """A PostgreSQL of this test's own, on a Unix socket."""

    def __init__(self, folder):
        self.folder = folder
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))[-1]
        # It refuses to run as root.
        self.user = ["setpriv", "--reuid", "postgres", "--regid", "postgres", "--clear-groups"] if os.getuid() == 0 else []
        folder.mkdir()
        if self.user:
            subprocess.run(["chown", "postgres", str(folder)], check=True)
        self.run("initdb", "--pgdata", f"{folder}/data", "--username", "anneal", "--auth", "trust", "--no-sync")
        self.start()
        self.run("createdb", "-h", str(folder), "-U", "anneal", "sessions")
        self.url = f"postgresql:///sessions?host={folder}&user=anneal"

    def run(self, name, *arguments):
        subprocess.run([*self.user, f"{self.programs}/{name}", *arguments], check=True, stdout=subprocess.DEVNULL)

    def start(self):
        self.process = subprocess.Popen(
            [*self.user, f"{self.programs}/postgres", "-D", f"{self.folder}/data", "-c", "listen_addresses=", "-c",
             f"unix_socket_directories={self.folder}", "-c", "fsync=off"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        processes.append(self.process)
        for _ in range(300):
            if subprocess.run([f"{self.programs}/pg_isready", "-q", "-h", str(self.folder)]).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("PostgreSQL does not start")

    def stop(self):
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)


class Server:
    def __init__(self, program, url, folder):
        self.command = [program, "serve", "--port", "0", "--store", url, "--data", folder]
        self.start()

    def start(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        processes.append(self.process)
        line = self.process.stdout.readline()
        # Without its database it does not start.
        self.port = int(line.rsplit(":", 1)[1]) if line else None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def ask(server, method, path, content=None):
    """The status and the document; the status is None where the server is not there."""
    try:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        with contextlib.closing(connection):
            fields = {"Content-Type": "application/json"} if content is not None else {}
            connection.request(method, path, None if content is None else json.dumps(content), fields)
            response = connection.getresponse()
            return response.status, json.loads(response.read() or b"null")
    except (OSError, http.client.HTTPException, TypeError):
        return None, None


def train(number, servers, steps, calm, told, wrong):
    """One trainer: each report to a server chosen at random, again where it was not acknowledged; so many steps at least, and
    until all is `calm`."""
    choice = random.Random(number)
    name = f"run-{number}"
    while ask(choice.choice(servers), "PUT", f"/sessions/{name}", SPECIFICATION)[0] not in (200, 201):
        time.sleep(0.05)
    for step in itertools.count():
        if step >= steps and calm.is_set():
            return
        report = {"step": step, "loss": 1 + choice.random() / 10}
        while True:
            status, answer = ask(choice.choice(servers), "POST", f"/sessions/{name}/next", report)
            if status == 200:
                told[name, step] = answer["learning_rate"]
                # As fast as a training is.
                time.sleep(0.02)
                break
            if status not in (None, 503):
                wrong.append((name, step, status, answer))
                return
            time.sleep(0.02)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--trainers", type=int, default=24)
    parser.add_argument("--steps", type=int, default=60)
    parser.add_argument("--kills", type=int, default=6)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        folder = pathlib.Path(name)
        database = Database(folder / "database")
        servers = [Server(options.program, database.url, f"{name}/data-{index}") for index in range(3)]
        calm = threading.Event()
        told, wrong = {}, []
        threads = [threading.Thread(target=train, args=(number, servers, options.steps, calm, told, wrong), daemon=True)
                   for number in range(options.trainers)]
        for thread in threads:
            thread.start()
        chance = random.Random(1)
        began = time.monotonic()
        for kill in range(options.kills):
            time.sleep(0.4)
            server = chance.choice(servers)
            server.kill()
            if kill == options.kills // 2:
                database.stop()
                time.sleep(1)
                database.start()
            while server.port is None or server.process.poll() is not None:
                server.start()
        calm.set()
        for thread in threads:
            thread.join(120)
        assert not any(thread.is_alive() for thread in threads), "the trainers do not end"
        assert wrong == [], wrong[:3]
        assert len(told) >= options.trainers * options.steps, len(told)
        for number in range(options.trainers):
            session = f"run-{number}"
            for step in sorted(step for name, step in told if name == session):
                rates = {ask(server, "GET", f"/sessions/{session}/next?step={step + 1}")[1]["learning_rate"] for server in servers}
                assert rates == {told[session, step]}, (session, step, rates, told[session, step])
            replay = ask(servers[number % 3], "POST", f"/sessions/{session}/replay", {})[1]
            assert replay["verified"] is True, replay
            history = ask(servers[number % 3], "GET", f"/sessions/{session}/next")
            assert history[0] == 200
        for server in servers:
            server.process.terminate()
            assert server.process.wait(30) == 0
            server.process.stdout.close()
        database.stop()
    print(f"passed: {options.trainers} trainers with {len(told)} reports on 3 servers, {options.kills} servers killed, the database "
          f"restarted: every report is there, one rate a step ({time.monotonic() - began:.0f} s)")


if __name__ == "__main__":
    main()
