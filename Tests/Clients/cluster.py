#!/usr/bin/env python3
"""Three servers behind HAProxy, over one PostgreSQL, by the real program: what the protocol promises holds while servers are
killed, the database is restarted and lines are cut.

    Tests/Clients/cluster.py PROGRAM [--trainers N] [--ranks N] [--steps N] [--pace SECONDS] [--kills N] [--only NAME]

PROGRAM is the built `anneal`. Needs PostgreSQL's own programs, haproxy, openssl, iproute2 (Debian's packages postgresql, haproxy,
openssl, iproute2), and to be root for the network namespaces: else it says so, and no line is cut.
"""
import argparse
import asyncio
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import time

import network
from database import Database, begin
from server import Certificate
from sessions import check, loss
from trainers import Connection, Run

PROJECT = pathlib.Path(__file__).parents[2]


class Server:
    """One of the servers, in its place."""

    def __init__(self, program, place, folder, number):
        self.program, self.place, self.folder, self.number = program, place, folder, number
        self.process = None

    def url(self, database, ssl="verify-full", issuer=None):
        return (f"postgresql://anneal@localhost/{database}?hostaddr={self.place.database}&port={self.port}&sslmode={ssl}"
                + (f"&sslrootcert={issuer}" if issuer else ""))

    def launch(self, url, environment, *arguments):
        """Starts it, and does not wait until it listens."""
        self.log = self.folder / f"server{self.number}.log"
        self.url_used, self.environment, self.arguments = url, environment, arguments
        self.process = begin(
            *self.place.prefix, self.program, "serve", "--host", self.place.host, "--port", str(self.place.port), "--allow-anonymous",
            "--data", str(self.folder / f"data{self.number}"), "--store", url, *arguments,
            stdout=subprocess.PIPE, stderr=self.log.open("a"), text=True, env={**os.environ, **environment})

    def again(self):
        self.launch(self.url_used, self.environment, *self.arguments)

    def listens(self):
        """Waits until it listens; false where it has ended instead: without its database it does not start."""
        return self.process.stdout.readline().startswith("anneal listens on")

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def end(self):
        self.process.send_signal(signal.SIGTERM)
        check(self.process.wait(30) == 0, "it does not end as it should")
        self.process.stdout.close()


