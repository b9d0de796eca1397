"""A trainer's side of a session: it reports steps and knows the rates of the next ones.

A background thread does the talking. The training thread puts reports into a queue and reads rates from a table; it
waits only where a policy needs this step's loss before the next rate exists, and then not for longer than `timeout`.
"""

from __future__ import annotations

import array
import atexit
import collections
import contextlib
import dataclasses
import json
import logging
import math
import os
import random
import re
import ssl
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, SupportsFloat, TypeVar

from .table import Outlook, Table, merged, outlook
from .wire import NO_ANSWER, Problem, Unreachable, Wire, default_url

log = logging.getLogger("anneal")

#: Reports that are kept for a server that is away; beyond, the oldest are dropped.
LARGEST_QUEUE = 100_000
#: Reports in one request, and octets: the server takes 1000, and 1 MiB.
LARGEST_BATCH = 1000
LARGEST_CONTENT = 500_000
#: Rates that one answer may hold.
LARGEST_COUNT = 10_000
#: Steps without the server for which a schedule's rates are kept.
OUTLOOK_STEPS = 100_000
#: Seconds after which reports are sent though there is no hurry.
FLUSH_INTERVAL = 0.5
#: Seconds of training for which rates are asked ahead, where no number of steps was given.
AHEAD_SECONDS = 10.0
LEAST_AHEAD = 32
#: Seconds between two tries while the server is away: they double from the first to the last, with jitter.
FIRST_DELAY, LAST_DELAY = 0.2, 15.0
#: Seconds between two requests for the far outlook.
OUTLOOK_INTERVAL = 30.0


@dataclass(frozen=True)
class Command:
    """What an operator or a policy wants of the trainer: `checkpoint`, `roll_back` or `stop`, at a step."""

    id: str
    type: str
    at_step: int
    reason: str = ""
    resume_step: int | None = None


