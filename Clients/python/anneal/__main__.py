"""`python -m anneal`: prints and plots rates, and looks at sessions."""

from __future__ import annotations

import argparse
import json
import math
import pathlib
import shutil
import sys
import urllib.parse
from collections.abc import Sequence
from typing import Any

from .functions import schedule
from .wire import NO_ANSWER, Problem, Wire, default_url


def main(arguments: Sequence[str] | None = None) -> int:
    options = _parser().parse_args(arguments)
    try:
        return int(options.run(options))
    except Problem as problem:
        print(problem, file=sys.stderr)
    except NO_ANSWER as error:
        print(f"no server answers at {options.url}: {error}", file=sys.stderr)
    except ValueError as error:
        print(error, file=sys.stderr)
    return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m anneal", description="Learning rates from an Anneal server.")
    parser.add_argument("--url", default=default_url(), help="the server; ANNEAL_URL (default: %(default)s)")
    parser.add_argument("--token", help="a bearer token; ANNEAL_TOKEN")
    commands = parser.add_subparsers(required=True)

    one = commands.add_parser("schedule", help="prints a schedule's rates, a step and a rate a line")
    one.add_argument("schedule", help="""such as '{"type":"cosine","base_lr":0.1,"total_steps":1000}'""")
    one.add_argument("--steps", type=int, default=100)
    one.set_defaults(run=_schedule)

    one = commands.add_parser("plot", help="draws a schedule in the terminal, or as SVG into a file")
    one.add_argument("schedule")
    one.add_argument("--steps", type=int, default=100)
    one.add_argument("--svg", type=pathlib.Path, help="the file")
    one.add_argument("--log", action="store_true", help="a logarithmic axis")
    one.set_defaults(run=_plot)

    one = commands.add_parser("sessions", help="lists the sessions")
    one.set_defaults(run=_sessions)

    one = commands.add_parser("history", help="prints a session's reports: step, rate, loss")
    one.add_argument("session")
    one.set_defaults(run=_history)

    one = commands.add_parser("chart", help="draws a session's rates and losses, as SVG into a file")
    one.add_argument("session")
    one.add_argument("--svg", type=pathlib.Path, required=True)
    one.set_defaults(run=_chart)
    return parser


def _wire(options: argparse.Namespace) -> Wire:
    return Wire(options.url, options.token, timeout=60)


def _object(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError as error:
        raise ValueError(f"the schedule is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise ValueError('the schedule is an object, such as {"type":"cosine","base_lr":0.1,"total_steps":1000}')
    return found


def _schedule(options: argparse.Namespace) -> int:
    rates = schedule(_object(options.schedule), options.steps, url=options.url, token=options.token)
    for step, rate in enumerate(rates.tolist()):
        print(f"{step}\t{rate!r}")
    return 0


def _plot(options: argparse.Namespace) -> int:
    if options.svg is not None:
        scale = "&scale=log" if options.log else ""
        content = {"schedule": _object(options.schedule), "steps": options.steps}
        answer = _wire(options).ask("POST", f"/schedule?format=svg{scale}", content, accept="image/svg+xml")
        options.svg.write_bytes(answer.content)
        return 0
    rates = schedule(_object(options.schedule), options.steps, url=options.url, token=options.token).tolist()
    width = min(100, shutil.get_terminal_size().columns) - 12
    for line in _drawn(rates, max(10, width), 16, options.log):
        print(line)
    return 0


def _drawn(rates: Sequence[float], width: int, height: int, log: bool) -> list[str]:
    """The curve in dots, with the highest and lowest rate at its side."""

    def place(rate: float) -> float:
        return math.log(rate) if log else rate

    shown = [rate for rate in rates if math.isfinite(rate) and (not log or rate > 0)]
    if not shown:
        return ["(no rates to draw)"]
    low, high = min(shown), max(shown)
    span = place(high) - place(low) or 1.0
    rows = [[" "] * width for _ in range(height)]
    for column in range(width):
        rate = rates[round(column * (len(rates) - 1) / max(1, width - 1))]
        if math.isfinite(rate) and (not log or rate > 0):
            rows[round((place(high) - place(rate)) / span * (height - 1))][column] = "•"
    labels = {0: f"{high:.3g}", height - 1: f"{low:.3g}"}
    lines = [f"{labels.get(number, ''):>9} │{''.join(row).rstrip()}" for number, row in enumerate(rows)]
    return [*lines, f"{'':>9} └{'─' * width}", f"{'':>9}  0{len(rates) - 1:>{width - 1}}"]


def _sessions(options: argparse.Namespace) -> int:
    wire = _wire(options)
    cursor = ""
    while True:
        page = wire.ask("GET", "/sessions" + (f"?cursor={urllib.parse.quote(cursor)}" if cursor else "")).json()
        for one in page["sessions"]:
            rate = "" if one.get("learning_rate") is None else f"{one['learning_rate']:.4g}"
            print(f"{one['id']}\t{one['state']}\tattempt {one['attempt']}\tstep {one.get('last_step')}\t{rate}")
        cursor = page.get("cursor") or ""
        if not cursor:
            return 0


def _history(options: argparse.Namespace) -> int:
    path = f"/sessions/{urllib.parse.quote(options.session, safe='')}/history?format=ndjson"
    for line in _wire(options).ask("GET", path, accept="application/x-ndjson").content.splitlines():
        row = json.loads(line)
        if row["kind"] == "report":
            print(f"{row['step']}\t{row['learning_rate']!r}\t{row['metrics'].get('loss', '')}")
    return 0


def _chart(options: argparse.Namespace) -> int:
    path = f"/sessions/{urllib.parse.quote(options.session, safe='')}/chart.svg"
    options.svg.write_bytes(_wire(options).ask("GET", path, accept="image/svg+xml").content)
    return 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except BrokenPipeError:
        # Its reader, such as head, has had enough.
        sys.stderr.close()
        sys.exit(1)
