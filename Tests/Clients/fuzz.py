"""fuzz.py URL [SEED] [COUNT]: posts the catalog's examples with numbers, lists and nesting gone wild, and asks in every form.

The server must answer each with 200 or 422 (never 5xx, never not at all), and no answer may hold a number that is not
finite. Prints what broke these rules and how often each status came; exit status 1 if anything did. Only the standard
library is needed.
"""
import collections
import http.client
import json
import random
import sys
import urllib.parse

URL = urllib.parse.urlparse(sys.argv[1])
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 5000
WILD = [0, 1, 2, 3, -1, 0.5, 1e-308, 5e-324, 1e308, -1e308, 1e300, 1e15, 2**53, 1e-9, 255, 256, 1000, 0.999999, 7]
STEPS = [0, 0.5, 1, 7, 1e6, 1e15, 2**53]
pick = random.Random(SEED)


def chance(part):
    return pick.random() < part


def mutate(value):
    if isinstance(value, bool):
        return pick.choice([value, not value])
    if isinstance(value, (int, float)):
        return pick.choice(WILD) if chance(0.35) else value
    if isinstance(value, dict):
        return {name: mutate(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [mutate(inner) for inner in value] * (pick.choice([0, 2, 3]) if chance(0.1) else 1)
    return value


def wrap(schedule):
    if chance(0.5):
        return schedule
    return pick.choice([
        {"type": "stretch", "speed": pick.choice([1e300, 4, 1e12]), "schedule": schedule},
        {"type": "stretch", "by": pick.choice([1e-300, 3]), "schedule": schedule},
        {"type": "shift", "by": pick.choice([1e15, -5, 1e308]), "schedule": schedule},
        {"type": "repeat", "period": pick.choice([1e-300, 3, 1e15]), "multiplier": pick.choice([0.5, 1, 2, 1e10]), "schedule": schedule},
        {"type": "noise", "generator": pick.choice(["torch", "splitmix"]), "seed": pick.choice([0, 2**53]), "schedule": schedule},
        {"type": "quantize", "every": pick.choice([1e-300, 3]), "schedule": schedule},
        {"type": "hold", "from": pick.choice([0, 1e300]), "schedule": schedule},
        {"type": "sequence", "boundaries": [pick.choice([0, 5, 1e300])], "schedules": [schedule, schedule]},
        {"type": "table", "values": [1, 2], "after": "repeat"},
    ])


def request(entry):
    schedule = wrap(mutate(entry["example"]["schedule"]))
    if chance(0.15) and not entry["loss_driven"]:
        cosine = {"type": "cosine", "base_lr": 1, "total_steps": 9}
        steps = pick.choice([1, 40, {"count": 9, "stride": 1e14}])
        return "/compare" + pick.choice(["", "?format=svg"]), {"schedules": [schedule, cosine], "steps": steps}
    body = {"schedule": schedule}
    if entry["loss_driven"]:
        body["metrics"] = [pick.choice([1, 0.5, -1, 1e308, -1e308, "nan", "inf", "-inf", 0]) for _ in range(pick.randint(0, 30))]
    elif chance(0.5):
        body["at"] = [pick.choice(STEPS) for _ in range(5)]
    else:
        body["steps"] = pick.choice([0, 1, 50, {"start": 1e15, "count": 5, "stride": 1e12}, {"count": 3, "stride": 1e-300}])
    if chance(0.2):
        body.update(pick.choice([
            {"unit": "epochs", "steps_per_epoch": pick.choice([1e-300, 7, 1e300])},
            {"unit": "samples", "batch_size": pick.choice([1e300, 8]), "gradient_accumulation": 1, "processes": 1},
            {"unit": "fraction", "total_steps": pick.choice([1e-300, 100])},
        ]))
    if chance(0.1):
        body["groups"] = [{"name": "g", "multiplier": pick.choice([0, 1e308, 2]), "freeze_steps": pick.choice([0, 1e300])}]
    forms = ["", "", "?explain=true", "?format=csv", "?format=npy", "?format=svg", "?format=ndjson", "?format=svg&scale=log"]
    return "/schedule" + pick.choice(forms), body


def main():
    connection = http.client.HTTPConnection(URL.hostname, URL.port, timeout=60)
    connection.request("GET", "/schedules")
    catalog = json.loads(connection.getresponse().read())["schedules"]
    statuses, broken = collections.Counter(), 0
    for _ in range(COUNT):
        path, body = request(pick.choice(catalog))
        try:
            connection.request("POST", path, json.dumps(body), {"Content-Type": "application/json"})
            response = connection.getresponse()
            text = response.read().lower()
        except OSError as problem:
            print("no answer:", problem, path, json.dumps(body)[:600])
            return 1
        statuses[response.status] += 1
        isText = response.status == 200 and "npy" not in path and "svg" not in path and "explain" not in path
        if response.status not in (200, 422) or isText and (b"nan" in text or b":inf" in text or b",inf" in text):
            print(response.status, path, json.dumps(body)[:600], text[:200])
            broken += 1
    print(dict(statuses), broken, "broken")
    return 1 if broken else 0


sys.exit(main())
