"""Logs 5 experiments with 200 runs through the real client: faults_fixture.py URI. Prints their ids as JSON."""

import json
import math
import sys

from mlflow import MlflowClient
from mlflow.entities import Metric, Param, RunTag

STARTED = 1_767_225_600_000  # 2026-01-01T00:00:00Z, in ms

client = MlflowClient(sys.argv[1])
experiments = [client.create_experiment(f"detect/site-{n}") for n in range(5)]
runs = []
for n in range(200):
    start = STARTED + n * 1_200_000
    run = client.create_run(experiments[n % 5], start_time=start, run_name=f"run-{n:03}").info.run_id
    metrics = [
        Metric(name, 0.5 + 0.4 * (1 - math.exp(-step / 5)) + n / 10_000, start + step * 1_000, step)
        for name in ("mAP50", "loss", "recall", "precision")
        for step in range(20)
    ]
    params = [Param("lr", f"{0.0001 * (1 + n % 7):.4f}"), Param("epochs", "20"), Param("optimizer", ("sgd", "adam")[n % 2])]
    tags = [RunTag("customer", "acme"), RunTag("site", f"site-{n % 5}"), RunTag("task", "detection")]
    client.log_batch(run, metrics=metrics, params=params, tags=tags)
    client.set_terminated(run, end_time=start + 600_000)
    runs.append(run)
print(json.dumps({"experiments": experiments, "runs": runs}))
