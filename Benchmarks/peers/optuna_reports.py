"""Optuna's storage on SQLite as a place for reports: N threads, a trial each, as fast as they are taken.

    optuna_reports.py DATABASE THREADS SECONDS
"""
import sys
import threading
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
path, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
storage = optuna.storages.RDBStorage(f"sqlite:///{path}", engine_kwargs={"connect_args": {"timeout": 100}})
study = optuna.create_study(storage=storage)
trials = [study.ask() for _ in range(count)]
times = [[] for _ in range(count)]
end = time.perf_counter() + seconds


def report(number):
    step = 0
    while time.perf_counter() < end:
        before = time.perf_counter()
        trials[number].report(2 + 100 / (step + 10), step)
        times[number].append(time.perf_counter() - before)
        step += 1


threads = [threading.Thread(target=report, args=(number,)) for number in range(count)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
taken = sorted(sum(times, []))
print(count, round(len(taken) / seconds), f"{taken[len(taken) // 2] * 1e3:.2f}", f"{taken[len(taken) * 99 // 100] * 1e3:.2f}")
