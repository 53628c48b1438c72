"""A training run that asks for its promotion, after comparing itself with the champion.

It trains (here: picks a threshold), logs parameters, metrics and the model to MLflow, registers a version, compares its validation metric with that
of the champion's run, names itself challenger, and asks GuardianFlow what the field says. Where that speaks for it, it is promoted; where records
are missing it goes to Staging, where they come from; where it is worse it stays what it is. `expected` is the champion that it compared itself
with: if somebody else promoted meanwhile, the answer is 409, and nothing was changed.

    pip install mlflow httpx
    MLFLOW_TRACKING_URI=http://127.0.0.1:5000 GF_URL=http://127.0.0.1:3000 python train_and_promote.py detector

Settings: MLFLOW_TRACKING_URI, GF_URL, GF_TOKEN (a token of the role operator, where the server asks for one), SEED.
"""

import json
import os
import random
import sys
import tempfile
import time
import urllib.parse

import httpx
import mlflow

NAME = sys.argv[1] if len(sys.argv) > 1 else "detector"
HEADERS = {"User-Agent": "training-server", **({"Authorization": f"Bearer {os.environ['GF_TOKEN']}"} if os.environ.get("GF_TOKEN") else {})}
gf = httpx.Client(base_url=os.environ.get("GF_URL", "http://127.0.0.1:3000"), headers=HEADERS, timeout=60)
MODEL = f"/api/models/{urllib.parse.quote(NAME, safe='')}"


def train() -> tuple[str, str, float]:
    """Trains, logs and registers. Returns the run, the version and its validation mAP50."""
    rng = random.Random(int(os.environ.get("SEED", time.time_ns())))
    threshold = round(rng.uniform(0.3, 0.7), 3)
    score = round(0.8 - abs(threshold - 0.5), 4)
    mlflow.set_experiment(f"train/{NAME}")
    with mlflow.start_run() as run:
        mlflow.log_param("threshold", threshold)
        mlflow.log_metric("val/mAP50", score)
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "model.json")
            with open(path, "w") as file:
                json.dump({"threshold": threshold}, file)
            mlflow.log_artifact(path, "model")
    client = mlflow.MlflowClient()
    if not any(m.name == NAME for m in client.search_registered_models(f"name = '{NAME}'")):
        client.create_registered_model(NAME)
    made = client.create_model_version(NAME, f"{run.info.artifact_uri}/model", run.info.run_id)
    return run.info.run_id, str(made.version), score


def known(version: str) -> bool:
    """Whether GuardianFlow has seen a version: it looks at MLflow every few seconds."""
    for _ in range(40):
        if gf.get(f"{MODEL}/versions/{version}").status_code == 200:
            return True
        time.sleep(0.5)
    return False


def main() -> int:
    run, version, score = train()
    print(f"run {run} made v{version}, val/mAP50 {score}")
    if not known(version):
        print("GuardianFlow does not see it")
        return 1
    # ⑥ Compare with the champion.
    answer = gf.get(f"{MODEL}/champion")
    champion = answer.json() if answer.status_code == 200 else None
    expected = champion["version"] if champion else None
    if champion:
        before = mlflow.MlflowClient().get_run(champion["run_id"]).data.metrics.get("val/mAP50")
        print(f"champion v{expected}, val/mAP50 {before}")
        if before is not None and score <= before:
            print("not better on the validation set: it stays as it is")
            return 0
        gf.post(f"{MODEL}/challenger", json={"version": version, "reason": f"val/mAP50 {before} -> {score}"}).raise_for_status()
    # What the field says.
    ask = {"version": version, "to": "production", "expected": expected}
    review = gf.post(f"{MODEL}/promotions", json={**ask, "dry_run": True}).raise_for_status().json()
    verdict = review["verdict"]
    print(f"in the field: {verdict or 'no champion to be compared with'}")
    if verdict in ("worse", "unhealthy"):
        print(review["evidence"]["sentence"])
        return 0
    # ⑦ Ask for promotion: to production with evidence or as the first one, else to where evidence comes from.
    target = "production" if verdict in (None, "better", "not_worse") else "staging"
    reason = f"val/mAP50 {score}" + (f"; in the field {verdict}" if verdict else "; the first version")
    answer = gf.post(f"{MODEL}/promotions", json={**ask, "to": target, "reason": reason})
    if answer.status_code == 409:
        print(f"somebody was faster: {answer.json()['detail']}")
        return 3
    done = answer.raise_for_status().json()
    print(f"{done['outcome']}: v{version} to {target}; champion is v{done['model']['champion']}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
