#!/usr/bin/env python3
"""The web page in a browser, served by the real program: schedules, sessions, tokens, keyboard, accessibility.

    Tests/Clients/page.py PROGRAM [--only NAME]

PROGRAM is the built `anneal`. Needs Playwright for Python, axe-playwright-python, and Debian's chromium.
"""
import argparse
import contextlib
import gzip
import json
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect, sync_playwright

from sessions import Client, Server, check

POLICY = ("default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
          "base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
COSINE = {"type": "cosine", "base_lr": 0.1, "total_steps": 100}
PROGRAMS = ["chromium", "chromium-browser", "google-chrome"]
WATCH = "window.violations = []; addEventListener('securitypolicyviolation', (event) => violations.push(event.blockedURI))"


class Browser:
    """A running program and a browser that looks at it; at the end, that nothing went wrong on the way."""

    def __init__(self, playwright, program):
        self.browser = playwright.chromium.launch(
            executable_path=next(filter(None, map(shutil.which, PROGRAMS))), args=["--no-sandbox"])
        self.program = program

    @contextlib.contextmanager
    def open(self, url, refused=(), **options):
        """A page of its own. `refused` are the statuses that the server may answer: the browser logs them as errors."""
        context = self.browser.new_context(**{"viewport": {"width": 1440, "height": 900}, **options})
        context.set_default_timeout(10_000)
        context.add_init_script(WATCH)
        page = context.new_page()
        words, elsewhere = [], []
        origin = "/".join(url.split("/")[:3]) + "/"

        def hear(message):
            if message.type in ("error", "warning") and not any(f"status of {status}" in message.text for status in refused):
                words.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: words.append(str(error)))
        page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(origin) else None)
        page.goto(url)
        yield page
        check(words == [], words)
        check(elsewhere == [], elsewhere)
        check(page.evaluate("violations") == [], page.evaluate("violations"))
        context.close()


def ask(url, method="GET", content=None, **fields):
    request = urllib.request.Request(url, None if content is None else json.dumps(content).encode(), method=method, headers={
        "Content-Type": "application/json", **{name.replace("_", "-"): value for name, value in fields.items()}})
    try:
        with urllib.request.urlopen(request) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def curve(page, slot=0):
    return page.locator(f".plot path.curve-{slot}").first.get_attribute("d")


def settled(page):
    """The curve of what stands in the fields now: nothing is asked for any more."""
    page.wait_for_timeout(200)
    page.wait_for_load_state("networkidle")


def schedule_link(url, schedule, **more):
    return f"{url}#schedules?" + urllib.parse.urlencode({"schedule": json.dumps(schedule), **more})


# Served.


def headers(browser, url):
    status, fields, body = ask(url)
    check(status == 200 and fields["Content-Type"] == "text/html; charset=utf-8", status, fields)
    for path in ("", "page/main.js", "page/style.css", "page/icon.svg", "page/index.html"):
        status, fields, body = ask(url + path)
        check(status == 200 and fields["Content-Security-Policy"] == POLICY, path)
        check(fields["X-Content-Type-Options"] == "nosniff" and fields["Referrer-Policy"] == "no-referrer", path)
        check(fields["Cache-Control"] == "no-cache" and fields["ETag"].startswith('W/"'), path)
        coded = ask(url + path, Accept_Encoding="gzip")
        check(coded[1].get("Content-Encoding") != "gzip" or gzip.decompress(coded[2]) == body, path)
        for known in (fields["ETag"], f'"x", {fields["ETag"]}', "*", fields["ETag"][2:]):
            again = ask(url + path, If_None_Match=known)
            check(again[0] == 304 and again[2] == b"" and again[1]["ETag"] == fields["ETag"], path, known)
        check(ask(url + path, If_None_Match='W/"0"')[0] == 200, path)
        head = ask(url + path, "HEAD")
        check(head[0] == 200 and head[2] == b"" and head[1]["ETag"] == fields["ETag"], path)
    check(ask(url, Accept_Encoding="gzip")[1]["Content-Encoding"] == "gzip")
    for path in ("page/none.js", "page/..%2fpage.c", "page/", "page/main.js/"):
        check(ask(url + path)[0] == 404, path)


