#!/usr/bin/env python3
"""Load with faults thrown in: resets, stalls, garbage, bombs, certificates reloaded. Nothing may crash, leak or go wrong.

    Tests/Clients/soak.py PROGRAM [--requests N]

PROGRAM is the built `anneal`. The default is an hour at 1,000 requests a second, as fast as it goes. Bounded by the count of
requests. Needs Python and the openssl command.
"""
import argparse
import gzip
import http.client
import json
import multiprocessing
import os
import pathlib
import random
import re
import signal
import socket
import ssl
import subprocess
import sys
import tempfile
import time

BATCH = 50


class Server:
    def __init__(self, program, folder):
        self.certificate, self.key = folder / "own.pem", folder / "own.key"
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
             "-keyout", self.key, "-out", self.certificate, "-subj", "/CN=localhost",
             "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"], check=True, capture_output=True)
        self.socket = str(folder / "anneal.sock")
        self.process = subprocess.Popen(
            [program, "serve", "--data", str(folder / "data"), "--listen", "127.0.0.1:0", "--listen",
             f"unix:{self.socket}", "--tls-cert", self.certificate, "--tls-key", self.key],
            stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        self.process.stdout.readline()

    def resident(self):
        """Octets of resident memory."""
        text = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s*(\d+)", text)[1]) * 1024

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.process.pid}/fd"))


