#!/usr/bin/env python3
"""The HTTP server by the real program: TLS, Unix sockets, gzip, signals, and too few descriptors.

    Tests/Clients/server.py PROGRAM [--only NAME]

PROGRAM is the built `anneal`. Needs Python and the openssl command.
"""
import argparse
import gzip
import http.client
import json
import os
import pathlib
import resource
import signal
import socket
import ssl
import stat
import struct
import subprocess
import tempfile
import time
import warnings

# The old versions of TLS are named to see them refused.
warnings.simplefilter("ignore", DeprecationWarning)

CONTENT = {"schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": 4}, "steps": 5}
RATES = [0.1, 0.08535533905932738, 0.05, 0.014644660940672627, 0.0]


class Server:
    """One running program, by default with TLS on a port of its own."""

    def __init__(self, *arguments, descriptors=None):
        def limited():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--data", ":memory:", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, preexec_fn=limited)
        self.line = self.process.stdout.readline().strip()
        self.port = int(self.line.rsplit(":", 1)[1]) if self.line[-1:].isdigit() else None

    def __enter__(self):
        assert self.line.startswith("anneal listens on"), self.process.stderr.read()
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            assert self.process.wait(30) == 0
        self.process.stdout.close()
        self.process.stderr.close()


class Certificate:
    """A key and a certificate, signed by itself or by an issuer."""

    def __init__(self, folder, name, issuer=None):
        self.key, self.file = str(folder / f"{name}.key"), str(folder / f"{name}.pem")
        command = [
            "openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2",
            "-keyout", self.key, "-out", self.file, "-subj", f"/CN={name}",
            "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
        if issuer:
            command += ["-CA", issuer.file, "-CAkey", issuer.key, "-addext", "basicConstraints=critical,CA:FALSE"]
        subprocess.run(command, check=True, capture_output=True)


def context(trusted, client=None, version=None):
    made = ssl.create_default_context(cafile=trusted.file)
    if client:
        made.load_cert_chain(client.file, client.key)
    if version:
        made.minimum_version = made.maximum_version = version
    return made


def connect(port, tls, session=None):
    plain = socket.create_connection(("127.0.0.1", port), timeout=30)
    return tls.wrap_socket(plain, server_hostname="localhost", session=session, suppress_ragged_eofs=False)


def ask(connection, content=CONTENT, fields=""):
    """One request on an open connection: status line and fields, content."""
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    connection.sendall(
        f"POST /schedule HTTP/1.1\r\nHost: localhost\r\n{fields}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    response = http.client.HTTPResponse(connection)
    response.begin()
    return response, response.read()


def rates(answer):
    response, body = answer
    assert response.status == 200, (response.status, body)
    return json.loads(body)["learning_rates"]


def refuses(action, *errors):
    try:
        action()
    except errors or (OSError,):
        return
    raise AssertionError("it was not refused")


def tls_is_of_version_1_2_or_1_3_and_speaks_http_1_1(folder):
    own = Certificate(folder, "own")
    with Server("--port", "0", "--tls-cert", own.file, "--tls-key", own.key) as server:
        assert server.line.startswith("anneal listens on https://"), server.line
        for version, name in [(ssl.TLSVersion.TLSv1_2, "TLSv1.2"), (ssl.TLSVersion.TLSv1_3, "TLSv1.3"), (None, "TLSv1.3")]:
            with connect(server.port, context(own, version=version)) as connection:
                assert connection.version() == name
                assert rates(ask(connection)) == RATES
        old = context(own)
        old.minimum_version, old.maximum_version = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1
        old.set_ciphers("ALL:@SECLEVEL=0")
        refuses(lambda: connect(server.port, old))
        offers = context(own)
        offers.set_alpn_protocols(["h2", "http/1.1"])
        with connect(server.port, offers) as connection:
            assert connection.selected_alpn_protocol() == "http/1.1"
        offers.set_alpn_protocols(["h2"])
        refuses(lambda: connect(server.port, offers))


def a_session_is_resumed(folder):
    own = Certificate(folder, "own")
    with Server("--port", "0", "--tls-cert", own.file, "--tls-key", own.key) as server:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            tls = context(own, version=version)
            with connect(server.port, tls) as connection:
                assert rates(ask(connection)) == RATES
                session = connection.session
            with connect(server.port, tls, session) as connection:
                assert connection.session_reused
                assert rates(ask(connection)) == RATES
            # A reload keeps the keys of the tickets.
            server.process.send_signal(signal.SIGHUP)
            with connect(server.port, tls, session) as connection:
                assert connection.session_reused
                assert rates(ask(connection)) == RATES


def clients_prove_who_they_are_where_it_is_asked_for(folder):
    own, issuer = Certificate(folder, "own"), Certificate(folder, "issuer")
    client, stranger = Certificate(folder, "client", issuer), Certificate(folder, "stranger")
    with Server(
            "--port", "0", "--tls-cert", own.file, "--tls-key", own.key, "--tls-client-ca", issuer.file) as server:
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            # TLS 1.3 tells a client only with its first read.
            refuses(lambda: ask(connect(server.port, context(own, version=version))))
            refuses(lambda: ask(connect(server.port, context(own, stranger, version))))
            tls = context(own, client, version)
            with connect(server.port, tls) as connection:
                assert rates(ask(connection)) == RATES
                session = connection.session
            with connect(server.port, tls, session) as connection:
                assert rates(ask(connection)) == RATES


def certificates_are_reloaded_and_nobody_is_cut_off(folder):
    first, second = Certificate(folder, "first"), Certificate(folder, "second")
    used, key = folder / "used.pem", folder / "used.key"

    def use(certificate):
        used.write_bytes(pathlib.Path(certificate.file).read_bytes())
        key.write_bytes(pathlib.Path(certificate.key).read_bytes())

    use(first)
    with Server("--port", "0", "--tls-cert", str(used), "--tls-key", str(key)) as server:
        before = connect(server.port, context(first))
        assert rates(ask(before)) == RATES
        use(second)
        server.process.send_signal(signal.SIGHUP)
        for _ in range(1000):
            try:
                after = connect(server.port, context(second))
                break
            except ssl.SSLCertVerificationError:
                pass  # The signal is still on its way.
        assert rates(ask(after)) == RATES
        assert rates(ask(before)) == RATES
        used.write_text("no certificate\n")
        server.process.send_signal(signal.SIGHUP)
        assert any("used.pem" in line for line in iter(server.process.stderr.readline, ""))
        with connect(server.port, context(second)) as connection:
            assert rates(ask(connection)) == RATES
        before.close()
        after.close()


def what_cannot_be_used_is_said_at_the_start(folder):
    own, other = Certificate(folder, "own"), Certificate(folder, "other")
    for arguments, word in [
            (["--tls-cert", own.file, "--tls-key", other.key], "other.key"),
            (["--tls-cert", str(folder / "missing.pem"), "--tls-key", own.key], "missing.pem"),
            (["--tls-cert", own.file], "--tls-key"),
            (["--tls-client-ca", own.file], "--tls-cert"),
            (["--listen", "127.0.0.1"], "HOST:PORT"),
            (["--listen", "unix:" + "x" * 108], "107")]:
        done = subprocess.run(
            [PROGRAM, "serve", "--data", ":memory:", "--port", "0", *arguments], capture_output=True, text=True, timeout=30)
        assert done.returncode != 0 and word in done.stderr, done.stderr


def the_end_is_orderly_over_tls(folder):
    own = Certificate(folder, "own")
    with Server("--port", "0", "--tls-cert", own.file, "--tls-key", own.key) as server:
        with connect(server.port, context(own)) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            text = b""
            # Without close_notify this raises: suppress_ragged_eofs is off.
            while piece := connection.recv(65536):
                text += piece
            assert text.startswith(b"HTTP/1.1 200 ")


def plain_http_is_told_that_the_port_speaks_tls(folder):
    own = Certificate(folder, "own")
    with Server("--port", "0", "--tls-cert", own.file, "--tls-key", own.key) as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            text = connection.recv(65536)
            assert text.startswith(b"HTTP/1.1 400 ") and b"https://" in text, text
        # A client that says nothing, and one that says rubbish, do not stay.
        silent = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            connection.sendall(b"\x16\x03\x01" + bytes(range(256)))
            refuses(lambda: [connection.recv(65536) or refuse() for _ in range(9)], OSError, EOFError)
        assert silent.recv(1) == b""
        silent.close()


def refuse():
    raise EOFError


def large_contents_pass_in_both_directions_over_tls(folder):
    own = Certificate(folder, "own")
    with Server("--port", "0", "--tls-cert", own.file, "--tls-key", own.key) as server:
        with connect(server.port, context(own)) as connection:
            steps = list(range(0, 120000))
            answer = rates(ask(connection, {"schedule": {"type": "linear", "base_lr": 1, "total_steps": 120000}, "at": steps}))
            assert len(answer) == len(steps) and answer[60000] == 0.5
            content = {"schedule": {"type": "constant", "base_lr": 0.5}, "steps": 1000000}
            assert rates(ask(connection, content)) == [0.5] * 1000000


def gzip_is_read_and_written(folder):
    with Server("--port", "0") as server:
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
            coded = gzip.compress(json.dumps(CONTENT).encode())
            assert rates(ask(connection, coded, "Content-Encoding: gzip\r\n")) == RATES
            for steps in (100, 1000, 5000, 300000):
                content = {"schedule": {"type": "cosine", "base_lr": 0.1, "total_steps": steps}, "steps": steps}
                _, plain = ask(connection, content)
                response, small = ask(connection, content, "Accept-Encoding: gzip\r\n")
                assert response.headers["Content-Encoding"] == "gzip"
                assert gzip.decompress(small) == plain
                assert len(small) < 0.6 * len(plain), (len(small), len(plain))


def a_unix_socket_is_for_its_owner_and_is_taken_away(folder):
    path = folder / "anneal.sock"
    with Server("--listen", f"unix:{path}", "--listen", "127.0.0.1:0") as server:
        assert server.line == f"anneal listens on unix:{path}"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            assert rates(ask(connection)) == RATES
        second = subprocess.run(
            [PROGRAM, "serve", "--data", ":memory:", "--listen", f"unix:{path}"], capture_output=True, text=True, timeout=30)
        assert second.returncode != 0 and "in use" in second.stderr, second.stderr
        server.process.kill()
        server.process.wait()
    # What a killed server leaves is no hindrance.
    with Server("--listen", f"unix:{path}"):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(path))
            assert rates(ask(connection)) == RATES
    assert not path.exists()


def too_few_descriptors_refuse_some_and_harm_nobody(folder):
    with Server("--port", "0", descriptors=48) as server:
        first = socket.create_connection(("127.0.0.1", server.port), timeout=30)
        assert rates(ask(first)) == RATES
        others = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(80)]
        assert rates(ask(first)) == RATES
        for other in others:
            other.close()
        first.close()
        for _ in range(200):
            try:
                with socket.create_connection(("127.0.0.1", server.port), timeout=30) as connection:
                    assert rates(ask(connection)) == RATES
                break
            except (OSError, http.client.HTTPException):
                pass  # Still being refused.
        else:
            raise AssertionError("it did not recover")