# Schedules.


def schedules(browser, url):
    with browser.open(url, refused=(422,), permissions=["clipboard-read", "clipboard-write"]) as page:
        page.get_by_label("Search").fill("cosine torch annealinglr")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", level=1)).to_have_text("torch.CosineAnnealingLR")
        settled(page)
        before = curve(page)
        check(before.count("L") >= 40, before)
        # Turned, it is another curve, and its summary says so.
        page.get_by_label("base_lr", exact=True).fill("0.4")
        expect(page.locator(".plot path.curve-0").first).not_to_have_attribute("d", before)
        expect(page.locator(".summary").first).to_contain_text("0.4 at 0")
        page.get_by_label("T_max, slider").fill("10")
        expect(page.get_by_label("T_max", exact=True)).not_to_have_value("50")
        # A wrong value is told where it stands, in the server's words.
        page.get_by_label("T_max", exact=True).fill("-3")
        error = page.locator("input[name=T_max] ~ .error")
        expect(error).to_contain_text("T_max")
        expect(page.get_by_label("T_max", exact=True)).to_have_attribute("aria-invalid", "true")
        check(error.get_attribute("id") in page.get_by_label("T_max", exact=True).get_attribute("aria-describedby"))
        page.get_by_label("T_max", exact=True).fill("20")
        expect(error).to_be_hidden()
        expect(page.get_by_label("T_max", exact=True)).not_to_have_attribute("aria-invalid", "true")
        # Pinned, it stays while others are turned; the link holds all of it.
        settled(page)
        pinned = curve(page)
        page.get_by_role("button", name="Pin this curve").click()
        page.get_by_label("base_lr", exact=True).fill("0.2")
        page.get_by_label("Name of torch.CosineAnnealingLR").fill("higher")
        page.keyboard.press("Tab")
        expect(page.locator(".pins li")).to_have_count(2)
        settled(page)
        expect(page.locator(".plot path.curve-1").first).to_have_attribute("stroke-dasharray", "7 4")
        check(curve(page, 1) == pinned and curve(page) != pinned)
        page.get_by_label("logarithmic").check()
        page.wait_for_timeout(300)
        state = (curve(page), curve(page, 1))
        link = page.url
        check("higher" in link and "y=log" in link, link)
        page.reload()
        expect(page.locator(".pins li")).to_have_count(2)
        settled(page)
        check((curve(page), curve(page, 1)) == state and page.url == link, link, page.url)
        expect(page.get_by_label("logarithmic")).to_be_checked()
        # Copied as curl, it runs, and answers the curve.
        page.get_by_role("button", name="Copy", exact=True).click()
        command = page.evaluate("navigator.clipboard.readText()")
        answer = json.loads(subprocess.run(["sh", "-c", command], capture_output=True, check=True).stdout)
        check(answer["learning_rates"][0] == 0.2 and len(answer["learning_rates"]) == 21, command)
        page.get_by_role("radio", name="PyTorch").check()
        expect(page.locator("pre")).to_contain_text("torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20, eta_min=0.001)")
        for name, words in (("optax", "def schedule(step)"), ("Keras", "class Rate"), ("Hugging Face", "LambdaLR")):
            page.get_by_role("radio", name=name).check()
            expect(page.locator("pre")).to_contain_text(words)
        # As a table, and by the arrow keys.
        page.get_by_text("As a table").first.click()
        expect(page.locator("figure").first.locator("tbody tr")).to_have_count(21)
        page.locator(".plot").first.focus()
        page.keyboard.press("End")
        expect(page.locator(".readout").first).to_contain_text("step 20")


