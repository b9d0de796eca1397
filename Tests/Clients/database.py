"""A PostgreSQL of a test's own, and processes that end with the test."""
import atexit
import glob
import os
import pathlib
import shutil
import signal
import subprocess
import time

processes = []


@atexit.register
def end_all():
    """Nothing is left behind, whatever goes wrong."""
    for process in processes:
        if process.poll() is None:
            process.send_signal(process.ending)
            process.wait()


def begin(*command, user=None, ending="KILL", **options):
    """A process that ends with the test, even where the test is killed; to be called from the main thread."""
    changes = ["--reuid", user, "--regid", user, "--clear-groups"] if user else []
    process = subprocess.Popen(["setpriv", "--pdeathsig", ending, *changes, *command], **options)
    process.ending = signal.Signals[f"SIG{ending}"]
    processes.append(process)
    return process


class Database:
    """Its clients prove who they are with a password, over TLS, on `host` or every address; the test itself uses a Unix socket."""

    password = "a secret: with \\ signs"

    def __init__(self, folder, certificate, host="*", port=5432):
        self.folder, self.host, self.port = folder, host, port
        self.programs = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda path: int(path.split("/")[4]))[-1]
        # It refuses to run as root.
        self.user = "postgres" if os.getuid() == 0 else None
        folder.mkdir()
        if self.user:
            shutil.chown(folder, self.user)
        self.run("initdb", "--pgdata", f"{folder}/data", "--username", "owner", "--auth", "trust", "--no-sync")
        for name, content in [("server.crt", certificate.file), ("server.key", certificate.key)]:
            file = folder / "data" / name
            file.write_bytes(pathlib.Path(content).read_bytes())
            file.chmod(0o600)
            if self.user:
                shutil.chown(file, self.user)
        with (folder / "data" / "pg_hba.conf").open("w") as rules:
            rules.write("local all all trust\nhostssl all all all scram-sha-256\n")
        self.start()
        self.ask("postgres", f"CREATE ROLE anneal LOGIN PASSWORD '{self.password}'")
        self.passwords = str(folder / "passwords")
        # What the file writes with a backslash: the backslash and the colon.
        escaped = self.password.replace("\\", "\\\\").replace(":", "\\:")
        pathlib.Path(self.passwords).write_text(f"*:*:*:anneal:{escaped}\n")
        os.chmod(self.passwords, 0o600)

    def run(self, name, *arguments):
        command = ["setpriv", "--reuid", self.user, "--regid", self.user, "--clear-groups"] if self.user else []
        return subprocess.run([*command, f"{self.programs}/{name}", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout

    def ask(self, database, statement):
        """What the database answers: one value, where there is one."""
        return self.run("psql", "--quiet", "--tuples-only", "--no-align", "--host", str(self.folder), "--port", str(self.port),
                        "--username", "owner", "--dbname", database, "--command", statement).strip()

    def create(self, name):
        self.ask("postgres", f"CREATE DATABASE {name} OWNER anneal")

    def start(self):
        settings = {
            "listen_addresses": self.host, "port": self.port, "unix_socket_directories": self.folder, "ssl": "on", "fsync": "off",
        }
        self.process = begin(
            f"{self.programs}/postgres", "-D", f"{self.folder}/data",
            *(word for name, value in settings.items() for word in ("-c", f"{name}={value}")), user=self.user,
            ending="QUIT", stdout=subprocess.DEVNULL, stderr=(self.folder.parent / "database.log").open("a"))
        for _ in range(300):
            ready = [f"{self.programs}/pg_isready", "-q", "-h", str(self.folder), "-p", str(self.port)]
            if subprocess.run(ready).returncode == 0:
                return
            time.sleep(0.1)
        raise AssertionError("PostgreSQL does not start")

    def stop(self):
        """At once: it recovers with its next start."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(30)
