#!/usr/bin/env python3
"""Logs a small and nasty set of experiments and runs by the real MLflow client, and prints as its last line, in JSON, what that client
reads of it: mlflow_fixture.py URI, where URI is http://…, sqlite:////…/mlflow.db, or a folder.

Names are such as somebody may write by mistake or malice; what a store refuses is left out. Numbers are texts that Python and Rust
read alike; infinities are the largest finite numbers, as MLflow's databases keep them."""

import json
import os
import pathlib
import struct
import sys
import tempfile
import warnings
import zlib

os.environ.update(
    MLFLOW_DISABLE_TELEMETRY="true",
    MLFLOW_ALLOW_FILE_STORE="true",
    MLFLOW_LOGGING_LEVEL="ERROR",
    MLFLOW_HTTP_REQUEST_MAX_RETRIES="0",
    MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT="true",
    GIT_PYTHON_REFRESH="quiet",
)
warnings.filterwarnings("ignore")

from mlflow import MlflowClient  # noqa: E402
from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param, RunTag, ViewType  # noqa: E402
from mlflow.exceptions import MlflowException  # noqa: E402

uri = sys.argv[1]
client = MlflowClient(tracking_uri=uri, registry_uri=uri)
T0 = 1_767_225_600_000  # 2026-01-01T00:00:00Z
MAX = sys.float_info.max

HTML = "<script>alert(1)</script><img src=x onerror=alert(2)>"
RIGHT_TO_LEFT = "\u202egnp.exe \u05e9\u05dc\u05d5\u05dd"
QUOTES = "it's \"quoted\" `ticked` \\ back"
DOTS = "%2e%2e/../..%2f"
KOREAN = "결함 검출 – 서울"
SCRATCH = tempfile.mkdtemp(prefix="gf-fixture-")


def location(name):
    """Where an experiment's files go; a server and a folder know for themselves."""
    if not uri.startswith("sqlite:"):
        return None
    database = pathlib.Path(uri.removeprefix("sqlite:///"))
    return (database.parent / "artifacts" / name).as_uri()


def attempt(call, *args, **named):
    try:
        return call(*args, **named)
    except MlflowException:
        return None


def run(experiment, name, start, status="FINISHED", end=None, metrics=(), params=(), tags=()):
    made = client.create_run(experiment, start_time=start, run_name=name, tags=dict(tags))
    id = made.info.run_id
    metrics = [Metric(key, value, timestamp, step) for key, value, timestamp, step in metrics]
    for at in range(0, len(metrics), 1000):
        client.log_batch(id, metrics=metrics[at : at + 1000])
    for key, value in params:
        attempt(client.log_param, id, key, value)
    if status != "RUNNING":
        client.set_terminated(id, status, end or start + 60_000)
    return id


def png():
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", 2, 2, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\0\xff\0\0\0\xff\0" * 2)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def artifact(id, path, content):
    file = pathlib.Path(SCRATCH, path)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    folder = str(pathlib.PurePosixPath(path).parent)
    attempt(client.log_artifact, id, str(file), None if folder == "." else folder)