def nested(browser, url):
    """Schedules within schedules are JSON; momentum, companions, groups and loss-driven rules have their curves."""
    with browser.open(url, refused=(422,)) as page:
        then = page.get_by_label("then", exact=True)
        then.fill('{"type": "cosine", "base_lr": 0.001, ')
        expect(page.locator("textarea[name=then] ~ .error")).to_contain_text("not JSON yet")
        then.fill('{"type": "cosine", "base_lr": 0.001, "total_stepz": 90}')
        expect(page.locator("textarea[name=then] ~ .error")).to_contain_text("did you mean 'total_steps'")
        then.fill('{"type": "cosine", "base_lr": 0.001, "total_steps": 90}')
        expect(page.locator("textarea[name=then] ~ .error")).to_be_hidden()
        expect(page.locator("#steps")).to_have_value("191")
        page.locator("#steps").fill("1.5")
        expect(page.locator("#steps-error")).to_contain_text("whole number")
        page.get_by_role("button", name="Fit").click()
        expect(page.locator("#steps-error")).to_be_hidden()
        page.get_by_text("Units, groups, companions").click()
        page.get_by_label("companions").fill('{"weight_decay": {"type": "linear", "base_lr": 0.1, "total_steps": 90}}')
        page.get_by_label("groups").fill('[{"name": "head", "multiplier": 10}]')
        expect(page.locator("figcaption")).to_have_text(["Learning rate", "Weight decay"])
        expect(page.locator("figure").first.locator("path.curve")).to_have_count(2)
        page.get_by_label("Search").fill("torch plateau")
        page.keyboard.press("Enter")
        expect(page.locator(".summary").first).to_contain_text("torch.ReduceLROnPlateau: 0.1 at 0")
        # In a session it is a policy.
        page.get_by_role("link", name="Open a session with this").click()
        page.get_by_role("button", name="Open it").click()
        expect(page.locator("dl.facts")).to_contain_text("torch.ReduceLROnPlateau")
    # Half a million steps are no half a million points.
    with browser.open(schedule_link(url, {**COSINE, "total_steps": 500_000})) as page:
        expect(page.locator("#steps")).to_have_value("500001")
        expect(page.locator(".summary").first).to_contain_text("then 0 at 500000")
        check(curve(page).count("L") < 1100)
    for hash in ("#schedules?schedule=%7Bx", '#schedules?schedule={"type":"none"}', "#schedules?schedule=7", "#nowhere"):
        with browser.open(url + hash) as page:
            expect(page.get_by_role("heading", level=1)).to_have_text("warmup")
            if "schedule=" in hash:
                expect(page.get_by_role("alert")).to_contain_text("The link")


def every_type(browser, url):
    """Every type of the catalog has a form and a curve from its example."""
    types = [entry["type"] for entry in json.loads(ask(url + "schedules")[2])["schedules"]]
    with browser.open(url) as page:
        page.wait_for_selector(".catalog input")
        wrong = page.evaluate("""async (types) => {
          const wrong = []
          for (const type of types) {
            document.querySelector(`.catalog input[value="${type}"]`).click()
            for (let turn = 0; turn < 100; turn += 1) {
              await new Promise((resolve) => setTimeout(resolve, 10))
              const summary = document.querySelector('.summary').textContent
              if (summary.startsWith(`${type}: `) && !document.querySelector('.stale')) break
              if (turn === 99) wrong.push([type, summary, document.querySelector('.problem').textContent])
            }
          }
          return wrong
        }""", types)
        check(wrong == [], wrong)


