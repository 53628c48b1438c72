"""A training run that asks for its promotion, after comparing itself with the champion: the training flow, ① to ⑦.

It trains (here: picks a threshold), logs parameters, metrics and the model to MLflow, registers a version, compares its validation metric with that
of the champion's run, names itself challenger, and asks GuardianFlow what the field says. Where that speaks for it, it is promoted; where records
are missing it goes to Staging, where they come from; where it is worse it stays what it is. `expected` is the champion that it compared itself
with: if somebody else promoted meanwhile, the answer is 409, and nothing was changed. With a version it trains nothing and asks again for
that one, when there are records of it.

    pip install mlflow requests
    export MLFLOW_TRACKING_URI=http://127.0.0.1:5000 GF_URL=http://127.0.0.1:3000
    python train_and_promote.py detector        # trains
    python train_and_promote.py detector 2      # asks again for version 2

Settings: MLFLOW_TRACKING_URI, GF_URL, GF_TOKEN (a token of the role operator, where the server asks for one), SEED.
"""

import json
import os
import pathlib
import random
import sys
import tempfile
import time
import urllib.parse

import mlflow
import requests

NAME = sys.argv[1] if len(sys.argv) > 1 else "detector"
MODEL = f"{os.environ.get('GF_URL', 'http://127.0.0.1:3000')}/api/models/{urllib.parse.quote(NAME, safe='')}"

gf = requests.Session()
gf.headers["User-Agent"] = "training-server"
if os.environ.get("GF_TOKEN"):
    gf.headers["Authorization"] = f"Bearer {os.environ['GF_TOKEN']}"


def train() -> str:
    """Trains, logs and registers. Returns the version."""
    # ① ② Your training on your data.
    rng = random.Random(os.environ.get("SEED"))
    threshold = round(rng.uniform(0.3, 0.7), 3)
    score = round(0.8 - abs(threshold - 0.5), 4)
    # ③ ④ ⑤ Parameters, metrics and files go to MLflow, which keeps them in its database and its store of artifacts.
    mlflow.set_experiment(f"train/{NAME}")
    with mlflow.start_run() as run, tempfile.TemporaryDirectory() as folder:
        mlflow.log_param("threshold", threshold)
        mlflow.log_metric("val/mAP50", score)
        path = pathlib.Path(folder, "model.json")
        path.write_text(json.dumps({"threshold": threshold}))
        mlflow.log_artifact(str(path), "model")
    client = mlflow.MlflowClient()
    try:
        client.create_registered_model(NAME)
    except mlflow.exceptions.MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    return str(client.create_model_version(NAME, f"{run.info.artifact_uri}/model", run.info.run_id).version)


def ask(method: str, path: str, body: dict | None = None) -> requests.Response:
    """Asks GuardianFlow; its sentence where it refuses."""
    answer = gf.request(method, MODEL + path, json=body, timeout=60)
    if answer.status_code not in (200, 201, 202, 404, 409):
        sys.exit(f"GuardianFlow: {answer.status_code} {answer.text}")
    return answer


def until_known(version: str) -> str:
    """The run of a version, as soon as GuardianFlow has seen that: it looks at MLflow every few seconds."""
    for _ in range(60):
        answer = ask("GET", f"/versions/{version}")
        if answer.status_code == 200:
            return answer.json()["run_id"]
        time.sleep(0.5)
    sys.exit(f"GuardianFlow does not see v{version}")


def validated(run: str | None) -> float | None:
    return mlflow.MlflowClient().get_run(run).data.metrics.get("val/mAP50") if run else None


def main() -> int:
    again = len(sys.argv) > 2
    version = sys.argv[2] if again else train()
    score = validated(until_known(version))
    print(f"{NAME} v{version}: val/mAP50 {score}")
    # ⑥ Compare with the champion.
    answer = ask("GET", "/champion")
    champion = answer.json() if answer.status_code == 200 else None
    expected = champion["version"] if champion else None
    if champion:
        before = validated(champion["run_id"])
        print(f"champion v{expected}: val/mAP50 {before}")
        if None not in (score, before) and score <= before:
            print("not better on the validation set: it stays as it is")
            return 0
        if not again:
            ask("POST", "/challenger", {"version": version, "reason": f"val/mAP50 {before} -> {score}"})
    # What would change, and what the field says.
    change = {"version": version, "to": "production", "expected": expected}
    review = ask("POST", "/promotions", {**change, "dry_run": True}).json()
    verdict = review["verdict"]
    print(f"in the field: {review['evidence']['sentence'] if verdict else 'nothing to be compared with'}")
    for warning in review["warnings"]:
        print(f"warning: {warning}")
    if verdict in ("worse", "unhealthy"):
        return 0
    # ⑦ Ask for promotion: to production with evidence or as the first one, else to where evidence comes from.
    if champion and verdict not in ("better", "not_worse"):
        if again:
            print("not decided: it stays where it is")
            return 0
        change["to"] = "staging"
    change["reason"] = f"val/mAP50 {score}; in the field {verdict or 'unknown'}"
    if change["to"] == "production" and review["needs_approval"]:
        asked = ask("POST", "/requests", change).json()
        print(f"request {asked['id']} waits for somebody to approve it")
        return 0
    answer = ask("POST", "/promotions", change)
    done = answer.json()
    if answer.status_code == 409:
        print(f"somebody was faster: {done['detail']}")
        return 3
    print(f"{done['outcome']}: v{version} to {change['to']}; champion is v{done['model']['champion']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