def nasty():
    # The folder store cannot read back a name with an apostrophe.
    names = [f"nasty {QUOTES}", "nasty \"quoted\" back"]
    home = next(filter(None, (attempt(client.create_experiment, name, location("nasty")) for name in names)))
    client.set_experiment_tag(home, "customer", KOREAN)
    client.set_experiment_tag(home, "mlflow.note.content", HTML)
    metrics = [
        ("f1", 0.1 + 0.2, T0, 0),
        ("f1", 0.8765432109876543, T0 + 1000, 1),
        ("val/mAP50", 0.5, T0, 0),
        ("nan", float("nan"), T0, 3),
        ("inf", float("inf"), T0, 0),
        ("minus inf", float("-inf"), T0, 0),
        ("largest", MAX, T0, 0),
        ("tiny", 5e-324, T0, 0),
        ("third", 1 / 3, T0, 0),
        ("negative", -12345.678901234567, T0, -5),
        ("far step", 1.0, T0, 2**53 + 1),
        ("정확도", 1.0, T0, 0),
        # The same step thrice, and NaN among numbers.
        ("twice", 3.0, T0 + 2, 7),
        ("twice", 1.0, T0 + 2, 7),
        ("twice", 2.0, T0 + 3, 7),
        ("mixed", 1.0, T0, 0),
        ("mixed", float("nan"), T0 + 1, 1),
        ("mixed", 2.0, T0 + 2, 2),
        # The clock was put back.
        ("jump", 1.0, T0 + 3_600_000, 0),
        ("jump", 2.0, T0, 1),
        ("jump", 3.0, T0 + 7_200_000, 2),
        ("jump", 4.0, 1, 3),
    ]
    params = [
        ("lr", "0.001"),
        ("optim/lr", "1e-4"),
        ("batch size", "32"),
        ("html", HTML),
        ("quotes", QUOTES),
        ("dots", DOTS),
        ("rtl", RIGHT_TO_LEFT),
        ("long", "x" * 10_240),
        ("empty", ""),
        ("nul", "a\0b"),
        ("lines", "a\nb\r\nc"),
        ("학습률", "0.1"),
        (HTML, "refused as a key"),
        ("..", "refused as a key"),
    ]
    id = run(home, f"main {HTML}", T0, metrics=metrics, params=params)
    for key, value in [
        ("site", KOREAN),
        ("html", HTML),
        ("quotes", QUOTES),
        ("rtl", RIGHT_TO_LEFT),
        ("lines", "a\nb\n\n  c  "),
        ("long", "y" * 8_000),
        ("mlflow.user", "어느 사람"),
        ("mlflow.source.name", "train.py"),
        ("mlflow.source.git.commit", "0123456789abcdef0123456789abcdef01234567"),
        ("mlflow.note.content", f"# {HTML}"),
        ("a/b", "below"),
    ]:
        attempt(client.set_tag, id, key, value)
    source = json.dumps({"url": f"s3://bucket/{DOTS}"})
    datasets = [
        DatasetInput(Dataset("yard", "abc123", "s3", source, "{}", "{}"), [InputTag("mlflow.data.context", "training")]),
        DatasetInput(Dataset(f"names {QUOTES}", "def456", "local", "{}"), []),
    ]
    client.log_inputs(id, datasets)
    artifact(id, "model/MLmodel", b"artifact_path: model\nflavors:\n  python_function:\n    loader_module: nothing\n")
    artifact(id, "model/data/weights.bin", bytes(range(256)) * 800)
    artifact(id, "report/confusion.json", json.dumps({"labels": [HTML, KOREAN], "matrix": [[1, 2], [3, 4]]}).encode())
    artifact(id, "report/table.csv", "name,value\n\"a,b\",1\n".encode())
    artifact(id, "report/with space & ümlaut.txt", "text ".encode() * 100)
    artifact(id, "plot.png", png())
    artifact(id, "no picture.png", b"<svg onload=alert(1)>")
    artifact(id, "page.html", HTML.encode())
    artifact(id, "empty.txt", b"")
    model = attempt(client.create_logged_model, home, name="detector", source_run_id=id, model_type="yolo")
    if model is not None:
        attempt(client.finalize_logged_model, model.model_id, "READY")
    client.create_registered_model("yard-detector")
    for _ in range(2):
        client.create_model_version("yard-detector", f"runs:/{id}/model", run_id=id)
    for name, status in [(QUOTES, "FAILED"), (RIGHT_TO_LEFT, "KILLED"), (DOTS, "RUNNING"), ("z" * 250, "FINISHED")]:
        run(home, name, T0 + 60_000, status, metrics=[("f1", 0.5, T0, 0)])
    scheduled = run(home, "scheduled", T0 + 120_000, "RUNNING")
    attempt(client.update_run, scheduled, status="SCHEDULED")
    gone = run(home, "deleted", T0 + 180_000)
    client.delete_run(gone)
    return {"main": id, "deleted_run": gone, "scheduled": scheduled, "nasty": home}