def late_answers(browser, url):
    """An answer that comes after that of a later question is dropped."""
    with browser.open(schedule_link(url, COSINE)) as page:
        expect(page.locator(".summary").first).to_contain_text("cosine: 0.1 at 0")
        held = []
        page.route("**/schedule", lambda route: held.append(route) if not held else route.continue_())
        page.get_by_label("base_lr", exact=True).fill("0.7")
        page.wait_for_timeout(300)
        check(len(held) == 1)
        page.get_by_label("base_lr", exact=True).fill("0.3")
        expect(page.locator(".summary").first).to_contain_text("cosine: 0.3 at 0")
        with contextlib.suppress(Exception):  # The page has given it up.
            held[0].continue_()
        page.wait_for_timeout(300)
        expect(page.locator(".summary").first).to_contain_text("cosine: 0.3 at 0")


# Sessions.


def sessions(browser, url):
    client = Client(int(url.rsplit(":", 1)[1].strip("/")))
    with browser.open(schedule_link(url, {**COSINE, "total_steps": 1000}), refused=(422, 409)) as page:
        page.get_by_role("link", name="Open a session with this").click()
        page.get_by_label("id", exact=True).fill("no such name")
        page.get_by_role("button", name="Open it").click()
        expect(page.locator("input[name=id] ~ .error, .creation .problem").locator("visible=true").first).to_be_visible()
        page.get_by_label("id", exact=True).fill("run-1")
        page.get_by_label("Add a policy").select_option("torch.ReduceLROnPlateau")
        page.get_by_role("button", name="Open it").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("run-1")
        check(client.ask("GET", "/sessions/run-1")[1]["specification"]["schedule"]["total_steps"] == 1000)
        expect(page.locator(".live")).to_have_text("live")
        # A report that comes through the API is seen without being asked for.
        for step in range(30):
            check(client.ask("POST", "/sessions/run-1/next", {"step": step, "loss": 2 - step / 40, "metrics": {"grad_norm": 1}})[0] == 200)
        expect(page.locator(".session .summary").nth(1)).to_contain_text("then 1.275 at 29")
        expect(page.locator("dl.facts")).to_contain_text("29")
        expect(page.locator(".state").first).to_have_text("running")
        client.ask("POST", "/sessions/run-1/next", {"step": 30, "loss": "nan"})
        expect(page.locator(".log")).to_contain_text("Step 30: loss is nan")
        page.get_by_label("Metric", exact=True).select_option("grad_norm")
        expect(page.locator(".session .summary").nth(1)).to_contain_text("grad_norm: 1 at 0")
        # A change wants a reason, is looked at first, and lands as it was shown.
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("input[name=reason] ~ .error").first).to_contain_text("Say why")
        page.get_by_label("reason").first.fill("loss is flat")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator(".preview")).to_contain_text("the rate times 0.5")
        check(client.ask("GET", "/sessions/run-1")[1]["overrides"] == [])
        page.get_by_label("effective_step").first.fill("40")
        expect(page.locator(".preview")).to_have_count(0)
        page.get_by_role("button", name="Preview").click()
        page.get_by_role("button", name="Apply this change").click()
        expect(page.locator(".changes").first).to_contain_text("from step 40: the rate times 0.5 – loss is flat")
        made = client.ask("GET", "/sessions/run-1")[1]["overrides"]
        check(len(made) == 1 and made[0]["factor"] == 0.5 and made[0]["effective_step"] == 40 and made[0]["reason"] == "loss is flat", made)
        page.get_by_role("button", name="Withdraw").click()
        expect(page.locator(".changes").first).to_have_text("None.")
        # What the server refuses stands at its field.
        page.get_by_label("Kind", exact=True).select_option("cooldown")
        page.get_by_label("steps", exact=True).fill("0")
        page.get_by_label("reason").first.fill("the end")
        page.get_by_role("button", name="Preview").click()
        expect(page.locator("input[name=steps] ~ .error")).not_to_be_empty()
        # A restart takes the curve back.
        check(client.ask("POST", "/sessions/run-1/attempts", {"resume_step": 10})[0] == 201)
        expect(page.locator("dl.facts")).to_contain_text("2, from step 10")
        expect(page.locator(".session .summary").first).to_contain_text("at 9.")
        expect(page.locator("path.faint").first).to_be_attached()
        # A command, a check of the record, a fork.
        page.get_by_text("Command to the trainer").click()
        page.locator("form", has=page.get_by_role("button", name="Send the command")).get_by_label("reason").fill("upgrade")
        page.get_by_role("button", name="Send the command").click()
        expect(page.locator(".changes").nth(1)).to_contain_text("checkpoint at step")
        page.get_by_text("Check the record").click()
        page.get_by_role("button", name="Compute it anew").click()
        expect(page.get_by_text("every rate and every decision is the same")).to_be_visible()
        page.get_by_text("Fork", exact=True).click()
        fork = page.locator("form", has=page.get_by_role("button", name="Fork it"))
        fork.get_by_label("id", exact=True).fill("run-2")
        fork.get_by_role("button").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("run-2")
        expect(page.locator("dl.facts")).to_contain_text("Forked from")
        # The list, its search, and names that look like markup.
        markup = "<img src=x onerror=alert(1)>"
        check(client.ask("PUT", "/sessions/run-3", {"schedule": COSINE, "labels": {"team": markup}})[0] == 201)
        page.get_by_role("link", name="All sessions").click()
        expect(page.locator("tbody tr")).to_have_count(3)
        expect(page.locator("tbody")).to_contain_text(markup)
        check(page.locator("img").count() == 0)
        page.get_by_role("searchbox", name="Search").fill("run-2")
        expect(page.locator("tbody tr").locator("visible=true")).to_have_count(1)
        page.get_by_role("searchbox", name="Search").fill("")
        page.get_by_label("State", exact=True).select_option("running")
        expect(page.get_by_role("link", name="run-3")).to_have_count(0)
        page.get_by_label("State", exact=True).select_option("")
        page.get_by_role("link", name="run-3").click()
        expect(page.locator("dl.facts")).to_contain_text(markup)
        page.get_by_text("Delete", exact=True).click()
        page.get_by_label("name", exact=True).fill("run-3")
        page.get_by_role("button", name="Delete the session").click()
        expect(page.locator("tbody tr")).to_have_count(2)
        check(client.ask("GET", "/sessions/run-3")[0] == 410)


