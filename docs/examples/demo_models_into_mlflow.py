"""Writes the registered models of GuardianFlow's demo into your MLflow, with MLflow's own client.

The demo registers its models in GuardianFlow itself. With this they stand in an MLflow as they would after months of training: experiments, runs
with parameters, metrics and a model card, registered versions with their tags, stages, and the aliases champion, challenger and rollback.
The tags model_architecture and model_version of a version are what leads the records of the fleet to it.

    pip install mlflow
    guardianflow demo models | MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python demo_models_into_mlflow.py
    MLFLOW_TRACKING_URI=http://127.0.0.1:5000 guardianflow serve --demo 1

It reads a file instead of the pipe where one is named. Running it twice adds nothing and moves nothing; a model of the same name that it did not
make is left as it is.
"""

import json
import pathlib
import sys
import tempfile
import warnings

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.exceptions import MlflowException

# Says of a model that it is the demo's, and whether all of it is written.
MARK, BEGUN, WRITTEN = "simulated", "begun", "true"
client = mlflow.MlflowClient()


def card(model: str, version: dict) -> str:
    """The model card, in Markdown."""
    run = version["run"]
    table = lambda rows: "".join(f"| {key} | {value} |\n" for key, value in sorted(rows.items()))
    return (
        f"# {model} v{version['version']}\n\n{version['description']}. Trained by {run['user']}; simulated.\n\n"
        f"## Metrics\n\n| metric | last value |\n|---|---|\n{table(run['metrics'])}\n"
        f"## Parameters\n\n| parameter | value |\n|---|---|\n{table(run['params'])}"
    )


def write_run(model: str, version: dict) -> tuple[str, str]:
    """The run that made a version. Returns its id and where its model is."""
    run = version["run"]
    experiment = client.get_experiment_by_name(run["experiment"])
    experiment = experiment.experiment_id if experiment else client.create_experiment(run["experiment"])
    tags = {**run["tags"], "mlflow.user": run["user"], MARK: WRITTEN}
    info = client.create_run(experiment, start_time=run["start"], run_name=run["name"], tags=tags).info
    client.log_batch(
        info.run_id,
        metrics=[Metric(key, value, run["end"], 0) for key, value in run["metrics"].items()],
        params=[Param(key, value) for key, value in run["params"].items()],
    )
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "README.md").write_text(card(model, version), encoding="utf-8")
        pathlib.Path(folder, "metrics.json").write_text(json.dumps(run["metrics"], indent=2) + "\n", encoding="utf-8")
        client.log_artifacts(info.run_id, folder, "model")
    client.set_terminated(info.run_id, end_time=run["end"])
    return info.run_id, f"{info.artifact_uri}/model"


def set_stage(name: str, number: str, stage: str) -> None:
    """Stages are deprecated in MLflow: one that has them no more goes without."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", FutureWarning)
            client.transition_model_version_stage(name, number, stage)
    except (AttributeError, MlflowException) as error:
        print(f"{name} v{number} is not in {stage}: {error}", file=sys.stderr)


def write_model(model: dict) -> str:
    """Writes a model, or the rest of it where an earlier run broke off. Says what it did."""
    name = model["name"]
    try:
        client.create_registered_model(name, {MARK: BEGUN}, "Of the simulated fleet")
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
        mark = client.get_registered_model(name).tags.get(MARK)
        if mark != BEGUN:
            return "is there already" if mark else "is there already, and not the demo's: it is left as it is"
    there = len(client.search_model_versions(f"name = '{name}'"))
    for version in model["versions"][there:]:
        run, source = write_run(name, version)
        tags, description = version["tags"], version["description"]
        client.create_model_version(name, source, run, tags=tags, description=description, await_creation_for=0)
    for version in model["versions"]:
        if version["stage"] != "None":
            set_stage(name, str(version["version"]), version["stage"])
        for alias in version["aliases"]:
            client.set_registered_model_alias(name, alias, str(version["version"]))
    client.set_registered_model_tag(name, MARK, WRITTEN)
    return f"{len(model['versions'][there:])} versions written"


def main() -> None:
    described = open(sys.argv[1], encoding="utf-8") if len(sys.argv) > 1 else sys.stdin
    with described:
        models = json.load(described)["models"]
    for model in models:
        print(f"{model['name']}: {write_model(model)}")


if __name__ == "__main__":
    main()