def a_second_signal_ends_at_once(folder):
    with Server("--port", "0") as server:
        slow = socket.socket()
        slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.connect(("127.0.0.1", server.port))
        body = json.dumps({"schedule": {"type": "constant", "base_lr": 0.5}, "steps": 5000000}).encode()
        slow.sendall(b"POST /schedule HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        assert slow.recv(100)
        server.process.send_signal(signal.SIGTERM)
        refuses(lambda: [server.process.wait(0.5)], subprocess.TimeoutExpired)
        server.process.send_signal(signal.SIGTERM)
        assert server.process.wait(5) == 0
        slow.close()


def processor_seconds(process):
    """What a process has used of the processors."""
    fields = pathlib.Path(f"/proc/{process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def an_experiment_is_told_as_it_goes_and_ends_when_its_client_leaves(folder):
    experiment = {"problem": "two_moons", "optimizers": ["sgd", "adam"], "rates": [0.01, 0.1], "steps": 50_000}
    body = json.dumps(experiment).encode()
    request = b"POST /experiments?format=%s HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" + body
    with Server("--port", "0", "--max-experiment", "1e12") as server:
        for form in (b"events", b"ndjson", b"json", b"svg"):
            for leaves_at_once in (False, True):
                client = socket.create_connection(("127.0.0.1", server.port))
                client.settimeout(30)
                client.sendall(request % (form, len(body)))
                # The beginning comes long before the end; of a picture there is no beginning.
                if form != b"svg":
                    told = b""
                    while b"runs_in_all" not in told:
                        told += client.recv(4096)
                    assert b"best" not in told
                before = processor_seconds(server.process)
                while processor_seconds(server.process) < before + 0.2:
                    time.sleep(0.02)
                if leaves_at_once:
                    # A reset: there was something to read.
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                client.close()
                time.sleep(1)
                before = processor_seconds(server.process)
                time.sleep(0.5)
                used = processor_seconds(server.process) - before
                assert used < 0.2, (form, leaves_at_once, used)


TESTS = [
    tls_is_of_version_1_2_or_1_3_and_speaks_http_1_1, a_session_is_resumed,
    clients_prove_who_they_are_where_it_is_asked_for, certificates_are_reloaded_and_nobody_is_cut_off,
    what_cannot_be_used_is_said_at_the_start, the_end_is_orderly_over_tls, plain_http_is_told_that_the_port_speaks_tls,
    large_contents_pass_in_both_directions_over_tls, gzip_is_read_and_written,
    a_unix_socket_is_for_its_owner_and_is_taken_away, too_few_descriptors_refuse_some_and_harm_nobody,
    a_second_signal_ends_at_once, an_experiment_is_told_as_it_goes_and_ends_when_its_client_leaves,
]

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only")
    options = parser.parse_args()
    PROGRAM = options.program
    for test in TESTS:
        if options.only and options.only not in test.__name__:
            continue
        with tempfile.TemporaryDirectory() as name:
            test(pathlib.Path(name))
        print("passed:", test.__name__.replace("_", " "), flush=True)