def long_history():
    home = client.create_experiment("history", artifact_location=location("history"))
    spikes = {7, 640, 1234, 1999, 2500, 2998}
    points = [("loss", 50.0 + s if s in spikes else 1.0 / (1 + s), T0 + s * 250, s) for s in range(3_000)]
    return {"history": home, "long": run(home, "long", T0, end=T0 + 750_000, metrics=points)}


def many():
    home = client.create_experiment(KOREAN, artifact_location=location("many"))
    for i in range(25):
        run(home, f"run {i:02}", T0 + i * 1000, metrics=[("f1", i / 25, T0, 0)], params=[("i", str(i))])
    empty = client.create_experiment(HTML, artifact_location=location("empty"))
    gone = client.create_experiment("deleted", artifact_location=location("deleted"))
    lost = run(gone, "in a deleted experiment", T0)
    client.delete_experiment(gone)
    return {"many": home, "empty": empty, "deleted_experiment": gone, "lost": lost}


def text(x):
    return repr(max(min(x, MAX), -MAX)) if x == x else "NaN"


def files(id, folder=None):
    for entry in client.list_artifacts(id, folder):
        yield {"path": entry.path, "is_folder": entry.is_dir, "size": None if entry.is_dir else entry.file_size}
        if entry.is_dir:
            yield from files(id, entry.path)


def read_run(run):
    info, data, id = run.info, run.data, run.info.run_id
    deleted = info.lifecycle_stage != "active"
    latest = {m.key: {"value": text(m.value), "step": m.step, "timestamp": m.timestamp} for m in data._metric_objs}
    history = {}
    for key in data.metrics:
        points = client.get_metric_history(id, key)
        history[key] = [[p.step, p.timestamp, text(p.value)] for p in points]
    inputs = run.inputs.dataset_inputs if run.inputs else []
    context = lambda tags: next((t.value for t in tags if t.key == "mlflow.data.context"), "")  # noqa: E731
    return {
        "id": id,
        "experiment": info.experiment_id,
        "name": info.run_name,
        "user": info.user_id,
        "status": info.status,
        "start": info.start_time,
        "end": info.end_time,
        "artifact_uri": info.artifact_uri,
        "lifecycle": info.lifecycle_stage,
        "metrics": latest,
        "params": data.params,
        "tags": data.tags,
        "history": history,
        "datasets": sorted([i.dataset.name, i.dataset.digest, context(i.tags), i.dataset.source] for i in inputs),
        "artifacts": [] if deleted else sorted(files(id), key=lambda f: f["path"]),
    }


def read():
    experiments = client.search_experiments(ViewType.ALL, max_results=1000)
    runs = client.search_runs([e.experiment_id for e in experiments], run_view_type=ViewType.ALL, max_results=1000)
    main = next(r for r in runs if r.info.run_name.startswith("main "))
    models = attempt(client.search_logged_models, [main.info.experiment_id]) or []
    versions = client.search_model_versions(f"run_id = '{main.info.run_id}'")
    return {
        "experiments": [
            {
                "id": e.experiment_id,
                "name": e.name,
                "lifecycle": e.lifecycle_stage,
                "artifact_location": e.artifact_location,
                "created": e.creation_time,
                "updated": e.last_update_time,
                "tags": e.tags,
            }
            for e in experiments
        ],
        "runs": [read_run(r) for r in runs],
        "logged_models": [
            {"id": m.model_id, "name": m.name, "status": str(m.status.value), "kind": m.model_type or ""}
            for m in models
            if m.source_run_id == main.info.run_id
        ],
        "versions": sorted([v.name, str(v.version)] for v in versions),
    }


ids = {**nasty(), **long_history(), **many()}
print(json.dumps({"ids": ids, **read()}))