class Cluster:
    """All of it."""

    def __init__(self, program, folder):
        self.folder = folder
        self.is_apart = network.leave()
        self.places = [network.Place(number, self.is_apart) for number in range(3)]
        self.issuer = Certificate(folder, "issuer")
        self.database = Database(
            folder / "database", Certificate(folder, "database-server", self.issuer), "*" if self.is_apart else "127.0.0.1",
            5432 if self.is_apart else network.free_port())
        self.servers = [Server(program, place, folder, number) for number, place in enumerate(self.places)]
        self.port = network.free_port()
        self.balance()
        self.count = 0

    def balance(self):
        """HAProxy, as the example has it."""
        text = (PROJECT / "Examples" / "haproxy.cfg").read_text()
        changes = {"bind :8080": f"bind 127.0.0.1:{self.port}"}
        for number, place in enumerate(self.places, 1):
            changes[f"192.0.2.{number}:8080"] = f"{place.host}:{place.port}"
        for old, new in changes.items():
            check(old in text, f"the example has no {old}")
            text = text.replace(old, new)
        file = self.folder / "haproxy.cfg"
        file.write_text(text)
        self.balancer = begin("haproxy", "-db", "-f", str(file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def start(self, at_once=False):
        """All servers, on a database of their own."""
        self.count += 1
        name = f"sessions{self.count}"
        self.database.create(name)
        for server in self.servers:
            server.port = self.database.port
            server.launch(
                server.url(name, issuer=self.issuer.file), {"PGPASSFILE": self.database.passwords})
            if not at_once:
                check(server.listens(), server.log.read_text())
        if at_once:
            check(all([server.listens() for server in self.servers]), [server.log.read_text() for server in self.servers])
        self.settle(200)

    def settle(self, status, seconds=30):
        """Waits until the load balancer knows how it stands."""
        async def wait():
            connection = Connection("127.0.0.1", self.port)
            end = time.monotonic() + seconds
            while (await connection.ask("GET", "/readyz"))[0] != status:
                check(time.monotonic() < end, "the load balancer does not take notice")
                await asyncio.sleep(0.05)
        asyncio.run(wait())

    def end(self):
        for server in self.servers:
            server.end()


async def disturb(cluster, options, run):
    """Kills servers at random, restarts the database in the middle, and cuts lines."""
    chance = random.Random(1)
    told = {"kills": 0, "restarts of the database": 0, "cuts": 0}
    lines = [(place.to_database, place.to_balancer) for place in cluster.places] if cluster.is_apart else []
    for number in range(options.kills):
        await asyncio.sleep(chance.uniform(0.3, 1) * options.pause)
        server = chance.choice(cluster.servers)
        server.kill()
        told["kills"] += 1
        print(time.time(), "killed", server.place.host)
        if number == options.kills // 2:
            print(time.time(), "database")
            cluster.database.stop()
            await asyncio.sleep(1)
            cluster.database.start()
            told["restarts of the database"] += 1
        await asyncio.sleep(chance.uniform(0, 0.3))
        server.again()
        while not await asyncio.to_thread(server.listens):
            await asyncio.sleep(0.2)
            server.again()
        if lines and number % 2 == 1:
            # To the database and to the load balancer by turns.
            line = chance.choice(lines)[number // 2 % 2]
            line.cut()
            print(time.time(), "cut", line.name)
            await asyncio.sleep(options.cut)
            line.mend()
            print(time.time(), "mended", line.name)
            told["cuts"] += 1
    return told


async def watch(run):
    while True:
        await asyncio.sleep(10)
        print(f"  … {sum(map(len, run.reports.values()))} reports, refused {run.refused}, unanswered {run.unanswered}", flush=True)


async def train(cluster, options):
    run = Run("127.0.0.1", cluster.port, options.steps, options.pace, options.ranks)
    began = time.monotonic()
    tasks = [asyncio.create_task(run.trainer(number)) for number in range(options.trainers)]
    tasks += [asyncio.create_task(run.rank(mode, rank)) for mode in ("quorum", "leader") for rank in range(options.ranks)]
    watcher = asyncio.create_task(watch(run))
    await asyncio.sleep(1)
    told = await disturb(cluster, options, run)
    run.is_calm = True
    done, late = await asyncio.wait(tasks, timeout=max(40, 2 * options.steps * options.pace), return_when=asyncio.FIRST_EXCEPTION)
    watcher.cancel()
    for task in done:
        task.result()
    if late:
        for session in ("quorum", "leader"):
            for place in cluster.places:
                print(place.host, session, await Connection(place.host, place.port).ask("GET", f"/sessions/{session}"))
            print(session, run.ends.get(session), max(run.rates[session]), sorted(run.reports[session])[-20:])
        text = (await Connection(cluster.places[0].host, 8080).ask("GET", "/sessions/quorum/history?format=ndjson"))[2]
        rows = {(row["step"], row.get("rank", 0)) for row in map(json.loads, text.splitlines()) if row["kind"] == "report"}
        print([(key, run.trace.get(("quorum", *key))) for key in run.reports["quorum"] if key not in rows])
        print([(key, run.trace.get(("quorum", *key))) for key in run.reports["quorum"] if key in rows and key[0] == max(rows)[0]])
    check(not late, f"{len(late)} trainers do not end")
    took = time.monotonic() - began
    ended = [task.result() for task in tasks]
    check(all(step >= options.steps for _, step in ended))
    await verify(cluster, run, options)
    times = sorted(run.times)
    count = sum(map(len, run.reports.values()))
    faults = ", ".join(f"{number} {name}" for name, number in told.items())
    print(f"{options.trainers} trainers and 2 × {options.ranks} ranks on 3 servers: {faults}; {count} acknowledged reports are all there, one "
          f"rate a step, all ranks agree, every trainer ended ({took:.0f} s; an answer took {times[len(times) // 2] * 1e3:.0f} ms in the "
          f"middle, {times[len(times) * 99 // 100] * 1e3:.0f} ms at the 99th of 100, {run.slowest:.1f} s at most; {run.refused} were 503, {run.unanswered} did not come)")


def starts_at_once(cluster, options):
    """The tables are made by several servers at the same moment."""
    for _ in range(10):
        cluster.start(at_once=True)
        cluster.end()
    print("three servers start at once on an empty database, 10 times")


async def verify(cluster, run, options):
    """Asks each server itself."""
    connections = [Connection(place.host, place.port) for place in cluster.places]

    async def examine(session):
        histories = []
        for connection in connections:
            status, _, text = await connection.ask("GET", f"/sessions/{session}/history?format=ndjson")
            check(status == 200, status, text)
            histories.append([json.loads(line) for line in text.splitlines()])
        check(histories[0] == histories[1] == histories[2], "the servers tell different histories", session)
        rows = {}
        for row in histories[0]:
            if row["kind"] != "report":
                continue
            key = row["step"], row.get("rank", 0)
            check(key not in rows, "counted twice", session, row)
            rows[key] = row
        acknowledged = run.reports[session]
        check(set(acknowledged) == set(rows), "reports are missing, or too many", session, set(acknowledged) ^ set(rows))
        for key, value in acknowledged.items():
            check(rows[key]["metrics"]["loss"] == value, session, key, rows[key])
        rates = run.rates[session]
        last = max(rates)
        check(set(rates) == set(range(1, last + 1)) and last >= options.steps, session, last)
        for (step, _), row in rows.items():
            check(step == 0 or row["learning_rate"] == rates[step], session, row, rates.get(step))
        for connection in connections:
            answers = [(await connection.ask("GET", f"/sessions/{session}/next?step={step}"))[2]["learning_rate"]
                       for step in (range(1, last + 1) if session in ("quorum", "leader") else (1, last // 2, last))]
        status, _, answer = await random.choice(connections).ask("POST", f"/sessions/{session}/replay", {})
        check(status == 200 and answer["verified"] is True, session, answer)

    for session in run.reports:
        await examine(session)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--trainers", type=int, default=60)
    parser.add_argument("--ranks", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds that a step takes")
    parser.add_argument("--kills", type=int, default=4)
    parser.add_argument("--pause", type=float, default=1, help="seconds from one kill to the next, at most")
    parser.add_argument("--cut", type=float, default=2, help="seconds that a line is cut")
    parser.add_argument("--only")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        cluster = Cluster(options.program, pathlib.Path(name))
        if not cluster.is_apart:
            print("No network namespace may be made here: no line is cut.")
        if options.only:
            return globals()[options.only](cluster, options)
        cluster.start()
        asyncio.run(train(cluster, options))
        cluster.end()


if __name__ == "__main__":
    main()