def reconnects(browser, url):
    """After the server comes back, the stream goes on where it was."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(browser.program, folder)
        client = Client(server.port)
        client.ask("PUT", "/sessions/a", {"schedule": COSINE})
        client.ask("POST", "/sessions/a/next", {"step": 0, "loss": 1})
        context = browser.browser.new_context()
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{server.port}/#sessions/a")
        expect(page.locator(".session .summary").nth(1)).to_contain_text("loss: 1 at 0")
        server.kill()
        expect(page.locator(".live")).to_contain_text("trying again")
        server.start()
        client = Client(server.port)
        client.ask("POST", "/sessions/a/next", {"step": 1, "loss": 0.5})
        expect(page.locator(".session .summary").nth(1)).to_contain_text("then 0.5 at 1", timeout=15_000)
        expect(page.locator(".live")).to_have_text("live")
        context.close()
        server.stop()


def ranges(browser, url):
    client = Client(int(url.rsplit(":", 1)[1].strip("/")))
    policy = {"type": "range_test", "low": 1e-6, "high": 1, "steps": 60}
    client.ask("PUT", "/sessions/range", {"schedule": {"type": "constant", "base_lr": 1}, "policies": [policy]})
    for step in range(61):
        client.ask("POST", "/sessions/range/next", {"step": step, "loss": 2 - (step / 40 if step < 40 else 1) + (0 if step < 50 else (step - 50) ** 2 / 9)})
    found = client.ask("GET", "/sessions/range/suggestions")[1]["suggestions"]
    with browser.open(f"{url}#sessions/range") as page:
        expect(page.get_by_role("region", name="Suggestions").locator("tbody tr")).to_have_count(len(found))
        check(len(found) > 2)


def ranks(browser, url):
    client = Client(int(url.rsplit(":", 1)[1].strip("/")))
    client.ask("PUT", "/sessions/ranks", {"schedule": COSINE, "ranks": {"mode": "quorum", "world_size": 3}})
    for step in range(4):
        for rank in range(3):
            client.ask("POST", "/sessions/ranks/next", {"step": step, "rank": rank, "loss": 1 + rank - step / 10})
    with browser.open(f"{url}#sessions/ranks") as page:
        for rank, last in ((0, "0.7"), (1, "1.7"), (2, "2.7")):
            expect(page.locator(".session .summary").nth(1)).to_contain_text(f"rank {rank}: {rank + 1} at 0, then {last} at 3")


# Tokens.


def tokens(browser, url):
    with tempfile.TemporaryDirectory() as folder:
        token = subprocess.run([browser.program, "token", "create", "--scope", "admin", "--data", folder],
                               capture_output=True, text=True, check=True).stdout.strip()
        server = Server(browser.program, folder)
        with browser.open(f"http://127.0.0.1:{server.port}/", refused=(401,)) as page:
            sent = []
            page.on("request", lambda request: sent.append((request.url, request.headers.get("authorization"))))
            dialog = page.get_by_role("dialog", name="A token is needed")
            expect(dialog).to_be_visible()
            expect(page.get_by_label("Token", exact=True)).to_be_focused()
            page.get_by_label("Token", exact=True).fill("anneal_00000000_" + "0" * 64)
            page.keyboard.press("Enter")
            expect(dialog).to_contain_text("not known")
            page.get_by_label("Token", exact=True).fill(token)
            page.get_by_role("button", name="Go on").click()
            expect(dialog).to_be_hidden()
            expect(page.locator(".summary").first).to_contain_text("warmup")
            page.get_by_role("link", name="Sessions").click()
            expect(page.get_by_text("There are no sessions")).to_be_visible()
            client = Client(server.port)
            bearer = {"Authorization": f"Bearer {token}"}
            client.ask("PUT", "/sessions/a", {"schedule": COSINE}, bearer)
            page.get_by_role("link", name="a", exact=True).click()
            expect(page.locator(".live")).to_have_text("live")
            client.ask("POST", "/sessions/a/next", {"step": 0, "loss": 3}, bearer)
            expect(page.locator(".session .summary").nth(1)).to_contain_text("loss: 3 at 0")
            check(all(token not in place for place, _ in sent))
            check(f"Bearer {token}" in [field for _, field in sent])
            kept = page.evaluate("[Object.values({...sessionStorage}), Object.keys({...localStorage}), document.cookie]")
            check(kept == [[token], [], ""], kept)
            # Where it is let go, the page asks again; who has none gets to know why nothing comes.
            page.get_by_role("button", name="Forget the token").click()
            expect(dialog).to_be_visible()
            page.keyboard.press("Escape")
            expect(page.get_by_role("alert").locator("visible=true").first).to_contain_text("token")
            check(page.evaluate("sessionStorage.length") == 0)
        server.stop()


# The room of experiments.


def experiment_link(url, **experiment):
    whole = {"problem": "ravine", "optimizers": ["sgd"], "schedules": [{"type": "constant"}], "rates": "0.01", "steps": 200, **experiment}
    return f"{url}#experiments?" + urllib.parse.urlencode({"e": json.dumps(whole)})


def done(page):
    expect(page.locator(".experiments[aria-busy=false]")).to_be_visible(timeout=30_000)


def experiments(browser, url):
    ravine = {"type": "ravine", "condition_number": 100}
    with browser.open(experiment_link(url, problem=ravine, rates="0.001, 0.015, 0.1", optimizers=["sgd", {"type": "momentum", "momentum": 0.8}]), refused=(422,)) as page:
        done(page)
        rows = page.locator(".verdicts tbody tr")
        expect(rows).to_have_count(6)
        # The limit of stability of the ravine is 0.02: what is above it diverges.
        expect(page.locator(".about").filter(has_text="2/λ = 0.02")).to_be_visible()
        expect(rows.nth(2)).to_contain_text("diverged")
        expect(page.locator(".verdicts").get_by_text("best")).to_have_count(1)
        expect(page.locator(".experiments figure img")).to_be_visible()
        check("0.8" in page.evaluate("location.hash"))
        # A run is looked at.
        page.get_by_role("button", name="Look at sgd, 0.1").click()
        expect(page.locator(".panel.verdict")).to_contain_text("the limit of stability is 0.02")
        # What is wrong stands at its field.
        page.get_by_label("condition_number", exact=True).fill("0.5")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator(".field").filter(has=page.get_by_label("condition_number", exact=True)).locator(".error")).to_contain_text("at least 1")
        page.get_by_label("condition_number", exact=True).fill("10")
        page.get_by_label("Rates", exact=True).fill("0.01, much")
        page.get_by_role("button", name="Run", exact=True).click()
        expect(page.locator(".error:visible")).to_contain_text("a rate is a number")
        page.get_by_label("Rates", exact=True).fill("0.001 to 0.1 in 3")
        page.get_by_role("button", name="Run", exact=True).click()
        done(page)
        expect(rows).to_have_count(6)
        expect(rows.nth(1)).to_contain_text("0.01")
    # A preset runs by itself; validation is drawn beside training.
    with browser.open(f"{url}#experiments") as page:
        done(page)
        page.get_by_label("Begin with").select_option(label="Overfitting")
        expect(page.locator(".verdicts tbody tr")).to_have_count(2, timeout=30_000)
        done(page)
        expect(page.locator(".verdicts")).to_contain_text("overfit")
        expect(page.locator(".experiments .summary").first).to_contain_text("validation")
    # A range test suggests, and the suggestion is tried.
    test = {"type": "range_test", "low": 1e-4, "high": 1, "steps": 100, "smoothing": 0.5}
    with browser.open(experiment_link(url, problem="ravine", schedules=[test], rates="")) as page:
        done(page)
        expect(page.locator(".experiments figure img")).to_be_visible()
        page.get_by_role("row").filter(has_text="valley").get_by_role("button", name="Try it").click()
        expect(page.locator(".verdicts tbody tr")).to_have_count(1, timeout=30_000)
        expect(page.get_by_label("Rates", exact=True)).not_to_have_value("")
    # Stop ends it: the rest of the runs never come.
    with browser.open(experiment_link(url, problem="two_moons", rates="0.001 to 1 in 40", steps=20_000)) as page:
        expect(page.locator(".verdicts tbody tr").first).to_be_visible(timeout=30_000)
        page.get_by_role("button", name="Stop").click()
        expect(page.get_by_text("Stopped:")).to_be_visible()
        check(page.locator(".verdicts tbody tr").count() < 40)
        expect(page.get_by_role("button", name="Stop")).to_be_disabled()
    # From the room of schedules to a problem.
    with browser.open(schedule_link(url, {"type": "cosine", "base_lr": 0.01, "total_steps": 150})) as page:
        page.get_by_role("link", name="Try it on a problem").click()
        done(page)
        expect(page.locator(".verdicts tbody tr")).to_contain_text("cosine")


# For everybody.


def keyboard(browser, url):
    with browser.open(url) as page:
        expect(page.locator(".summary").first).to_contain_text("warmup")
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator("main")).to_be_focused()
        check("#main" not in page.url)
        seen = []
        for _ in range(60):
            page.keyboard.press("Tab")
            name = page.evaluate("""() => { const e = document.activeElement
              if (e === document.body) return ''
              return e.getAttribute('aria-label') ?? e.labels?.[0]?.textContent ?? e.textContent.trim().slice(0, 40) }""")
            if name in ("Skip to the content", ""):
                break
            seen.append(name)
            visible = page.evaluate("""() => { const e = document.activeElement, s = getComputedStyle(e), l = getComputedStyle(e.parentElement)
              return s.outlineStyle !== 'none' || l.outlineStyle !== 'none' }""")
            check(visible, "no focus to be seen", name)
        for name in ("Catalog", "Search", "warmup", "Steps", "Fit", "Pin this curve", "warmup_steps", "then", "curl", "Copy"):
            check(name in seen, name, seen)
        # The catalog is one stop: the arrows choose.
        page.get_by_label("Search").focus()
        page.get_by_label("Search").fill("keras")
        page.keyboard.press("ArrowDown")
        page.keyboard.press("Space")
        expect(page.get_by_role("heading", level=1)).to_have_text("keras.ExponentialDecay")
        page.keyboard.press("ArrowDown")
        expect(page.get_by_role("heading", level=1)).to_have_text("keras.InverseTimeDecay")
        page.locator(".plot").first.focus()
        page.keyboard.press("ArrowRight")
        expect(page.locator(".readout").first).to_contain_text("step 0")
        page.keyboard.press("ArrowRight")
        expect(page.locator(".readout").first).to_contain_text("step 1")


def accessible(browser, url):
    client = Client(int(url.rsplit(":", 1)[1].strip("/")))
    client.ask("PUT", "/sessions/axe", {"schedule": COSINE, "policies": [{"type": "torch.ReduceLROnPlateau"}]})
    for step in range(20):
        client.ask("POST", "/sessions/axe/next", {"step": step, "loss": 1 - step / 30})
    client.ask("POST", "/sessions/axe/overrides", {"factor": 0.5, "effective_step": 50, "reason": "late"})
    axe = Axe()
    places = [schedule_link(url, {"type": "torch.OneCycleLR", "max_lr": 0.1, "total_steps": 50}), f"{url}#sessions", f"{url}#sessions/axe",
              experiment_link(url, rates="0.001, 0.01", optimizers=["sgd", "adam"])]
    for scheme, width in (("light", 1440), ("dark", 390)):
        for place in places:
            with browser.open(place, color_scheme=scheme, viewport={"width": width, "height": 844}, reduced_motion="reduce") as page:
                expect(page.get_by_role("link", name="axe") if place == places[1] else page.locator(".plot path").first).to_be_visible()
                page.evaluate("for (const part of document.querySelectorAll('details')) part.open = true")
                page.wait_for_timeout(200)
                found = [(entry["id"], [node["html"][:200] for node in entry["nodes"]]) for entry in axe.run(page).response["violations"]]
                check(found == [], scheme, width, place, found)
                # Nothing is wider than the screen.
                check(page.evaluate("document.documentElement.scrollWidth <= innerWidth"), scheme, width, place)


TESTS = [headers, schedules, nested, every_type, late_answers, sessions, reconnects, ranges, ranks, experiments, tokens, keyboard,
         accessible]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("program")
    parser.add_argument("--only", choices=[test.__name__ for test in TESTS])
    options = parser.parse_args()
    if not any(map(shutil.which, PROGRAMS)):
        sys.exit("There is no chromium: Scripts/dependencies --only chromium installs it.")
    with sync_playwright() as playwright:
        browser = Browser(playwright, options.program)
        for test in TESTS:
            if options.only in (None, test.__name__):
                start = time.monotonic()
                with tempfile.TemporaryDirectory() as folder:
                    server = Server(options.program, folder)
                    test(browser, f"http://127.0.0.1:{server.port}/")
                    server.kill()
                print(f"page: {test.__name__.replace('_', ' ')} ({time.monotonic() - start:.0f} s)", flush=True)
        browser.browser.close()


if __name__ == "__main__":
    main()