class Session:
    """One training job at an Anneal server.

    Args:
        url: the server; else the environment's ANNEAL_URL, else `http://127.0.0.1:8080`.
        session: the session's name; without one the server names it.
        spec: the specification, as `PUT /sessions/{id}` takes it. Without one the session has to exist.
        token: a bearer token; else the environment's ANNEAL_TOKEN.
        look_ahead: how many steps ahead rates are asked for, at most 10000; an operator's change takes effect after
            them. By default as many as take ten seconds. The run's length asks for all of it at once.
        rank: this process's number among those that train together. Rank 0 reports and the others follow, unless the
            specification's `ranks` has the mode `quorum`, where all report.
        start: the first step that this process makes; `resume` where a checkpoint was loaded.
        timeout: seconds that a step waits for the server at most, and a request without an octet.
        start_timeout: seconds that opening and resuming go on trying.
        tls: what an https server's certificate is checked against.

    Raises:
        Problem: the server refuses.
        Unreachable: it does not answer for `start_timeout` seconds.
    """

    def __init__(
        self,
        url: str | None = None,
        session: str | None = None,
        spec: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        look_ahead: int | None = None,
        rank: int = 0,
        start: int = 0,
        timeout: float = 5,
        start_timeout: float = 30,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        if session is None and spec is None:
            raise ValueError("a session has a name, or a specification to open it with")
        if look_ahead is not None and not 1 <= look_ahead <= LARGEST_COUNT:
            raise ValueError(f"look_ahead is from 1 to {LARGEST_COUNT}, not {look_ahead}")
        if spec is not None and isinstance(spec.get("schedule"), str):
            raise ValueError(
                'the schedule is an object, such as {"type": "cosine", "base_lr": 0.1, "total_steps": 1000}'
            )
        self.rank = rank
        self.timeout = timeout
        self.start_timeout = start_timeout
        self.look_ahead = look_ahead
        self._wire = Wire(url or default_url(), token, timeout, tls)
        self._spec = dict(spec) if spec is not None else None
        document = self._insist(lambda: self._open(session))
        self.name: str = document["id"]
        specification = document["specification"]
        self.groups: dict[str, float] = dict(specification.get("groups") or {})
        self.quorum: bool = (specification.get("ranks") or {}).get("mode") == "quorum"
        self._specification: dict[str, Any] = specification
        self._spec = dict(spec) if spec is not None else specification
        self._loss_driven = bool(specification.get("policies"))
        # Without the server the rate would hold: then it is worth a wait that the schedule's own rate comes.
        self._waits = self._loss_driven or specification.get("fallback") == "hold"
        self._server_ahead: int | None = specification.get("look_ahead")
        self._reports = rank == 0 or self.quorum

        self._queue: collections.deque[tuple[Any, ...]] = collections.deque()
        self._sending: list[tuple[int, str]] = []
        self._dropped = 0
        self._commands: dict[str, Command] = {}
        self._acknowledge: list[str] = []
        self._done: set[str] = set()
        self._failure: Exception | None = None
        self._told: set[str] = set()
        self._away_since: float | None = None
        self._tries = 0
        self._ended = False
        self._closing = False
        self._begun = False
        self._resumed = False
        self._after_attempt = 0
        self._first = start
        self._next = start
        self._ahead = look_ahead or LEAST_AHEAD
        self._pace = (time.monotonic(), start)
        self._wake = threading.Event()
        self._news = threading.Condition()
        self._thread: threading.Thread | None = None

        self._document = document
        self._far = Outlook()
        self._sealed_there = -1
        self._far_stale = False
        self._far_asked = -math.inf
        self.attempt: int = document["attempt"]
        self._table = self._insist(lambda: self._first_table(start))
        self._hurry_at = start

    # The training thread's part.

    def report(
        self,
        step: int,
        loss: SupportsFloat | None = None,
        *,
        metrics: Mapping[str, SupportsFloat] | None = None,
        applied: float | None = None,
        gradients: Any = None,
        samples: float | None = None,
    ) -> None:
        """Says what came of a step. It is sent later, in the background; numbers on another device are read there.

        Args:
            step: the step that was made, counted from 0.
            loss: its loss.
            metrics: other numbers by name.
            applied: the rate that the optimizer used; the server tells where it is not the one that was served.
            gradients: the gradient norm, or the norms or gradients of the parameter groups, for adaptive policies.
            samples: this rank's weight in the mean of a quorum.

        Raises:
            Problem: another process has begun a newer attempt; this one is to end.
        """
        if self._failure is not None:
            raise self._failure
        if self._reports and not self._ended:
            if len(self._queue) >= LARGEST_QUEUE:
                self._queue.popleft()
                self._dropped += 1
            self._queue.append((step, loss, metrics, applied, gradients, samples))
        if step >= self._next:
            self._next = step + 1
        if self._thread is None:
            self._start()
        hurry = step >= self._hurry_at or len(self._queue) >= LARGEST_BATCH
        if hurry and self._away_since is None and not self._wake.is_set():
            self._wake.set()

    def rate(self, step: int) -> float:
        """The rate of a step. It waits where a policy decides about it and the server is there; else never."""
        table = self._table
        if step > table.sealed_until and (self._waits or not self._begun) and self._thread is not None:
            self._wait(step)
            table = self._table
        return table.rate(step)

    def window(self, step: int, count: int) -> list[float]:
        """The rates of `count` steps from `step` on as far as they are sealed; of the first at least, of all of them
        where the server is away or not needed."""
        first = self.rate(step)
        table = self._table
        if self._waits and self._away_since is None:
            count = min(count, max(1, table.sealed_until - step + 1))
        return [first, *(table.rate(step + index) for index in range(1, count))]

    def share(self, step: int, largest: int) -> int:
        """For how many steps rates may be handed on to other ranks.

        So that what comes from the server is not held up for long: half of what is sealed, one step where a policy
        decides step by step, and some more while there is nobody to ask.
        """
        if self.away and not self._loss_driven:
            return min(largest, LEAST_AHEAD)
        return max(1, min(largest, (self._table.sealed_until - step + 1) // 2))

    def sealed(self, step: int) -> bool:
        """Whether the server has decided the rate of the step, so that it will not change any more."""
        return step <= self._table.sealed_until

    @property
    def away(self) -> bool:
        """Whether the server does not answer at present."""
        return self._away_since is not None

    @property
    def pending(self) -> int:
        """Reports that the server has not acknowledged."""
        return len(self._queue) + len(self._sending)

    def multiplier(self, group: str) -> float:
        """What a parameter group's rate is multiplied with.

        Raises:
            KeyError: the session has groups, and none of this name.
        """
        if not self.groups:
            return 1.0
        if group not in self.groups:
            raise KeyError(f"the session {self.name!r} has no parameter group {group!r}, but {', '.join(self.groups)}")
        return self.groups[group]

    def due(self, step: int) -> Command | None:
        """The first command that is to be carried out before the step; `acknowledge` it then."""
        if not self._commands:
            return None
        due = [command for command in list(self._commands.values()) if command.at_step <= step]
        return min(due, key=lambda command: command.at_step, default=None)

    def acknowledge(self, command: Command) -> None:
        """Says that a command was carried out; the server then ends to send it."""
        self._done.add(command.id)
        self._commands.pop(command.id, None)
        if self._reports:
            self._acknowledge.append(command.id)

    def resume(self, step: int, after_attempt: int = 0) -> float:
        """Goes back (or on) to a step, which is the next one to run: opens a new attempt, and returns its rate.

        A process of the attempt before, should it be alive, is refused from now on.

        Args:
            step: the first step that will be run again.
            after_attempt: on ranks that follow: the attempt of the checkpoint; they wait for a newer one.

        Raises:
            Problem: the server refuses.
            Unreachable: it does not answer for `start_timeout` seconds.
        """
        self._stop()
        self._queue.clear()
        self._sending.clear()
        self._failure, self._closing, self._begun, self._ended = None, False, False, False
        self._document = self._insist(self._get_document)
        self._resumed, self._first, self._next, self._after_attempt = True, step, step, after_attempt
        self._pace = (time.monotonic(), step)
        self._insist(self._begin)
        return self.rate(step)

    def flush(self, timeout: float | None = None, *, through_outages: bool = False) -> bool:
        """Waits until the server has all reports.

        Args:
            timeout: seconds; else the session's.
            through_outages: whether to wait on while the server is away.

        Returns: whether it has them.
        """
        deadline = time.monotonic() + (self.timeout if timeout is None else timeout)
        with self._news:
            while self.pending and self._failure is None and not self._ended:
                left = deadline - time.monotonic()
                if left <= 0 or self._thread is None or not self._thread.is_alive():
                    break
                if not self.away:
                    self._wake.set()
                elif not through_outages:
                    break
                self._news.wait(min(left, 0.1))
        return not self.pending

    def close(self, timeout: float = 5) -> None:
        """Sends what is left, for `timeout` seconds at most, and ends the background thread."""
        self._stop(timeout)
        if self.pending and not self._ended and self._failure is None:
            log.warning("%s: %d reports have not reached the server", self.name, self.pending)
            self._queue.clear()
            self._sending.clear()
        self._wire.close()

    def __enter__(self) -> Session:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _start(self) -> None:
        """Starts the thread, with the first report; until then nothing is changed, for a checkpoint may be loaded."""
        thread = threading.Thread(target=_run, args=(self,), name=f"anneal {self.name}", daemon=True)
        _open_sessions.add(self)
        self._closing = False
        self._thread = thread
        thread.start()
        self._wake.set()

    def _stop(self, timeout: float | None = None) -> None:
        thread = self._thread
        if thread is None:
            return
        self._closing = True
        self._wake.set()
        thread.join(self.timeout if timeout is None else timeout)
        self._thread = None
        _open_sessions.discard(self)

    def _wait(self, step: int) -> None:
        deadline = time.monotonic() + self.timeout
        with self._news:
            while step > self._table.sealed_until and self._away_since is None and not self._ended:
                if self._failure is not None:
                    raise self._failure
                self._wake.set()
                left = deadline - time.monotonic()
                if left <= 0:
                    self._lost(f"no answer in {self.timeout:g} seconds")
                    return
                self._news.wait(left)
        if self._failure is not None:
            raise self._failure

    # The background thread's part, and what opening and resuming share with it.

    @property
    def _path(self) -> str:
        return "/sessions/" + urllib.parse.quote(self.name, safe="")

    def _insist(self, action: Callable[[], _Result]) -> _Result:
        """Does it again until the server answers, for `start_timeout` seconds."""
        deadline = time.monotonic() + self.start_timeout
        tries = 0
        while True:
            try:
                return action()
            except Problem as problem:
                # A rank that follows may come before the one that opens the session.
                early = problem.status == 404 and self.rank != 0
                if not (early or _passes(problem)) or time.monotonic() > deadline:
                    raise
            except NO_ANSWER as error:
                if time.monotonic() > deadline:
                    raise Unreachable(f"no server answers at {self._wire.url}: {error}") from error
            tries += 1
            time.sleep(min(_delay(tries), max(0.0, deadline - time.monotonic())))

    def _open(self, name: str | None) -> dict[str, Any]:
        if name is None:
            # The answer may be lost, and the second request shall not open a second session.
            self._key = getattr(self, "_key", None) or f"{random.SystemRandom().getrandbits(128):032x}"
            answer = self._wire.ask("POST", "/sessions", self._spec, headers={"Idempotency-Key": self._key})
        elif self._spec is not None:
            answer = self._wire.ask("PUT", "/sessions/" + urllib.parse.quote(name, safe=""), self._spec)
        else:
            answer = self._wire.ask("GET", "/sessions/" + urllib.parse.quote(name, safe=""))
        document: dict[str, Any] = answer.json()
        if "token" in document:
            # The session's own, which it tells this once.
            self._wire.token = document["token"]
        return document

    def _get_document(self) -> dict[str, Any]:
        document: dict[str, Any] = self._wire.ask("GET", self._path).json()
        return document

    def _first_table(self, step: int) -> Table:
        """What is known without a report. It changes nothing at the server: which step this process begins with is only
        known when it makes one, or loads a checkpoint."""
        try:
            answer = self._wire.ask("GET", f"{self._path}/next?step={step}&count={LARGEST_COUNT}").json()
        except Problem as problem:
            if problem.kind != "not-sealed":
                raise
            answer = self._wire.ask("GET", f"{self._path}/next?count={LARGEST_COUNT}").json()
        self._far = outlook(answer)
        return merged(None, answer, self._far, step)

    def _begin(self) -> None:
        """Opens an attempt where the session has seen reports, and has rates sealed ahead."""
        document = self._document
        fresh = document["last_step"] is None and document["attempt"] == 1
        if self.rank != 0:
            self._adopt()
        elif fresh:
            self.attempt = document["attempt"]
        else:
            if not self._resumed:
                log.warning(
                    "%s has reports up to step %s already: attempt %d begins at step %d",
                    self.name,
                    document["last_step"],
                    document["attempt"] + 1,
                    self._first,
                )
            self._open_attempt(document)
        if self._reports:
            content = {"count": self._count(self._first), "attempt": self.attempt}
            if self._resumed and self._first > 0 and not self._table.start <= self._first <= self._table.sealed_until:
                # A session that has not seen the steps before: it is told where the training stands.
                content["step"] = self._first - 1
            if self.rank != 0:
                del content["attempt"]
            self._take(self._wire.ask("POST", f"{self._path}/next", content).json())
        self._look_far(at_once=True)
        self._begun = True

    def _open_attempt(self, document: Mapping[str, Any]) -> None:
        attempt = document["attempt"] + 1
        content = {"resume_step": self._first, "attempt": attempt}
        try:
            answer = self._wire.ask("POST", f"{self._path}/attempts", content)
        except Problem as problem:
            if problem.pointer != "/resume_step":
                raise
            # The checkpoint is ahead of what the server knows; there will be a gap in the record.
            content["resume_step"] = self._get_document()["sealed_until"] + 1
            answer = self._wire.ask("POST", f"{self._path}/attempts", content)
        self._take(answer.json())

    def _adopt(self) -> None:
        """Waits for the attempt that rank 0 opens, and takes its rates."""
        deadline = time.monotonic() + self.start_timeout
        while True:
            answer = self._wire.ask("GET", f"{self._path}/next").json()
            if answer["attempt"] > self._after_attempt:
                break
            if time.monotonic() > deadline:
                raise TimeoutError(f"rank 0 has not opened an attempt after {self._after_attempt}")
            time.sleep(0.05)
        self.attempt = answer["attempt"]
        with contextlib.suppress(Problem):
            answer = self._wire.ask("GET", f"{self._path}/next?step={self._first}&count={LARGEST_COUNT}").json()
        self._take(answer)

    def _count(self, first: int) -> int:
        """How many rates to ask for from the step `first` on, so that they reach ahead of the trainer."""
        seconds = time.monotonic() - self._pace[0]
        steps = self._next - self._pace[1]
        if self.look_ahead is None and seconds > 0.2:
            self._ahead = max(LEAST_AHEAD, min(LARGEST_COUNT, int(steps / seconds * AHEAD_SECONDS)))
            self._pace = (time.monotonic(), self._next)
        if self.look_ahead is None and self._loss_driven and self._server_ahead is not None:
            self._ahead = min(LARGEST_COUNT, self._server_ahead)
        # The server may have sealed more in an attempt before; it is not in the outlook any more.
        unknown = self._sealed_there + 1 - first if self._sealed_there > self._table.sealed_until else 0
        return min(LARGEST_COUNT, max(self._ahead, unknown) + max(0, self._next - first))

    def _exchange(self) -> bool:
        """One request, where there is something to say or to ask. Returns whether there is more."""
        self._collect()
        size = taken = 0
        for _, text in self._sending:
            size += len(text) + 1
            if size > LARGEST_CONTENT and taken > 0:
                break
            taken += 1
        batch = self._sending[:taken]
        acknowledge = self._acknowledge[:64]
        wanted = self._next > min(self._hurry_at, self._table.sealed_until)
        if not (batch or acknowledge or wanted):
            return False
        if not self._reports:
            self._follow()
            return False
        first = batch[-1][0] + 1 if batch else self._next
        content: dict[str, Any] = {"count": self._count(first)}
        if self.rank == 0:
            content["attempt"] = self.attempt
        if acknowledge:
            content["acknowledge"] = acknowledge
        text = json.dumps(content)[:-1]
        if batch:
            text += ',"reports":[' + ",".join(report for _, report in batch) + "]"
        patience = self.timeout * 0.8 if self.quorum else 0.0
        path = f"{self._path}/next" + (f"?wait={patience:g}" if patience else "")
        answer = self._wire.ask("POST", path, (text + "}").encode(), patience=patience)
        if answer.status != 202:
            self._take(answer.json())
        with self._news:
            del self._sending[:taken]
            del self._acknowledge[: len(acknowledge)]
            self._news.notify_all()
        return bool(self._sending or len(self._queue) >= LARGEST_BATCH)

    def _follow(self) -> None:
        """A rank that does not report asks for what comes after the rates that it knows."""
        step = max(self._table.sealed_until + 1, self._next)
        wait = self.timeout * 0.8
        query = f"step={step}&count={self._count(step)}&wait={wait:g}"
        try:
            self._take(self._wire.ask("GET", f"{self._path}/next?{query}", patience=wait).json())
        except Problem as problem:
            if problem.kind != "not-sealed":
                raise

    def _collect(self) -> None:
        """Writes queued reports as JSON, in the background: a number may have to come from another device first."""
        while self._queue and len(self._sending) < LARGEST_BATCH:
            step, loss, metrics, applied, gradients, samples = self._queue.popleft()
            report: dict[str, Any] = {"step": step}
            try:
                if self.rank:
                    report["rank"] = self.rank
                if loss is not None:
                    report["loss"] = _number(loss)
                if metrics:
                    report["metrics"] = {name: _number(value) for name, value in metrics.items()}
                if applied is not None and math.isfinite(applied):
                    report["learning_rate_applied"] = applied
                if gradients is not None:
                    report["gradients"] = _numbers(gradients)
                if samples is not None:
                    report["samples"] = float(samples)
            except (TypeError, ValueError, RuntimeError) as error:
                self._tell(
                    "unreadable", "%s: step %d: a report that is no number is left out: %s", self.name, step, error
                )
            self._sending.append((step, json.dumps(report, allow_nan=False)))

    def _take(self, answer: Mapping[str, Any]) -> None:
        """Puts an answer's rates into the table."""
        fresh = outlook(answer)
        if fresh.rates:
            joined = fresh.joined(self._far)
            self._far = joined or fresh
            self._far_stale = self._far_stale or joined is None
        elif "fallback" in answer:
            self._far = Outlook()
        if answer["attempt"] != self._table.attempt and not fresh.rates:
            # The answer to a restart has no outlook; the one of the attempt before may be another course.
            self._far_stale = True
        table = merged(self._table, answer, self._far, self._next)
        self._sealed_there = answer["sealed_until"]
        self.attempt = answer["attempt"]
        self._commands = {
            command["id"]: Command(
                command["id"],
                command["type"],
                command["at_step"],
                command.get("reason", ""),
                command.get("resume_step"),
            )
            for command in answer.get("commands", ())
            if command["id"] not in self._done
        }
        for warning in answer.get("warnings", ()):
            self._tell(warning["kind"], "%s: step %s: %s", self.name, warning["step"], warning["detail"])
        for conflict in answer.get("conflicts", ()):
            self._tell(
                "conflict",
                "%s: step %s was reported before with another %s: %s is kept, not %s",
                self.name,
                conflict["step"],
                conflict["metric"],
                conflict["kept"],
                conflict["given"],
            )
        with self._news:
            self._table = table
            self._hurry_at = max(self._next, table.sealed_until - (table.sealed_until - self._next) // 2)
            self._news.notify_all()

    def _look_far(self, at_once: bool = False) -> None:
        """Asks what the rates will be if nothing happens, as far as an answer goes: for a server that goes away."""
        far = self._far
        if not far.rates and not self._far_stale:
            return
        reach = LARGEST_COUNT // 20 if self._loss_driven else OUTLOOK_STEPS // 2
        now = time.monotonic()
        if not (self._far_stale or far.end < self._next + reach):
            return
        if now - self._far_asked < OUTLOOK_INTERVAL and not at_once:
            return
        self._far_asked = now
        # It is a help for bad times: without it the training goes on as well.
        with contextlib.suppress(Problem, ValueError):
            if self._far_stale or self._loss_driven:
                step = self._table.sealed_until
                answer = self._wire.ask("GET", f"{self._path}/next?step={step}&count={LARGEST_COUNT}").json()
                if answer["attempt"] != self.attempt:
                    return
                self._far, self._far_stale = outlook(answer), False
                self._table = merged(self._table, answer, self._far, self._next)
            if not self._loss_driven and self._far.rates:
                whole = self._far.joined(self._schedule_outlook(self._far.start))
                if whole is not None:
                    self._far = whole
                    self._table = dataclasses.replace(self._table, outlook=whole)

    def _schedule_outlook(self, start: int) -> Outlook:
        """The schedule's own rates; an answer of the session tells only a thousand of them."""
        content = {
            "schedule": self._specification["schedule"],
            "steps": {"start": start, "count": OUTLOOK_STEPS},
        }
        answer = self._wire.ask("POST", "/schedule", content, accept="application/x-npy", patience=10)
        rates = _doubles(answer.content)
        bounds = self._specification.get("bounds") or {}
        if bounds:
            low, high = bounds.get("min", 0.0), bounds.get("max", math.inf)
            rates = array.array("d", [min(max(rate, low), high) for rate in rates])
        return Outlook(start, rates)

    def _tell(self, kind: str, message: str, *arguments: object) -> None:
        """A warning; once for each kind, not thousands of times."""
        if kind not in self._told:
            self._told.add(kind)
            log.warning(message, *arguments)

    def _lost(self, reason: object) -> None:
        with self._news:
            if self._away_since is None:
                self._away_since = time.monotonic()
                log.warning(
                    "%s: the server at %s does not answer (%s): training goes on without it, reports are kept",
                    self.name,
                    self._wire.url,
                    reason,
                )
            self._news.notify_all()

    def _back(self) -> None:
        with self._news:
            self._tries = 0
            if self._away_since is not None:
                log.info("%s: the server is back after %.1f seconds", self.name, time.monotonic() - self._away_since)
                self._away_since = None
                if self._dropped:
                    log.warning("%s: the oldest %d reports were dropped meanwhile", self.name, self._dropped)
                    self._dropped = 0
            self._news.notify_all()

    def _refused(self, problem: Problem) -> None:
        """What a refusal means for the training, which it stops only where a newer process has taken over."""
        place = re.match(r"/reports/(\d+)", problem.pointer or "")
        if problem.kind == "stale-attempt":
            self._fail(problem)
        elif problem.status == 404 or (problem.status == 409 and problem.pointer == "/attempt"):
            self._tell(
                "lost", "%s: the server does not know this run any more (%s); it is opened anew", self.name, problem
            )
            self._document = self._open(self.name)
            self._first = self._sending[0][0] if self._sending else self._next
            self._begun, self._resumed = False, True
        elif problem.status == 410:
            log.warning("%s: %s: training goes on without the server", self.name, problem.detail)
            self._end()
        elif problem.status in (400, 409, 413, 415, 422):
            if place is not None and int(place.group(1)) < len(self._sending):
                step, _ = self._sending.pop(int(place.group(1)))
                self._tell(problem.kind, "%s: the report of step %d is refused: %s", self.name, step, problem)
            else:
                self._tell(problem.kind, "%s: %d reports are refused: %s", self.name, len(self._sending), problem)
                self._sending.clear()
                self._acknowledge.clear()
                self._lost(problem)
        else:
            self._lost(problem)

    def _fail(self, error: Exception) -> None:
        with self._news:
            self._failure = error
            self._news.notify_all()

    def _end(self) -> None:
        with self._news:
            self._ended = True
            self._queue.clear()
            self._sending.clear()
            self._news.notify_all()


def _run(session: Session) -> None:
    """The background thread."""
    delay = FLUSH_INTERVAL
    while True:
        session._wake.wait(delay)
        session._wake.clear()
        closing = session._closing
        delay = FLUSH_INTERVAL
        try:
            if not session._begun:
                session._begin()
            while session._exchange():
                pass
            session._back()
            session._look_far()
        except Problem as problem:
            try:
                session._refused(problem)
            except (Problem, *NO_ANSWER) as error:
                session._lost(error)
            delay = max(0.0 if session._away_since is None else _delay(session._tries), problem.retry_after or 0.0)
            session._tries += 1
        except NO_ANSWER as error:
            session._lost(error)
            session._tries += 1
            delay = _delay(session._tries)
        except Exception as error:
            # A mistake of this client: it is told, and the training goes on.
            log.exception("%s: reporting has ended", session.name)
            session._tell("error", "%s: %s", session.name, error)
            session._end()
        if session._failure is not None or session._ended:
            return
        if closing and (session.away or not session.pending):
            return


def _doubles(content: bytes) -> array.array[float]:
    """The numbers of an npy file of 64-bit numbers; numpy is not needed for that."""
    size = int.from_bytes(content[8:10], "little") if content[6] == 1 else int.from_bytes(content[8:12], "little") + 2
    header = content[10 : 10 + size]
    if content[:6] != b"\x93NUMPY" or b"'<f8'" not in header:
        raise ValueError("the answer is no npy file of 64-bit numbers")
    numbers = array.array("d", content[10 + size :])
    if sys.byteorder == "big":
        numbers.byteswap()
    return numbers


def _delay(tries: int) -> float:
    """Seconds until the next try: doubled each time, and with jitter, so that a returning server is not run over."""
    return float(min(LAST_DELAY, FIRST_DELAY * 2 ** min(tries - 1, 10)) * random.uniform(0.5, 1))


def _passes(problem: Problem) -> bool:
    """Whether the same request may be answered later."""
    return problem.status in (408, 429) or problem.status >= 500


def _number(value: SupportsFloat) -> float | str:
    """A number as the server reads it; what is not finite, as a word."""
    number = float(value)
    if math.isfinite(number):
        return number
    return "nan" if math.isnan(number) else "inf" if number > 0 else "-inf"


def _numbers(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _numbers(one) for name, one in value.items()}
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        return [_numbers(one) for one in value]
    return _number(value)


_Result = TypeVar("_Result")

_open_sessions: set[Session] = set()


# A child process, such as one that loads data, has no part in it.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_open_sessions.clear)


@atexit.register
def _close_all() -> None:
    """What is left is sent before the interpreter ends."""
    for session in list(_open_sessions):
        session.close()
