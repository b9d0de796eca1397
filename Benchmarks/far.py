"""far.py PORT: how long `at: [1]` and `at: [10^15]` take to answer, for the example of every schedule type."""
import http.client
import json
import statistics
import sys
import time

connection = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1]))


def post(schedule, step):
    connection.request("POST", "/schedule", json.dumps({"schedule": schedule, "at": [step]}))
    response = connection.getresponse()
    response.read()
    return response.status


def microseconds(schedule, step):
    times = []
    for _ in range(400):
        start = time.perf_counter()
        post(schedule, step)
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1e6


connection.request("GET", "/schedules")
catalog = json.loads(connection.getresponse().read())["schedules"]
print("%-36s%-16s%-20s%s" % ("type", "µs at: [1]", "µs at: [10^15]", "ratio"))
for entry in catalog:
    schedule = entry["example"]["schedule"]
    if post(schedule, 10**15) != 200:
        print("%-36s%s" % (entry["type"], "ends before step 10^15"))
        continue
    microseconds(schedule, 1)
    near, far = microseconds(schedule, 1), microseconds(schedule, 10**15)
    print("%-36s%-16.0f%-20.0f%.2f" % (entry["type"], near, far, far / near))
