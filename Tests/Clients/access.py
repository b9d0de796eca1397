#!/usr/bin/env python3
"""Who may do what, with the real program: its tokens, where it listens, its limits.

    Tests/Clients/access.py PROGRAM

PROGRAM is the built `anneal`. Needs nothing but Python.
"""
import http.client
import json
import os
import pathlib
import stat
import subprocess
import sys
import tempfile
import time

from sessions import Client, Server, check

SESSION = {"schedule": {"type": "constant", "base_lr": 0.5}, "token": True}


def run(program, *arguments):
    """What it prints, and that it does not fail."""
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    check(result.returncode == 0, arguments, result.stderr)
    return result.stdout


def fails(program, *arguments):
    """What it says of why it fails."""
    result = subprocess.run([program, *arguments], capture_output=True, text=True, timeout=60)
    check(result.returncode not in (0, -6, -4, -11) and result.stdout == "", arguments, result)
    return result.stderr


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def eventually(body):
    """Waits until it is so; a server looks at its tokens once in a second."""
    end = time.monotonic() + 10
    while not body():
        check(time.monotonic() < end, "it does not come")
        time.sleep(0.05)


def commands(program):
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/new/data"
        token = run(program, "token", "create", "--scope", "report", "--scope", "read", "--name", "node 7",
                    "--expires-in", "30d", "--data", data).strip()
        prefix, identity, secret = token.split("_")
        check(prefix == "anneal" and len(identity) == 8 and len(secret) == 64, token)
        path = pathlib.Path(data) / "tokens"
        check(stat.S_IMODE(path.stat().st_mode) == 0o600, path.stat())
        check(secret not in path.read_text() and json.loads(path.read_text())["scopes"] == ["read", "report"])
        fields = run(program, "token", "list", "--data", data).rstrip("\n").split("\t")
        check(fields[0] == identity and fields[1] == "read,report" and fields[4] == "node 7", fields)
        # Many at once: none is lost, and none is there twice.
        makers = [subprocess.Popen([program, "token", "create", "--scope", "read", "--data", data],
                                   stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) for _ in range(12)]
        made = {maker.communicate()[0].decode().split("_")[1] for maker in makers} | {identity}
        check({line.split("\t")[0] for line in run(program, "token", "list", "--data", data).splitlines()} == made)
        check(len(path.read_text().splitlines()) == 13)
        run(program, "token", "revoke", identity, "--data", data)
        check(identity not in run(program, "token", "list", "--data", data))
        check("has no token" in fails(program, "token", "revoke", identity, "--data", data))
        fails(program, "token", "create", "--data", data)
        fails(program, "token", "create", "--scope", "write", "--data", data)
        for span in ("", "d", "0d", "-1d", "+1d", "1y", "1.5d", "99999999999999999999w", "9999999w"):
            fails(program, "token", "create", "--scope", "read", f"--expires-in={span}", "--data", data)
        path.write_text("{}\n")
        check("line 1" in fails(program, "token", "list", "--data", data))
        check("line 1" in fails(program, "serve", "--port", "0", "--data", data))
        check(path.read_text() == "{}\n")
    print("token create, list, revoke; what is wrong with them is said")


def binding(program):
    with tempfile.TemporaryDirectory() as folder:
        for host in ("0.0.0.0", "::"):
            text = fails(program, "serve", "--host", host, "--port", "0", "--data", folder)
            check("anneal token create" in text and "--allow-anonymous" in text, text)
        check("token create" in fails(program, "serve", "--host", "0.0.0.0", "--port", "0", "--data", ":memory:"))
        check("there is no file" in fails(program, "serve", "--port", "0", "--tokens", f"{folder}/none"))
        check("0.0.0.0" in fails(program, "serve", "--listen", "127.0.0.1:0", "--listen", "0.0.0.0:0", "--data", folder))
        for host in ("localhost", "127.0.0.2"):
            server = Server(program, folder, ("--host", host))
            server.stop()
        server = Server(program, folder, ("--host", "0.0.0.0", "--allow-anonymous"))
        check(Client(server.port).ask("GET", "/sessions")[0] == 200)
        server.stop()
        run(program, "token", "create", "--scope", "read", "--data", folder)
        server = Server(program, folder, ("--host", "0.0.0.0"))
        check(Client(server.port).ask("GET", "/sessions")[0] == 401)
        server.stop()
        for bad in (["--cors-origin", "*"], ["--rate-limit", "0"], ["--rate-limit", "nan"], ["--rate-burst", "5"],
                    ["--rate-limit", "5", "--rate-burst", "0"]):
            fails(program, "serve", "--port", "0", "--data", folder, *bad)
    print("without tokens it listens on this machine only")


def running(program):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder)
        client = Client(server.port)

        def status(method, path, token=None, content=None):
            return client.ask(method, path, content, bearer(token) if token else {})[0]

        check(status("GET", "/sessions") == 200)
        report = run(program, "token", "create", "--scope", "report", "--data", folder).strip()
        eventually(lambda: status("GET", "/sessions") == 401)
        check(status("GET", "/sessions", report) == 200 and status("DELETE", "/sessions/a", report) == 403)
        own = client.ask("PUT", "/sessions/a", SESSION, bearer(report))[1]["token"]
        check(status("POST", "/sessions/a/next", own, {"step": 0, "loss": 1}) == 200)
        # The session's token outlives the process; so does what is asked for.
        server.kill()
        server.start()
        client = Client(server.port)
        check(status("POST", "/sessions/a/next", own, {"step": 1, "loss": 1}) == 200)
        check(status("POST", "/sessions/a/next", report, {"step": 2, "loss": 1}) == 403)
        run(program, "token", "revoke", report, "--data", folder)
        eventually(lambda: status("GET", "/sessions", report) == 401)
        check(status("GET", "/sessions") == 401)
        server.stop()
        for name in os.listdir(folder):
            content = pathlib.Path(folder, name).read_bytes()
            check(own.split("_")[2].encode() not in content, f"{name} has the secret")
    print("a running server sees new and revoked tokens; a session's own token outlives it")


def limits(program):
    with tempfile.TemporaryDirectory() as folder:
        server = Server(program, folder, ("--rate-limit", "0.01", "--rate-burst", "3",
                                          "--cors-origin", "https://a.example", "--cors-origin", "https://b.example"))
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)

        def ask(path, **fields):
            connection.request("GET", path, headers=fields)
            response = connection.getresponse()
            response.read()
            return response

        check([ask("/policies").status for _ in range(4)] == [200, 200, 200, 429])
        refused = ask("/policies", Origin="https://b.example")
        check(refused.status == 429 and 1 <= int(refused.getheader("Retry-After")) <= 100, refused.headers)
        check(refused.getheader("Access-Control-Allow-Origin") == "https://b.example", refused.headers)
        check(ask("/healthz").status == 200)
        server.stop()
    print("the rate limit and the origins")


if __name__ == "__main__":
    for test in (commands, binding, running, limits):
        test(sys.argv[1])
