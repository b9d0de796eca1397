"""forms.py URL: reads every form of POST /schedule with the tools that people read it with, and compares it with the JSON.

Needs numpy. Scripts/contract runs it on the server that it has started.
"""
import csv
import io
import json
import sys
import urllib.error
import urllib.request
import xml.dom.minidom

import numpy

URL = sys.argv[1] + "/schedule"


def post(body, accept=None, query=""):
    headers = {"Content-Type": "application/json"}
    if accept:
        headers["Accept"] = accept
    request = urllib.request.Request(URL + query, data=json.dumps(body).encode(), headers=headers)
    with urllib.request.urlopen(request, timeout=60) as response:
        return response.read(), response.headers["Content-Type"]


def check(body):
    answer = json.loads(post(body)[0])
    rates = answer["learning_rates"]
    columns = {"learning_rate": rates}
    columns.update({name: values for name, values in answer.items() if name not in ("learning_rates", "groups")})
    columns.update(answer.get("groups", {}))

    array = numpy.load(io.BytesIO(post(body, "application/x-npy")[0]), allow_pickle=False)
    assert len(array) == len(rates)
    for name, values in columns.items():
        column = array if len(columns) == 1 else array[name]
        assert column.dtype == numpy.dtype("<f8") and numpy.array_equal(column, numpy.array(values)), name

    rows = list(csv.DictReader(io.StringIO(post(body, "text/csv")[0].decode(), newline="")))
    assert len(rows) == len(rates)
    for name, values in columns.items():
        assert [float(row[name]) for row in rows] == values, name

    lines = [json.loads(line) for line in post(body, "application/x-ndjson")[0].splitlines()]
    assert len(lines) == len(rates)
    for line, row, rate in zip(lines, rows, rates):
        assert line["learning_rate"] == rate and line["step"] == float(row["step"])
        assert all(line["groups"][name] is not None for name in answer.get("groups", {}))

    picture, kind = post(body, query="?format=svg")
    assert kind == "image/svg+xml"
    assert xml.dom.minidom.parseString(picture).documentElement.tagName == "svg"


cosine = {"type": "cosine", "base_lr": 0.1, "total_steps": 100}
check({"schedule": cosine, "steps": 1})
check({"schedule": cosine, "steps": 10_000})
check({"schedule": cosine, "at": [5, 3, 1e15]})
check({"schedule": {"type": "torch.OneCycleLR", "max_lr": 0.1, "total_steps": 10}, "steps": 10})
check({
    "schedule": cosine, "steps": {"start": 0.5, "count": 9_000, "stride": 0.25},
    "groups": [{"name": "head", "multiplier": 10}, {"name": "a \"name\", with a comma ü", "freeze_steps": 3}],
    "layer_decay": {"decay": 0.75, "layers": 12}, "companions": {"weight_decay": cosine},
})
empty = numpy.load(io.BytesIO(post({"schedule": cosine, "steps": 0}, "application/x-npy")[0]))
assert empty.shape == (0,)
try:
    post({"schedule": cosine, "steps": 1}, "text/html")
    raise AssertionError("406 was expected")
except urllib.error.HTTPError as error:
    problem = json.load(error)
    assert error.code == 406 and "application/x-npy" in problem["detail"]
print("every form reads back")
