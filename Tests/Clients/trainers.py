"""Many trainers in one process: each with a connection of its own, sending again what was not answered."""
import asyncio
import collections
import json
import random
import time

from sessions import SPECIFICATION, check, loss


class Connection:
    """One HTTP connection, kept open, and made anew where it has broken."""

    def __init__(self, host, port):
        self.host, self.port = host, port
        self.reader = self.writer = None

    async def ask(self, method, path, content=None, seconds=40):
        """The status, the fields and the content; throws OSError where there is no answer."""
        try:
            return await asyncio.wait_for(self.exchange(method, path, content), seconds)
        except BaseException as error:
            self.close()
            if isinstance(error, (EOFError, ValueError, asyncio.TimeoutError)):
                raise OSError(f"no answer: {error!r}") from error
            raise

    async def exchange(self, method, path, content):
        if self.writer is None:
            self.reader, self.writer = await asyncio.open_connection(self.host, self.port)
        body = b"" if content is None else json.dumps(content).encode()
        head = f"{method} {path} HTTP/1.1\r\nHost: anneal.test\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        status = int((await self.reader.readuntil(b"\r\n")).split(b" ", 2)[1])
        fields = {}
        while (line := await self.reader.readuntil(b"\r\n")) != b"\r\n":
            name, value = line.decode().split(":", 1)
            fields[name.lower()] = value.strip()
        answer = b""
        if fields.get("transfer-encoding") == "chunked":
            while size := int(await self.reader.readuntil(b"\r\n"), 16):
                answer += await self.reader.readexactly(size)
                await self.reader.readexactly(2)
            await self.reader.readexactly(2)
        elif status not in (204, 304):
            answer = await self.reader.readexactly(int(fields["content-length"]))
        if fields.get("connection") == "close":
            self.close()
        if "json" in fields.get("content-type", "") and "ndjson" not in fields["content-type"]:
            return status, fields, json.loads(answer)
        return status, fields, answer

    def close(self):
        if self.writer is not None:
            self.writer.close()
        self.reader = self.writer = None


class Run:
    """What all trainers share: where they send to, when they may end, and what was answered."""

    def __init__(self, host, port, steps, pace, ranks):
        self.host, self.port, self.steps, self.pace, self.ranks = host, port, steps, pace, ranks
        self.is_calm = False
        # The last step of the sessions of many ranks, once it is known.
        self.ends = {}
        # By session: the acknowledged reports by (step, rank), and the rates by step.
        self.reports, self.rates = {}, {}
        # How many answers were 503, or did not come; and seconds until the others came, all attempts together.
        self.refused, self.unanswered = collections.Counter(), 0
        self.times = []

    async def insist(self, connection, method, path, content=None, well=(200, 201, 202)):
        """Sends it until it is answered."""
        began = time.monotonic()
        while True:
            try:
                status, fields, answer = await connection.ask(method, path, content)
            except OSError:
                self.unanswered += 1
                await asyncio.sleep(random.uniform(0.1, 0.5))
                continue
            if status in (502, 503, 504):
                self.refused[status] += 1
                await asyncio.sleep(float(fields.get("retry-after", 1)) * random.uniform(0.3, 1))
                continue
            check(status in well, method, path, content, status, answer)
            self.times.append(time.monotonic() - began)
            return status, answer

    def see(self, session, answer):
        """One rate a step, whoever asks and however often."""
        rates = self.rates.setdefault(session, {})
        rate = rates.setdefault(answer["step"], answer["learning_rate"])
        check(rate == answer["learning_rate"], "two rates for one step", session, answer, rate)

    async def report(self, connection, session, step, rank, value, wait=""):
        content = {"step": step, "loss": value, "rank": rank}
        status, answer = await self.insist(connection, "POST", f"/sessions/{session}/next{wait}", content)
        check("conflicts" not in answer, session, answer)
        self.reports.setdefault(session, {})[step, rank] = value
        if status == 200:
            check(answer["step"] == step + 1, session, content, answer)
            self.see(session, answer)
        return status

    async def follow(self, connection, session, step):
        """Waits for the rate of a step that others report the loss for."""
        # Not sealed yet is no error: it asks again.
        while True:
            status, answer = await self.insist(
                connection, "GET", f"/sessions/{session}/next?step={step}&wait=15", well=(200, 409))
            if status == 200:
                check(answer["step"] == step, answer)
                return self.see(session, answer)

    async def rest(self, since):
        """Until the step's time is over: an optimizer that works."""
        await asyncio.sleep(max(0, since + self.pace * random.uniform(0.5, 1.5) - time.monotonic()))

    def goes_on(self, session, step):
        """Whether this step is still trained. A session's ranks all end with the same step."""
        if self.is_calm and session not in self.ends:
            self.ends[session] = max(step + 2, self.steps)
        return step < self.ends.get(session, step + 1)

    async def trainer(self, number):
        """One rank alone with its session."""
        session, connection, step = f"run-{number}", Connection(self.host, self.port), 0
        await asyncio.sleep(random.uniform(0, self.pace))
        await self.insist(connection, "PUT", f"/sessions/{session}", SPECIFICATION)
        while self.goes_on(session, step):
            began = time.monotonic()
            await self.report(connection, session, step, 0, loss(number, step))
            await self.rest(began)
            step += 1
        connection.close()
        return session, step

    async def rank(self, mode, rank):
        """One of the ranks of one training. A quorum's all report; a leader's first reports, and the others follow."""
        session, connection, step = mode, Connection(self.host, self.port), 0
        specification = {**SPECIFICATION, "ranks": {"mode": mode, "world_size": self.ranks}}
        await self.insist(connection, "PUT", f"/sessions/{session}", specification)
        while self.goes_on(session, step):
            began = time.monotonic()
            if mode == "quorum" or rank == 0:
                value = loss(rank, step) if mode == "quorum" else loss(1, step)
                if await self.report(connection, session, step, rank, value, "?wait=15") == 202:
                    await self.follow(connection, session, step + 1)
            else:
                await self.follow(connection, session, step + 1)
            await self.rest(began)
            step += 1
        connection.close()
        return session, step
