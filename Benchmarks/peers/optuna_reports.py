"""Optuna's storage as a place for reports: N trials, each as fast as its reports are taken, in threads of some processes.

    optuna_reports.py URL TRIALS SECONDS [PROCESSES]

URL is SQLAlchemy's: sqlite:///path, postgresql://…
"""
import multiprocessing
import sys
import threading
import time

import optuna

optuna.logging.set_verbosity(optuna.logging.ERROR)
url, count, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
processes = int(sys.argv[4]) if len(sys.argv) > 4 else 1
name = f"bench-{count}"


def storage():
    if url.startswith("sqlite"):
        return optuna.storages.RDBStorage(url, engine_kwargs={"connect_args": {"timeout": 100}})
    # A PostgreSQL has 100 connections as it comes; the processes share 64.
    return optuna.storages.RDBStorage(
        url, engine_kwargs={"pool_size": 64 // processes, "max_overflow": 0, "pool_timeout": 600})


def run(trials, start, results):
    own = storage()
    study = optuna.load_study(study_name=name, storage=own)
    mine = [optuna.trial.Trial(study, number) for number in trials]
    times = [[] for _ in mine]
    start.wait()
    end = time.perf_counter() + seconds

    def report(number):
        step = 0
        while time.perf_counter() < end:
            before = time.perf_counter()
            mine[number].report(2 + 100 / (step + 10), step)
            times[number].append(time.perf_counter() - before)
            step += 1

    threads = [threading.Thread(target=report, args=(number,)) for number in range(len(mine))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    results.put(sum(times, []))


if __name__ == "__main__":
    study = optuna.create_study(study_name=name, storage=storage())
    trials = [study.ask()._trial_id for _ in range(count)]
    context = multiprocessing.get_context("spawn")
    start, results = context.Barrier(processes), context.Queue()
    workers = [context.Process(target=run, args=(trials[index::processes], start, results)) for index in range(processes)]
    for worker in workers:
        worker.start()
    taken = sorted(sum((results.get() for _ in workers), []))
    for worker in workers:
        worker.join()
    print(count, round(len(taken) / seconds), f"{taken[len(taken) // 2] * 1e3:.2f}", f"{taken[len(taken) * 99 // 100] * 1e3:.2f}")