def plain(server):
    """The Unix socket: plain HTTP."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(60)
    connection.connect(server.socket)
    return connection


def secure(server):
    context = ssl.create_default_context(cafile=server.certificate)
    return context.wrap_socket(
        socket.create_connection(("127.0.0.1", server.port), timeout=60), server_hostname="localhost")


def request(content, fields=""):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    return f"POST /schedule HTTP/1.1\r\nHost: a\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body


def schedule(random):
    """A request and the rates that it must get."""
    rate = random.randrange(1, 10**6) / 1e7
    kind = random.randrange(4)
    if kind == 0:
        count = random.choice([1, 3, 10, 500])
        return {"schedule": {"type": "constant", "base_lr": rate}, "steps": count}, [rate] * count
    if kind == 1:
        count = random.choice([2, 8, 64])
        return ({"schedule": {"type": "step", "base_lr": rate, "step_size": 4, "gamma": 0.5}, "steps": count},
                [rate * 0.5 ** (step // 4) for step in range(count)])
    if kind == 2:
        return ({"schedule": {"type": "cosine", "base_lr": rate, "total_steps": 100}, "at": [0, 100, 10**12]},
                [rate, 0.0, 0.0])
    # Long enough for a worker, and to be streamed.
    count = random.choice([1500, 6000])
    return {"schedule": {"type": "constant", "base_lr": rate}, "steps": count}, [rate] * count


def good(server, seed, requests, done, wrong):
    """Pipelined requests of every size, each answer compared."""
    rng = random.Random(seed)
    connect = secure if seed % 3 == 0 else plain
    while requests > 0:
        try:
            connection = connect(server)
            stream = None
            for _ in range(rng.randrange(1, 40)):
                asked = [schedule(rng) for _ in range(min(BATCH, requests))]
                coded = rng.random() < 0.1
                fields = "Accept-Encoding: gzip\r\n" if coded else ""
                connection.sendall(b"".join(request(content, fields) for content, _ in asked))
                stream = stream or connection.makefile("rb")
                for content, rates in asked:
                    response = http.client.HTTPResponse(Wrapped(stream))
                    response.begin()
                    body = response.read()
                    if response.headers["Content-Encoding"] == "gzip":
                        body = gzip.decompress(body)
                    if response.status != 200 or json.loads(body)["learning_rates"] != rates:
                        with wrong.get_lock():
                            wrong.value += 1
                        print("wrong:", content, response.status, body[:200], file=sys.stderr)
                requests -= len(asked)
                with done.get_lock():
                    done.value += len(asked)
                if requests <= 0 or response.headers["Connection"] == "close":
                    break
            connection.close()
        except (OSError, http.client.HTTPException) as error:
            # Nobody has reason to cut a good client off.
            with wrong.get_lock():
                wrong.value += 1
            print("cut off:", repr(error), file=sys.stderr)


class Wrapped:
    """What HTTPResponse wants of a socket, over a stream that several responses come from."""

    def __init__(self, stream):
        self.stream = stream

    def makefile(self, _):
        return Unclosed(self.stream)


class Unclosed:
    def __init__(self, stream):
        self.stream = stream

    def __getattr__(self, name):
        return getattr(self.stream, name)

    def close(self):
        pass


def sessions(server, seed, stop, wrong):
    """Sessions that are opened, reported to and deleted; every answer is looked at."""
    rng = random.Random(seed)
    number = 0
    while not stop.value:
        connection = http.client.HTTPConnection("a")
        connection.sock = plain(server)

        def ask(method, path, content=None):
            body = None if content is None else json.dumps(content)
            connection.request(method, path, body, {"Content-Type": "application/json"} if body else {})
            response = connection.getresponse()
            return response.status, response.read()

        name = f"soak-{seed}-{number}"
        number += 1
        try:
            status, body = ask("PUT", f"/sessions/{name}", {"schedule": {"type": "linear", "base_lr": 1, "total_steps": 64}})
            ok = status in (200, 201)
            for step in range(rng.randrange(1, 65)):
                status, body = ask("POST", f"/sessions/{name}/next", {"step": step, "loss": rng.random()})
                ok = ok and status == 200 and json.loads(body)["learning_rate"] == 1 - (step + 1) / 64
            status, body2 = ask("DELETE", f"/sessions/{name}")
            ok = ok and status == 204
        except (OSError, http.client.HTTPException) as error:
            ok, status, body = False, 0, repr(error)
        if not ok:
            with wrong.get_lock():
                wrong.value += 1
            print("wrong session:", status, body, file=sys.stderr)
        connection.close()


def bad(server, seed, stop, faults):
    """Clients that misbehave in every way that comes to mind."""
    rng = random.Random(seed)
    stalled = []

    def reset(connection):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
        connection.close()

    large = request({"schedule": {"type": "cosine", "base_lr": 1, "total_steps": 10**6}, "steps": 10**6})
    bomb = request(gzip.compress(b" " * 900_000), "Content-Encoding: gzip\r\n")
    while not stop.value:
        kind = rng.randrange(10)
        try:
            connection = socket.create_connection(("127.0.0.1", server.port), timeout=5) if kind < 2 else plain(server)
            if kind == 0:  # No TLS at all.
                connection.sendall(rng.randbytes(rng.randrange(1, 2000)))
                reset(connection)
            elif kind == 1:  # A handshake that stops.
                connection.sendall(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + rng.randbytes(40))
                stalled.append(connection)
            elif kind == 2:
                connection.sendall(rng.randbytes(rng.randrange(1, 5000)))
                connection.close()
            elif kind == 3:  # Half a request, then gone.
                connection.sendall(large[:rng.randrange(1, len(large))])
                reset(connection) if rng.random() < 0.5 else connection.close()
            elif kind == 4:  # A large answer that nobody reads.
                connection.sendall(large)
                stalled.append(connection)
            elif kind == 5:  # A large answer, cut in the middle.
                connection.sendall(large)
                connection.recv(rng.randrange(1, 100_000))
                reset(connection)
            elif kind == 6:
                connection.sendall(bomb)
                connection.recv(1000)
                connection.close()
            elif kind == 7:
                connection.sendall(b"POST /schedule HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
                connection.sendall(rng.choice([b"zz\r\n", b"FFFFFFFFFFFFFFFF\r\n", b"5\r\nabcdefgh", b"0\r\n" + b"x: y\r\n" * 3000]))
                connection.recv(1000)
                connection.close()
            elif kind == 8:  # Pipelined, and gone before the answers.
                connection.sendall(request({"schedule": {"type": "constant", "base_lr": 1}, "steps": 900}) * 100)
                reset(connection)
            else:  # JSON that is none.
                connection.sendall(request(rng.choice([b"[" * 100_000, b'{"a":' * 5000, rng.randbytes(3000), b'{"steps":1e999}'])))
                connection.recv(1000)
                connection.close()
            with faults.get_lock():
                faults.value += 1
        except OSError:
            pass
        if len(stalled) > 50:
            reset(stalled.pop(rng.randrange(len(stalled))))


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--requests", type=int, default=3_600_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        server = Server(options.program, pathlib.Path(name))
        stop, done = multiprocessing.Value("i", 0), multiprocessing.Value("q", 0)
        wrong, faults = multiprocessing.Value("q", 0), multiprocessing.Value("q", 0)
        share = options.requests // 4
        clients = [multiprocessing.Process(target=good, args=(server, seed, share, done, wrong)) for seed in range(4)]
        others = [multiprocessing.Process(target=sessions, args=(server, 100, stop, wrong))]
        others += [multiprocessing.Process(target=bad, args=(server, 200 + seed, stop, faults)) for seed in range(2)]
        began = time.monotonic()
        for process in clients + others:
            process.start()
        samples = []
        while any(process.is_alive() for process in clients):
            time.sleep(0.2)
            assert server.process.poll() is None, f"it ended with {server.process.returncode}"
            server.process.send_signal(signal.SIGHUP)
            samples.append((done.value, server.resident()))
        stop.value = 1
        for process in others:
            process.join()
        seconds = time.monotonic() - began
        # Flat: what the second half holds at the most beside what the second quarter did.
        early = max(memory for count, memory in samples if options.requests * 0.25 <= count <= options.requests * 0.5)
        late = max(memory for count, memory in samples if count >= options.requests * 0.5)
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(60)
        print(f"{done.value:,} requests and {faults.value:,} faults in {seconds:.0f} s: {wrong.value} wrong answers; "
              f"resident memory at most {early / 1e6:.1f} MB in the second quarter, {late / 1e6:.1f} MB after; ended with {code}")
        assert code == 0 and wrong.value == 0 and faults.value > 0
        assert late < 1.15 * early + 4e6, "memory grows"
