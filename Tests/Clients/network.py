"""Networks of a test's own: each server in a network namespace of its own, with a line to the database and a line to the load
balancer that can be cut.

All of it belongs to processes of the test and is gone with them, whatever happens to the test.
"""
import ctypes
import shutil
import socket
import subprocess

from database import begin

NEW_NETWORK = 0x40000000


class Line:
    """Two ends of a virtual cable. Cut, it swallows what is sent: nothing is refused, no cable is seen to be pulled."""

    def __init__(self, holder, name, near, far):
        self.holder, self.name, self.near, self.far = holder, name, near, far
        run("ip", "link", "add", name, "type", "veth", "peer", "name", name, "netns", str(holder.pid))
        for end, address in ((self.here, near), (self.there, far)):
            end("ip", "address", "add", f"{address}/30", "dev", name)
            end("ip", "link", "set", name, "up")
        self.addresses = [end("ip", "-oneline", "link", "show", name).split("link/ether ")[1].split()[0]
                          for end in (self.here, self.there)]
        self.mend()

    def here(self, *command):
        return run(*command)

    def there(self, *command):
        return run("nsenter", f"--net=/proc/{self.holder.pid}/ns/net", *command)

    def reach(self, near, far):
        """Tells each end the other's link address. What goes to a wrong one arrives nowhere, and nobody is told."""
        for end, other, address in ((self.here, self.far, far), (self.there, self.near, near)):
            end("ip", "neighbor", "replace", other, "lladdr", address, "dev", self.name, "nud", "permanent")

    def cut(self):
        self.reach("02:00:00:00:00:01", "02:00:00:00:00:02")

    def mend(self):
        self.reach(*self.addresses)


def run(*command):
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


class Place:
    """Where one server runs: in a namespace with two lines, or, where none may be made, on an address of this machine."""

    def __init__(self, number, is_apart):
        self.prefix = []
        self.to_database = self.to_balancer = None
        if not is_apart:
            self.host, self.database = "127.0.0.1", "127.0.0.1"
            self.port = free_port()
            return
        # Ends when its standard input does.
        self.holder = begin("unshare", "--net", "cat", stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        # It has its namespace once it echoes.
        self.holder.stdin.write(b"\n")
        self.holder.stdin.flush()
        self.holder.stdout.readline()
        self.prefix = ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net"]
        self.to_database = Line(self.holder, f"database{number}", f"10.78.{number}.1", f"10.78.{number}.2")
        self.to_balancer = Line(self.holder, f"balancer{number}", f"10.79.{number}.1", f"10.79.{number}.2")
        self.host, self.port, self.database = f"10.79.{number}.2", 8080, f"10.78.{number}.1"


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def leave():
    """Takes this process, and what it starts, into a network namespace of its own.

    Returns whether servers may be put apart from it there: that takes root, and virtual cables."""
    if not shutil.which("ip") or ctypes.CDLL(None).unshare(NEW_NETWORK) != 0:
        return False
    run("ip", "link", "set", "lo", "up")
    trial = subprocess.run(["ip", "link", "add", "trial", "type", "veth", "peer", "name", "trial2"], stderr=subprocess.DEVNULL)
    if trial.returncode != 0:
        return False
    run("ip", "link", "delete", "trial")
    return True
