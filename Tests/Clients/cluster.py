#!/usr/bin/env python3
"""Three servers behind HAProxy, over one PostgreSQL with TLS, by the real program: what is promised holds while servers are
killed, the database is restarted and lines are cut.

    Tests/Clients/cluster.py PROGRAM [--trainers N] [--ranks N] [--steps N] [--pace SECONDS] [--kills N] [--only NAME]

PROGRAM is the built `anneal`. Needs haproxy, PostgreSQL's own programs, openssl and ip (Debian's packages haproxy, postgresql,
openssl, iproute2). Lines are cut in network namespaces of the test's own; where none may be made, it says so and cuts none.
"""
import argparse
import asyncio
import http.client
import json
import os
import pathlib
import random
import signal
import subprocess
import tempfile
import threading
import time

import network
import sessions
from database import Database, begin
from server import Certificate
from sessions import SPECIFICATION, check
from trainers import Connection, Run

PROJECT = pathlib.Path(__file__).parents[2]
# Where Debian has haproxy and ip, and not every user looks.
os.environ["PATH"] += ":/usr/sbin:/sbin"


class Server:
    """One of the servers, in its place."""

    def __init__(self, program, place, folder, number):
        self.program, self.place, self.number = program, place, number
        self.process = None
        self.log, self.data = folder / f"server{number}.log", folder / f"data{number}"

    def launch(self, url, environment):
        """Starts it, and does not wait until it listens."""
        self.url, self.environment = url, environment
        self.process = begin(
            *self.place.prefix, self.program, "serve", "--host", self.place.host, "--port", str(self.place.port), "--allow-anonymous",
            "--data", str(self.data), "--store", url, "--linger-timeout", "0.2",
            stdout=subprocess.PIPE, stderr=self.log.open("a"), text=True, env={**os.environ, **environment})

    def launch_again(self):
        self.launch(self.url, self.environment)

    def listens(self):
        """Waits until it listens; false where it ends instead: without its database it does not start."""
        return self.process.stdout.readline().startswith("anneal listens on")

    @property
    def is_running(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()

    def stop(self):
        self.ask_to_stop()
        self.wait()

    def ask_to_stop(self):
        self.process.send_signal(signal.SIGTERM)

    def wait(self):
        check(self.process.wait(30) == 0, "it does not end as it should", self.log.read_text()[-2000:])
        self.process.stdout.close()


class Cluster:
    """Three servers, their database and their load balancer."""

    def __init__(self, program, folder):
        self.folder = folder
        self.is_apart = network.leave()
        self.places = [network.Place(number, self.is_apart) for number in range(3)]
        self.servers = [Server(program, place, folder, number) for number, place in enumerate(self.places)]
        self.issuer = Certificate(folder, "issuer")
        self.database = Database(
            folder / "database", Certificate(folder, "database-server", self.issuer), "*" if self.is_apart else "127.0.0.1",
            network.free_port())
        self.port = network.free_port()
        self.balancer = self.balance()
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
        return begin("haproxy", "-db", "-f", str(file), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def url(self, place, database, **parameters):
        given = {"hostaddr": place.database, "port": self.database.port, **parameters}
        return f"postgresql://anneal@localhost/{database}?" + "&".join(f"{name}={value}" for name, value in given.items())

    def secure(self):
        return {"sslmode": "verify-full", "sslrootcert": self.issuer.file}

    def start(self, at_once=False):
        """All servers, on a new database; the first alone makes the tables, or all at once."""
        for server in self.servers:
            if server.is_running:
                server.kill()
        self.count += 1
        name = f"sessions{self.count}"
        self.database.create(name)
        for number, server in enumerate(self.servers):
            server.launch(self.url(server.place, name, **self.secure()), {"PGPASSFILE": self.database.passwords})
            if number == 0 and not at_once:
                check(server.listens(), server.log.read_text()[-2000:])
        waiting = self.servers if at_once else self.servers[1:]
        check(all([server.listens() for server in waiting]), [server.log.read_text()[-500:] for server in waiting])
        self.settle()

    def settle(self):
        """Waits until the load balancer knows that a server is ready."""
        eventually(lambda: ask(self, "GET", "/readyz")[0] == 200)

    def stop(self):
        for server in self.servers:
            server.ask_to_stop()
        for server in self.servers:
            server.wait()


class Front:
    """A cluster for the tests of one server: its port is the load balancer's, and what is killed is one of the three."""

    def __init__(self, cluster):
        self.cluster, self.port, self.chance = cluster, cluster.port, random.Random(1)
        cluster.start()

    def kill(self):
        self.chance.choice(self.cluster.servers).kill()

    def start(self):
        gone = [server for server in self.cluster.servers if not server.is_running]
        for server in gone:
            server.launch_again()
        check(all([server.listens() for server in gone]), "a server does not come back")
        self.cluster.settle()

    def stop(self):
        self.cluster.stop()


def ask(to, method, path, content=None, fields={}):
    """Asks a server by its place, or the load balancer: the status, the fields, the content and the seconds that it took."""
    host = getattr(to, "host", "127.0.0.1")
    connection = http.client.HTTPConnection(host, to.port, timeout=60)
    began = time.monotonic()
    try:
        connection.request(method, path, None if content is None else json.dumps(content), {"Content-Type": "application/json", **fields})
        response = connection.getresponse()
        return response.status, response.headers, response.read(), time.monotonic() - began
    finally:
        connection.close()


def asked(status, *request):
    """The document, where the status is as it should be."""
    got, fields, content, _ = ask(*request)
    check(got == status, request[1:], got, content)
    return json.loads(content)


def eventually(body, seconds=30):
    """Waits until it is so, and returns how long that took."""
    began = time.monotonic()
    while not body():
        check(time.monotonic() < began + seconds, "it does not come")
        time.sleep(0.02)
    return time.monotonic() - began


# Many trainers, and everything goes wrong.


async def disturb(cluster, options):
    """Kills servers at random, restarts the database in the middle, and cuts lines."""
    chance = random.Random(options.seed)
    told = {"kills": 0, "restarts of the database": 0, "cuts": 0}
    for number in range(options.kills):
        await asyncio.sleep(chance.uniform(0.3, 1) * options.pause)
        server = chance.choice(cluster.servers)
        server.kill()
        told["kills"] += 1
        if number == options.kills // 2:
            cluster.database.stop()
            await asyncio.sleep(1)
            cluster.database.start()
            told["restarts of the database"] += 1
        await asyncio.sleep(chance.uniform(0, 0.3))
        server.launch_again()
        while not await asyncio.to_thread(server.listens):
            await asyncio.sleep(0.2)
            server.launch_again()
        if cluster.is_apart and number % 2 == 1:
            # To the database and to the load balancer by turns.
            place = chance.choice(cluster.places)
            line = place.to_database if number % 4 == 1 else place.to_balancer
            line.cut()
            await asyncio.sleep(options.cut)
            line.mend()
            told["cuts"] += 1
    return told


async def train(cluster, options):
    run = Run("127.0.0.1", cluster.port, options.steps, options.pace, options.ranks)
    began = time.monotonic()
    tasks = [asyncio.create_task(run.trainer(number)) for number in range(options.trainers)]
    tasks += [asyncio.create_task(run.rank(mode, rank)) for mode in ("quorum", "leader") for rank in range(options.ranks)]
    await asyncio.sleep(1)
    told = await disturb(cluster, options)
    run.is_calm = True
    done, late = await asyncio.wait(tasks, timeout=max(60, 4 * options.steps * options.pace), return_when=asyncio.FIRST_EXCEPTION)
    for task in done:
        task.result()
    check(not late, f"{len(late)} trainers do not end", [str(task.get_stack()[-1]) for task in late][:5])
    took = time.monotonic() - began
    check(all(task.result()[1] >= options.steps for task in tasks), "a trainer ended too early")
    await verify(cluster, run, options)
    times = sorted(run.times)
    faults = ", ".join(f"{number} {name}" for name, number in told.items())
    refused = ", ".join(f"{count} were {status}" for status, count in sorted(run.refused.items()))
    print(f"{options.trainers} trainers and 2 × {options.ranks} ranks, {faults}: all {sum(map(len, run.reports.values()))} acknowledged "
          f"reports are there once, one rate a step, all ranks agree, every trainer ended ({took:.0f} s; an answer took "
          f"{times[len(times) // 2] * 1e3:.0f} ms in the middle, {times[len(times) * 99 // 100]:.1f} s at the 99th of 100, "
          f"{times[-1]:.1f} s at most, all attempts together; {refused}, {run.unanswered} did not come)")


async def verify(cluster, run, options):
    """Asks each server itself."""
    connections = [Connection(place.host, place.port) for place in cluster.places]

    async def told(connection, path):
        status, _, answer = await connection.ask("GET", path)
        check(status == 200, path, status, answer)
        return answer

    for session, acknowledged in run.reports.items():
        texts = [await told(connection, f"/sessions/{session}/history?format=ndjson") for connection in connections]
        check(texts[0] == texts[1] == texts[2], "the servers tell different histories", session)
        rows = {}
        for row in map(json.loads, texts[0].splitlines()):
            if row["kind"] == "report":
                key = row["step"], row.get("rank", 0)
                check(key not in rows, "counted twice", session, row)
                rows[key] = row
        check(set(acknowledged) == set(rows), "reports are missing, or too many", session, set(acknowledged) ^ set(rows))
        rates = run.rates[session]
        last = max(rates)
        check(sorted(rates) == list(range(1, last + 1)) and last >= options.steps, session, last)
        for key, value in acknowledged.items():
            row = rows[key]
            check(row["metrics"]["loss"] == value, session, key, row)
            check(key[0] == 0 or row["learning_rate"] == rates[key[0]], "another rate than was told", session, row)
        # All steps of the sessions of many ranks, and some of the others.
        for step in range(1, last + 1) if session in ("quorum", "leader") else (1, last // 2, last):
            answers = [await told(connection, f"/sessions/{session}/next?step={step}") for connection in connections]
            check({answer["learning_rate"] for answer in answers} == {rates[step]}, session, step, answers, rates[step])
        status, _, answer = await random.choice(connections).ask("POST", f"/sessions/{session}/replay", {})
        check(status == 200 and answer["verified"] is True, session, answer)


def training(cluster, options):
    cluster.start()
    asyncio.run(train(cluster, options))
    cluster.stop()


# Writes that are lost because another server was faster.


def overtaken(cluster, options):
    """Reports that one server has yet to write when another has written to their session.

    The database is made to wait with a session's row, and with it the server's queue of writes: so what comes meanwhile is surely
    written together. Between two reports there may be something of another kind."""
    cluster.start()
    name = f"sessions{cluster.count}"
    behind, ahead = cluster.places[:2]
    statement = "BEGIN; SELECT FROM anneal_sessions WHERE id = '{}' FOR UPDATE; SELECT pg_sleep(0.8); COMMIT"
    # What it does with a write that is lost is a matter of moments: more than once.
    for number in range(4):
        between = [("POST", "/sessions", SPECIFICATION, {"Idempotency-Key": f"key {number}"})] if number % 2 else []
        ranks, held = f"/sessions/ranks-{number}", f"held-{number}"
        asked(201, behind, "PUT", ranks, {**SPECIFICATION, "ranks": {"mode": "quorum", "world_size": 4}})
        asked(201, behind, "PUT", f"/sessions/{held}", SPECIFICATION)
        threads = []

        def at_once(*request):
            """Sends it, and waits for its answer elsewhere; the server has it before the next is sent."""
            threads.append(threading.Thread(target=lambda: answers.append((request, ask(*request)))))
            threads[-1].start()
            time.sleep(0.08)

        answers = []
        threads.append(threading.Thread(target=cluster.database.ask, args=(name, statement.format(held))))
        threads[-1].start()
        sleeps = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
        eventually(lambda: cluster.database.ask(name, sleeps) == "1")
        at_once(behind, "POST", f"/sessions/{held}/next", {"step": 0, "loss": 1})
        asked(202, ahead, "POST", f"{ranks}/next", {"step": 0, "loss": 1, "rank": 0})
        reports = [("POST", f"{ranks}/next", {"step": 0, "loss": 1, "rank": rank}) for rank in (1, 2, 3)]
        for request in [reports[0], *between, *reports[1:]]:
            at_once(behind, *request)
        for thread in threads:
            thread.join()
        for request, (status, _, content, _) in answers:
            check(status in (200, 201, 202), request[1:], status, content)
        text = ask(ahead, "GET", f"{ranks}/history?format=ndjson")[2]
        found = sorted(row.get("rank", 0) for row in map(json.loads, text.splitlines()) if row["kind"] == "report")
        check(found == [0, 1, 2, 3], "all four ranks' reports were acknowledged; there are those of", found,
              [(request[-1], content) for request, (_, _, content, _) in answers if request[2].startswith(ranks)])
        asked(200, ahead, "GET", f"{ranks}/next?step=1")
    cluster.stop()
    print("reports that another server has overtaken, with something else between them and without: each is there once")


# What holds of one server holds behind the load balancer.


def promises(cluster, options):
    for test in (sessions.protocol, sessions.events, sessions.neighbors):
        test(lambda *_: Front(cluster))
    sessions.ranks(lambda *_: Front(cluster), options.ranks, options.steps)
    sessions.crash(lambda *_: Front(cluster), options.kills)


def flat(value):
    """A schedule of the vectors as the service reads it: their arguments stand beside the type."""
    if isinstance(value, list):
        return [flat(item) for item in value]
    if not isinstance(value, dict) or "type" not in value:
        return value
    return {**{name: item for name, item in value.items() if name != "args"},
            **{name: flat(item) for name, item in value.get("args", {}).items()}}


def vectors(cluster, options):
    """What the libraries returned: the rates through the load balancer are a server's own, digit for digit, and the libraries'."""
    cluster.start()
    count = 0
    connection = http.client.HTTPConnection("127.0.0.1", cluster.port, timeout=60)
    for file in sorted((PROJECT / "Tests/ConformanceTests/Vectors").glob("*.jsonl")):
        if file.name == "errors.jsonl":
            continue
        for vector in map(json.loads, file.read_text().splitlines()):
            schedule = flat({name: vector[name] for name in ("type", "args", "base_lr") if vector.get(name) is not None})
            request = {"schedule": schedule, "at": vector["steps"]}
            if "metrics" in vector:
                request["metrics"] = vector["metrics"]
            connection.request("POST", "/schedule", json.dumps(request), {"Content-Type": "application/json"})
            response = connection.getresponse()
            content = response.read()
            check(response.status == 200, vector, content)
            if count % 10 == 0:
                check(ask(cluster.places[count % 3], "POST", "/schedule", request)[2] == content, vector)
            expected, got = vector["expected"], json.loads(content)["learning_rates"]
            check(len(expected) == len(got), vector)
            peak = max(map(abs, expected))
            tolerance = {"float64": 1e-9, "float32": 2e-6}[vector.get("dtype", "float64")] * peak if peak else 1e-15
            for step, ours, theirs in zip(vector["steps"], got, expected):
                others = [theirs, vector.get("also", {}).get(str(step), theirs)]
                check(any(abs(ours - other) <= tolerance for other in others), vector, step, ours, theirs)
            count += 1
    cluster.stop()
    print(f"{count} schedules of the libraries through the load balancer: their rates, and a server's own to the last digit")


# What an operator sees.


def lose(cluster, options, name, servers, begin_loss, end_loss):
    """What `servers` do that have lost the database, meanwhile and afterwards."""
    sessions = [f"/sessions/{kind}-{len(servers)}" for kind in ("reported", "other")]
    rates = {}
    for session in sessions:
        asked(201, cluster, "PUT", session, SPECIFICATION)
        for place in cluster.places:
            for step in range(3):
                rates[session] = asked(200, place, "POST", f"{session}/next", {"step": step, "loss": 1})["learning_rate"]
    identities = [server.process.pid for server in cluster.servers]
    report = "POST", f"{sessions[0]}/next", {"step": 3, "loss": 1}
    begin_loss()
    try:
        meanwhile(cluster, options, name, servers, sessions, rates, report)
    finally:
        end_loss()
    back = eventually(lambda: all(ask(server.place, "GET", "/readyz")[0] == 200 for server in servers))
    # What a server has kept open to the database may be found dead only now, once.
    taken = [[ask(server.place, "POST", f"{sessions[0]}/next", {"step": 9 + server.number, "loss": 1})[0] for _ in range(2)]
             for server in servers]
    check(all(statuses[-1] == 200 for statuses in taken), "a report is not taken though the server is ready", taken)
    check([server.process.pid for server in cluster.servers if server.is_running] == identities, "a server has ended")
    for session in sessions:
        check(asked(200, servers[0].place, "POST", f"{session}/replay", {})["verified"], session)
    cluster.settle()
    print(f"the database {name}: ready {back:.2f} s after its return, reports are then answered with {taken}")


def meanwhile(cluster, options, name, servers, sessions, rates, report):
    """What they answer while they have no database."""
    first, second = (server.place for server in servers[:2])
    # All at once, as trainers would: nobody has noticed yet.
    requests = {
        "a report": (first, *report),
        "the same session's sealed rate": (first, "GET", f"{sessions[0]}/next?step=3"),
        "another session's sealed rate": (first, "GET", f"{sessions[1]}/next?step=3"),
        "a sealed rate where nobody reports": (second, "GET", f"{sessions[0]}/next?step=3"),
        "/readyz": (second, "GET", "/readyz"), "/livez": (second, "GET", "/livez"),
    }
    requests = {what: request for what, request in requests.items() if what not in options.leave_out}
    answers = {}
    threads = [threading.Thread(target=lambda what=what: answers.update({what: ask(*requests[what])})) for what in requests]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    told = ", ".join(f"{what} {answers[what][0]} after {answers[what][3]:.2f} s" for what in requests)
    print(f"the database {name}: {told}")
    status, fields, content, _ = answers["a report"]
    check(status == 503 and int(fields["Retry-After"]) >= 1, status, content)
    check(json.loads(content)["type"] == "urn:anneal:problem:store-unavailable", content)
    for what, (place, method, path, *_) in requests.items():
        status, _, content, _ = answers[what]
        if "sealed" in what:
            check(status == 200 and json.loads(content)["learning_rate"] == rates[path.split("/next")[0]], what, status, content)
    status, _, content, _ = answers["/readyz"]
    check(status == 503 and "the sessions cannot be read" in json.loads(content)["detail"], "it is said to be ready", status, content)
    check(answers["/livez"][0] == 200, "it is said to be dead")
    # Now it knows: nobody waits for the database any more, though it is looked for.
    later = [ask(first, *request) for _ in range(10) for request in [("GET", f"{sessions[0]}/next?step=3"), report]]
    check([answer[0] for answer in later] == [200, 503] * 10, [answer[0] for answer in later])
    print(f"the database {name}: once that is known, answers take {max(answer[3] for answer in later):.2f} s at most")
    if len(servers) == 3:
        # Those that live answer what they can, and the load balancer lets them.
        eventually(lambda: ask(cluster, "GET", f"{sessions[0]}/next?step=3")[0] == 200)
        status, fields, content, _ = ask(cluster, *report)
        check(status == 503 and int(fields["Retry-After"]) >= 1, status, content)
    else:
        # Another server has it.
        for step in range(3, 9):
            asked(200, cluster, "POST", f"{sessions[0]}/next", {"step": step, "loss": 1})


def losses(cluster, options):
    cluster.start()
    lose(cluster, options, "stops", cluster.servers, cluster.database.stop, cluster.database.start)
    if cluster.is_apart:
        lines = [place.to_database for place in cluster.places[:2]]
        lose(cluster, options, "swallows what two servers send", cluster.servers[:2], lambda: [line.cut() for line in lines],
             lambda: [line.mend() for line in lines])
    cluster.stop()


def news(cluster, options):
    """A long poll and an event stream at one server see a report to another."""
    cluster.start()
    here, there = cluster.places[:2]
    asked(201, here, "PUT", "/sessions/news", SPECIFICATION)
    polls, events, balanced = [], [], []
    told_at = {}

    def listen(to, times):
        connection = http.client.HTTPConnection(getattr(to, "host", "127.0.0.1"), to.port, timeout=30)
        connection.request("GET", "/sessions/news/events")
        response = connection.getresponse()
        seen = []
        for line in response:
            if line.startswith(b"id: "):
                seen.append(int(line[4:]))
                if seen[-1] in told_at:
                    times.append(time.monotonic() - told_at[seen[-1]])
                if seen[-1] == 11:
                    break
        check(seen == list(range(1, 12)), "events are missing", seen)
        connection.close()
        ended.append(to)

    ended = []
    threads = [threading.Thread(target=listen, args=arguments) for arguments in [(here, events), (cluster, balanced)]]
    for thread in threads:
        thread.start()
    def wait(step):
        answer = ask(here, "GET", f"/sessions/news/next?step={step}&wait=20")
        waited.append((answer, time.monotonic()))

    for step in range(10):
        waited = []
        poll = threading.Thread(target=wait, args=(step + 1,))
        poll.start()
        time.sleep(random.uniform(0.05, 0.2))
        told_at[step + 2] = sent = time.monotonic()
        rate = asked(200, there, "POST", "/sessions/news/next", {"step": step, "loss": 1})["learning_rate"]
        poll.join()
        (status, _, content, _), came = waited[0]
        check(status == 200 and json.loads(content)["learning_rate"] == rate, status, content)
        polls.append(came - sent)
    for thread in threads:
        thread.join(30)
    check(len(ended) == 2, "a stream does not tell of what was reported elsewhere")
    cluster.stop()

    def tell(times):
        return f"{sorted(times)[len(times) // 2] * 1e3:.0f} ms (at most {max(times) * 1e3:.0f})"

    print(f"a report to one server is seen at another by a long poll after {tell(polls)}, by an event stream after {tell(events)}, through "
          f"the load balancer after {tell(balanced)}")


def security(cluster, options):
    """The ways to the database."""
    cluster.start()
    name = f"sessions{cluster.count}"
    statement = "SELECT bool_and(ssl) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE usename = 'anneal'"
    check(cluster.database.ask(name, statement) == "t", "a connection to the database is not encrypted")
    cluster.stop()
    stranger = Certificate(cluster.folder, "stranger")
    server = Server(cluster.servers[0].program, cluster.places[0], cluster.folder, "-alone")
    file, password = {"PGPASSFILE": cluster.database.passwords}, {"PGPASSWORD": cluster.database.password}
    for parameters, environment in [
            ({"sslmode": "require"}, file), ({"sslmode": "require"}, password), (cluster.secure(), password),
            ({**cluster.secure(), "sslmode": "verify-ca"}, file)]:
        server.launch(cluster.url(server.place, name, **parameters), environment)
        check(server.listens(), parameters, server.log.read_text())
        check(ask(server.place, "GET", "/readyz")[0] == 200)
        server.stop()
    for parameters, environment, reason in [
            ({"sslmode": "verify-full", "sslrootcert": stranger.file}, file, "certificate verify failed"),
            ({**cluster.secure(), "sslmode": "verify-full", "host": "elsewhere.example"}, file, "does not match host name"),
            ({"sslmode": "disable"}, file, "no encryption"),
            ({"sslmode": "require"}, {"PGPASSWORD": "wrong"}, "password authentication failed"),
            ({"sslmode": "require"}, {"PGPASSFILE": "/none"}, "no password supplied")]:
        server.log.write_text("")
        server.launch(cluster.url(server.place, name, **parameters), environment)
        check(not server.listens() and server.process.wait(30) != 0, "it has started", parameters)
        text = server.log.read_text()
        check(reason in text and cluster.database.password not in text, reason, text)
    print("TLS and passwords: verify-full, verify-ca, require, PGPASSFILE and PGPASSWORD work; a stranger's certificate, another "
          "host's, no TLS, a wrong password and none are refused with their reason")


def starts(cluster, options):
    """Three servers that start at once make their tables together."""
    for _ in range(6):
        cluster.start(at_once=True)
    print("three servers start at once on an empty database, 6 times")


def moving(cluster, options):
    """Sessions move from the database into a folder, where one server goes on with them, and into another database."""
    cluster.start()
    names = [f"moved-{number}" for number in range(20)]
    rates = {}

    def run(to, name, steps):
        for step in steps:
            answer = asked(200, to, "POST", f"/sessions/{name}/next", {"step": step, "loss": 1})
            rates[name, step] = answer["learning_rate"]

    def look(to):
        for name, step in rates:
            check(asked(200, to, "GET", f"/sessions/{name}/next?step={step + 1}")["learning_rate"] == rates[name, step], name, step)
        for name in names:
            check(asked(200, to, "POST", f"/sessions/{name}/replay", {})["verified"] is True, name)

    def copy(source, target, words):
        command = [cluster.servers[0].program, "store", "copy", "--from", source, "--to", target]
        output = subprocess.run(command, env={**os.environ, "PGPASSFILE": cluster.database.passwords}, capture_output=True, text=True)
        check(output.returncode == 0 and output.stdout.startswith(words), output)

    def first():
        name = f"sessions{cluster.count}"
        return cluster.url(cluster.places[0], name, **cluster.secure())

    for name in names:
        asked(201, cluster, "PUT", f"/sessions/{name}", {
            "schedule": {"type": "constant", "base_lr": 0.1}, "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 1}]})
        run(cluster, name, range(10))
    cluster.stop()
    folder = str(cluster.folder / "moved")
    copy(first(), folder, "20 sessions with 220 events, 220 written now")
    copy(first(), folder, "20 sessions with 220 events, 0 written now")
    server = sessions.Server(cluster.servers[0].program, folder)
    look(server)
    for name in names:
        run(server, name, range(10, 15))
    server.stop()
    cluster.count += 1
    cluster.database.create(f"sessions{cluster.count}")
    copy(folder, first(), "20 sessions with 320 events, 320 written now")
    for server in cluster.servers:
        url = cluster.url(server.place, f"sessions{cluster.count}", **cluster.secure())
        server.launch(url, {"PGPASSFILE": cluster.database.passwords})
        check(server.listens(), server.log.read_text()[-2000:])
    cluster.settle()
    look(cluster)
    for name in names:
        run(cluster, name, range(15, 20))
    look(cluster)
    cluster.stop()
    print("20 sessions move from PostgreSQL to a folder, go on there, move to another database and go on there: each rate as it was")


TESTS = [starts, security, vectors, overtaken, news, losses, moving, promises, training]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--trainers", type=int, default=60)
    parser.add_argument("--ranks", type=int, default=16)
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--pace", type=float, default=0.5, help="seconds that a step takes")
    parser.add_argument("--kills", type=int, default=3)
    parser.add_argument("--pause", type=float, default=0.7, help="seconds from one kill to the next, at most")
    parser.add_argument("--cut", type=float, default=1.5, help="seconds that a line is cut")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only")
    parser.add_argument("--leave-out", action="append", default=[], help="a test, or one of the answers that are looked at")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        cluster = Cluster(options.program, pathlib.Path(name))
        if not cluster.is_apart:
            print("No network namespace may be made here: no line is cut.")
        for test in TESTS:
            if options.only in (None, test.__name__) and test.__name__ not in options.leave_out:
                began = time.monotonic()
                test(cluster, options)
                print(f"passed: {test.__name__} ({time.monotonic() - began:.1f} s)", flush=True)
        cluster.database.stop()


if __name__ == "__main__":
    main()
