#!/usr/bin/env python3
"""Writes models and their versions as SQL into a database that an MLflow server made: fill.py DB ARTIFACTS MODELS VERSIONS

Over REST 50,000 versions take about ten minutes. Every model has a description, two tags, the champion two versions before the last one
(Production, and version 1 Archived), and the last one as its challenger; these two come from runs with files. Every version has a description and three tags.
The same every time, but for the moments, which end now.
"""
import hashlib, os, sqlite3, sys, time

TASKS = ("detect", "segment", "count", "classify")
CUSTOMERS = ("acme", "borealis", "cobalt", "delta-port", "egret")
HOUR = 3_600_000


def named(m):
    return f"{CUSTOMERS[m % 5]}-{TASKS[m // 5 % 4]}-{m:04}"


def noise(text):
    return hashlib.sha1(text.encode()).hexdigest()


def fill(path, artifacts, models, versions):
    db = sqlite3.connect(path, timeout=60)

    def insert(table, columns, rows):
        db.executemany(f"INSERT INTO {table} ({columns}) VALUES ({', '.join('?' * (columns.count(',') + 1))})", rows)

    last, champion, now = versions, versions - 2, int(time.time() * 1000)
    born = lambda m, v: now - (versions - v) * 12 * HOUR - m * 60_000
    run = lambda m, v: noise(f"run/{m}/{v}")[:32]
    folder = lambda m, v: f"{m // 5 % 4 + 1}/{run(m, v)}/artifacts"
    stage = lambda v: {champion: "Production", 1: "Archived"}.get(v, "None")
    every = [(m, v) for m in range(models) for v in range(1, versions + 1)]
    runs = [(m, v) for m in range(models) for v in (champion, last)]
    quality = lambda m, v: 0.7 + int(noise(f"f1/{m}/{v}")[:4], 16) / 65_536 / 5

    insert("experiments", "experiment_id, name, artifact_location, lifecycle_stage, creation_time, last_update_time",
           [(k + 1, f"{task}/all", f"mlflow-artifacts:/{k + 1}", "active", now - 90 * 24 * HOUR, now) for k, task in enumerate(TASKS)])
    insert("runs", "run_uuid, name, source_type, source_name, entry_point_name, user_id, status, start_time, end_time, source_version, lifecycle_stage, artifact_uri, experiment_id",
           [(run(m, v), f"{named(m)}-run-{v}", "LOCAL", "train.py", "", f"user-{m % 7}", "FINISHED", born(m, v) - HOUR, born(m, v) - 1000, "", "active",
             f"mlflow-artifacts:/{folder(m, v)}", m // 5 % 4 + 1) for m, v in runs])
    insert("params", '"key", value, run_uuid', [("lr", f"{quality(m, v) / 700:.6f}", run(m, v)) for m, v in runs])
    points = [("f1", quality(m, v), born(m, v) - 1000, run(m, v), 1, 0) for m, v in runs]
    for table in ("metrics", "latest_metrics"):
        insert(table, '"key", value, timestamp, run_uuid, step, is_nan', points)

    insert("registered_models", "name, creation_time, last_updated_time, description",
           [(named(m), born(m, 1), born(m, last), f"Model {m} of {CUSTOMERS[m % 5]}. Gate: f1 at least 0.85 on the frozen set.") for m in range(models)])
    insert("registered_model_tags", '"key", value, name', [row for m in range(models) for row in (
        ("customer", CUSTOMERS[m % 5], named(m)), ("task", TASKS[m // 5 % 4], named(m)))])
    insert("registered_model_aliases", "name, alias, version",
           [row for m in range(models) for row in ((named(m), "champion", champion), (named(m), "challenger", last))])
    insert("model_versions", "name, version, creation_time, last_updated_time, description, user_id, current_stage, source, run_id, run_link, status, status_message",
           [(named(m), v, born(m, v), born(m, v), f"v{v}, trained on the week before", f"user-{m % 7}", stage(v),
             f"mlflow-artifacts:/{folder(m, v)}/model", run(m, v) if v in (champion, last) else "", "", "READY", None) for m, v in every])
    insert("model_version_tags", '"key", value, name, version', [row for m, v in every for row in (
        ("f1", f"{quality(m, v):.4f}", named(m), v), ("git_sha", noise(f"git/{m}/{v}"), named(m), v),
        ("validation", "passed" if quality(m, v) > 0.75 else "failed", named(m), v))])
    db.commit()
    db.close()
    for m, v in runs:
        os.makedirs(f"{artifacts}/{folder(m, v)}/model")
        with open(f"{artifacts}/{folder(m, v)}/model/MLmodel", "w") as f:
            f.write("artifact_path: model\n")


if __name__ == "__main__":
    fill(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
