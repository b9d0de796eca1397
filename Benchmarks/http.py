#!/usr/bin/env python3
"""Our server beside its peers, in one run on one machine: prints what was measured, and the ratios.

    Benchmarks/http.py PROGRAM --go GO_PEER [--fastapi UVICORN] [--hummingbird PEER] [--seconds N] [--only PART]

Everything listens on loopback, for a few seconds each. Called by Scripts/bench, which builds and installs what is needed.
"""
import argparse
import atexit
import json
import os
import pathlib
import re
import resource
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).parent
PORTS = {"anneal": 18080, "go": 18081, "nginx": 18082, "fastapi": 18083, "hummingbird": 18084, "raw": 18085}
COSINE = {"schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 1000000}, "steps": 1000000}
NGINX = """worker_processes auto; daemon off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 1024; }}
http {{
  access_log off; keepalive_requests 100000000;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{ listen 127.0.0.1:{port}; location / {{ default_type application/json; return 200 '{{"status":"ok"}}'; }} }}
}}"""
processes = {}


@atexit.register
def stop_all():
    for process in processes.values():
        process.terminate()
    for process in processes.values():
        process.wait()


def start(name, *command):
    """Starts a server and waits until it takes connections."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    processes[name] = process
    for _ in range(200):
        if process.poll() is not None:
            sys.exit(f"{name} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", PORTS[name]), timeout=5).close()
            return process
        except OSError:
            time.sleep(0.05)
    sys.exit(f"{name} did not start")


def stop(name):
    process = processes.pop(name)
    process.terminate()
    process.wait()


def wrk(name, path, seconds, *arguments):
    """Requests a second and the 99th percentile in milliseconds, of 32 connections and one thread."""
    url = f"http://127.0.0.1:{PORTS[name]}{path}"
    command = ["wrk", "-t1", "-c32", "--latency", *arguments, url]
    subprocess.run([*command, "-d1s"], check=True, capture_output=True)
    text = subprocess.run([*command, f"-d{seconds}s"], check=True, capture_output=True, text=True).stdout
    rate = float(re.search(r"Requests/sec:\s*([\d.]+)", text)[1])
    number, unit = re.search(r"99%\s+([\d.]+)(us|ms|s)", text).groups()
    if "Non-2xx" in text:
        sys.exit(f"{name} answered with errors:\n{text}")
    return rate, float(number) * {"us": 1e-3, "ms": 1, "s": 1e3}[unit]


def small(options):
    print("Small: POST /schedule, a cosine of 100 steps, another one in every request; wrk, 1 thread, 32 connections.")
    script = ["-s", str(HERE / "peers/schedule.lua")]
    rows = [("anneal", "/schedule", script), ("go", "/schedule", script), ("nginx", "/", []), ("anneal", "/healthz", [])]
    rows += [(name, "/schedule", script) for name in ("fastapi", "hummingbird") if name in processes]
    best = {}
    # In turns, so that whatever else the machine does meets all of them.
    for _ in range(options.rounds):
        for name, path, arguments in rows:
            rate, late = wrk(name, path, options.seconds, *arguments)
            best.setdefault((name, path), []).append((rate, late))
    median = {}
    for (name, path), results in best.items():
        rate = statistics.median(rate for rate, _ in results)
        late = statistics.median(late for _, late in results)
        median[name, path] = rate
        spread = f"{min(rate for rate, _ in results):.0f}–{max(rate for rate, _ in results):.0f}"
        print(f"  {name + ' ' + path:24} {rate:9.0f} requests/s ({spread})   p99 {late:6.2f} ms")
    ours = median["anneal", "/schedule"]
    for (name, path), rate in median.items():
        if (name, path) != ("anneal", "/schedule"):
            print(f"  anneal /schedule : {name} {path}  {ours / rate:.2f}")
    print(f"  anneal /healthz : nginx /  {median['anneal', '/healthz'] / median['nginx', '/']:.2f}")


def download(name, content, accept="application/json", path="/schedule", keep=None):
    """Seconds from the request to the last octet of its answer, and the octets; the answer goes to the list `keep`."""
    body = json.dumps(content).encode()
    with socket.create_connection(("127.0.0.1", PORTS[name])) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        buffer = bytearray(1 << 20)
        began = time.perf_counter()
        connection.sendall(
            f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nAccept: {accept}\r\n"
            f"Connection: close\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body)
        total = 0
        while count := connection.recv_into(buffer):
            total += count
            if keep is not None:
                keep.append(bytes(buffer[:count]))
        return time.perf_counter() - began, total


def large(options):
    print("Large: 1,000,000 steps of a cosine; the median of 15, from the request to the last octet.")
    raw = RawWriter()
    cases = {"anneal, JSON": ("anneal", "application/json"), "go, JSON": ("go", "application/json")}
    if "fastapi" in processes:
        cases["fastapi, JSON"] = ("fastapi", "application/json")
    cases["anneal, npy"] = ("anneal", "application/x-npy")
    cases["8 MB written to a socket"] = ("raw", "*/*")
    times = {case: [] for case in cases}
    octets = {}
    for _ in range(15):
        for case, (name, accept) in cases.items():
            seconds, octets[case] = download(name, COSINE, accept)
            times[case].append(seconds)
    raw.stop()
    medians = {case: statistics.median(values) * 1e3 for case, values in times.items()}
    for case, value in medians.items():
        print(f"  {case:26} {value:7.1f} ms   {octets[case]:,} octets")
    if "fastapi, JSON" in medians:
        print(f"  anneal, JSON : fastapi, JSON  {medians['anneal, JSON'] / medians['fastapi, JSON']:.2f}")
    print(f"  anneal, npy : 8 MB written to a socket  {medians['anneal, npy'] / medians['8 MB written to a socket']:.2f}")


class RawWriter:
    """A process that writes 8 MB to whoever connects and says something: what a socket costs by itself."""

    def __init__(self):
        listener = socket.create_server(("127.0.0.1", PORTS["raw"]))
        self.child = os.fork()
        if self.child == 0:
            block = bytes(8_000_128)
            while True:
                connection, _ = listener.accept()
                connection.recv(65536)
                connection.sendall(block)
                connection.close()
        listener.close()

    def stop(self):
        os.kill(self.child, signal.SIGKILL)
        os.waitpid(self.child, 0)


def resident(process):
    return int(re.search(r"VmRSS:\s*(\d+)", pathlib.Path(f"/proc/{process.pid}/status").read_text())[1]) * 1024


def ask(connection, request):
    connection.sendall(request)
    text = b""
    while b"\r\n\r\n" not in text:
        text += connection.recv(65536)
    head, body = text.split(b"\r\n\r\n", 1)
    length = int(re.search(rb"Content-Length: (\d+)", head)[1])
    while len(body) < length:
        body += connection.recv(65536)
    return body


def idle(options):
    count = 10_000
    print(f"Idle: {count:,} keep-alive connections, each of which has had an answer.")
    resource.setrlimit(resource.RLIMIT_NOFILE, (count + 500, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
    process = start("anneal", options.program, "serve", "--port", str(PORTS["anneal"]), "--data", ":memory:",
                    "--max-connections", str(count + 100), "--idle-timeout", "600")
    body = b'{"schedule":{"type":"cosine","base_lr":0.1,"total_steps":100},"steps":100}'
    request = b"POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    def latency(connection):
        times = []
        for _ in range(500):
            began = time.perf_counter()
            ask(connection, request)
            times.append(time.perf_counter() - began)
        return statistics.median(times) * 1e6

    first = socket.create_connection(("127.0.0.1", PORTS["anneal"]))
    alone = latency(first)
    before = resident(process)
    others = []
    for _ in range(count):
        connection = socket.create_connection(("127.0.0.1", PORTS["anneal"]))
        ask(connection, request)
        others.append(connection)
    time.sleep(2)
    grown = resident(process) - before
    among = latency(others[count // 2])
    print(f"  {grown / count:.0f} octets of resident memory a connection")
    print(f"  a request on one of them: {among:.0f} µs; alone before: {alone:.0f} µs; ratio {among / alone:.2f}")
    for connection in others:
        connection.close()
    stop("anneal")


def experiment(options):
    print("Experiment: 10 optimizers x 10 schedules x 10,000 steps on the ravine; the median of 5.")
    process = start("anneal", options.program, "serve", "--port", str(PORTS["anneal"]), "--data", ":memory:")
    total = 10_000
    schedules = [
        {"type": "constant"}, {"type": "linear", "total_steps": total}, {"type": "cosine", "total_steps": total},
        {"type": "step", "step_size": 2000}, {"type": "exponential", "gamma": 0.9995},
        {"type": "inverse_time", "decay_rate": 0.01}, {"type": "polynomial", "total_steps": total, "power": 2},
        {"type": "cosine_restarts", "first_cycle_steps": 1000}, {"type": "inverse_sqrt", "timescale": 100},
        {"type": "warmup", "warmup_steps": 500, "then": {"type": "cosine", "total_steps": total - 500}},
    ]
    optimizers = ["sgd", "momentum", "nesterov", "adagrad", "rmsprop", "adam", "adamw", "nadam", "radam", "lion"]
    content = {"problem": "ravine", "optimizers": optimizers, "rates": [0.003], "steps": total,
               "schedules": [{"name": schedule["type"], "schedule": schedule} for schedule in schedules]}
    times = []
    for _ in range(5):
        answer = []
        seconds, _ = download("anneal", content, "application/x-ndjson", "/experiments", keep=answer)
        times.append(seconds)
        lines = [json.loads(line) for line in re.findall(rb"^\{.*\}$", b"".join(answer), re.MULTILINE)]
    runs = [line["run"] for line in lines if "run" in line]
    used = processor_seconds(process)
    stop("anneal")
    updates = sum(run["steps"] for run in runs)
    seconds = statistics.median(times)
    print(f"  {len(runs)} runs, {updates:,} updates: {seconds:.2f} s, {updates / seconds / 1e6:.1f} million updates a second"
          f" ({used / len(times):.2f} s of processors)")


def processor_seconds(process):
    """Seconds of processors that a process has used."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start_up(options):
    times = []
    for _ in range(20):
        began = time.perf_counter()
        process = subprocess.Popen(
            [options.program, "serve", "--port", str(PORTS["anneal"]), "--data", ":memory:"], stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL)
        while True:
            try:
                with socket.create_connection(("127.0.0.1", PORTS["anneal"])) as connection:
                    ask(connection, b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n")
                break
            except OSError:
                pass
        times.append(time.perf_counter() - began)
        process.terminate()
        process.wait()
    print(f"Start: from the command to the first answer {statistics.median(times) * 1e3:.1f} ms, the median of 20.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--go", required=True)
    parser.add_argument("--fastapi")
    parser.add_argument("--hummingbird")
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--only", choices=["small", "large", "idle", "start", "experiment"])
    options = parser.parse_args()
    parts = {"small": small, "large": large, "idle": idle, "start": start_up, "experiment": experiment}
    wanted = [options.only] if options.only else list(parts)
    print(f"{os.cpu_count()} cores, which clients and servers share.")
    if "small" in wanted or "large" in wanted:
        start("anneal", options.program, "serve", "--port", str(PORTS["anneal"]), "--data", ":memory:")
        start("go", options.go, str(PORTS["go"]))
        if options.fastapi:
            start("fastapi", options.fastapi, "--app-dir", str(HERE / "peers"), "--port", str(PORTS["fastapi"]),
                  "--log-level", "warning", "fastapi_peer:app")
        if options.hummingbird:
            start("hummingbird", options.hummingbird, str(PORTS["hummingbird"]))
        with tempfile.TemporaryDirectory() as folder:
            settings = pathlib.Path(folder) / "nginx.conf"
            settings.write_text(NGINX.format(folder=folder, port=PORTS["nginx"]))
            start("nginx", "nginx", "-c", str(settings), "-p", folder)
            for part in ("small", "large"):
                if part in wanted:
                    parts[part](options)
            for name in list(processes):
                stop(name)
    for part in ("idle", "start", "experiment"):
        if part in wanted:
            parts[part](options)
