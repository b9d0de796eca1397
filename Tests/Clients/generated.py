#!/usr/bin/env python3
"""A client that a generator makes of openapi.yaml, without one word of ours, works with the real server.

    Tests/Clients/generated.py URL

The generator is openapi-python-client. It must take the whole contract: every route and every model.
"""
import pathlib
import re
import subprocess
import sys
import tempfile

CONTRACT = pathlib.Path(__file__).resolve().parent.parent.parent / "openapi.yaml"
CONFIGURATION = """
package_name_override: anneal_client
# What else the server answers with is a file to this generator.
content_type_overrides:
  image/svg+xml: application/octet-stream
  application/yaml: text/plain
post_hooks: []
"""


def generate(folder):
    (folder / "configuration.yml").write_text(CONFIGURATION)
    run = subprocess.run(
        [pathlib.Path(sys.executable).parent / "openapi-python-client", "generate", "--path", CONTRACT, "--output-path",
         folder / "client", "--config", folder / "configuration.yml"], capture_output=True, text=True, check=True)
    said = run.stdout + run.stderr
    assert "WARNING" not in said and "Unable" not in said, said
    routes = len(re.findall(r"^      operationId:", CONTRACT.read_text(), re.M))
    made = len([path for path in (folder / "client").glob("anneal_client/api/*/*.py") if path.name != "__init__.py"])
    assert made == routes, f"{made} of {routes} routes"
    sys.path.insert(0, str(folder / "client"))
    return routes


def use(url):
    from anneal_client import Client
    from anneal_client.api.schedules import compare_schedules, evaluate_schedule, list_schedules
    from anneal_client.api.sessions import get_next, get_session, put_session, report
    from anneal_client.models import ComparisonRequest, CosineSchedule, Report, ScheduleRequest, SessionSpecification

    client = Client(base_url=url)
    cosine = {"type": "cosine", "base_lr": 0.1, "total_steps": 4}
    schedule = CosineSchedule.from_dict(cosine)
    answer = evaluate_schedule.sync(client=client, body=ScheduleRequest(schedule=schedule, steps=5))
    assert answer.learning_rates == [0.1, 0.08535533905932738, 0.05, 0.014644660940672627, 0.0], answer
    schedule.total_steps = -4
    answer = evaluate_schedule.sync(client=client, body=ScheduleRequest(schedule=schedule, steps=5))
    assert answer.status == 422 and "total_steps" in answer.detail, answer
    assert len(list_schedules.sync(client=client).schedules) > 50
    curves = compare_schedules.sync(client=client, body=ComparisonRequest.from_dict(
        {"schedule": cosine, "grid": {"base_lr": [0.1, 0.2]}, "steps": 5}))
    assert len(curves.curves) == 2, curves

    specification = SessionSpecification.from_dict(
        {"schedule": {"type": "constant", "base_lr": 0.1},
         "policies": [{"type": "torch.ReduceLROnPlateau", "patience": 1, "factor": 0.5}]})
    session = put_session.sync("generated", client=client, body=specification)
    assert session.id == "generated" and session.learning_rate == 0.1, session
    rates = [report.sync("generated", client=client, body=Report(step=step, loss=2.0)).learning_rate for step in range(4)]
    assert rates == [0.1, 0.1, 0.05, 0.05], rates
    assert get_next.sync("generated", client=client, step=3).learning_rate == 0.05
    assert get_session.sync("generated", client=client).reports == 4


def main():
    with tempfile.TemporaryDirectory() as name:
        routes = generate(pathlib.Path(name))
        use(sys.argv[1])
    print(f"passed: a generated client of {routes} routes evaluates, compares, opens a session, reports and reads")


if __name__ == "__main__":
    main()
