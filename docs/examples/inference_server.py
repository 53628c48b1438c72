"""An inference server that follows the champion of a model: the inference flow, Ⓐ to Ⓔ.

It asks GuardianFlow which version is to run, downloads its files, and serves predictions with it. In the background it waits for another
champion (a long poll: the answer comes when there is one), loads that beside the old one, and only then lets requests go to it. When
GuardianFlow or MLflow is away, it goes on with what it has, and starts again with what it had last.

    pip install fastapi uvicorn requests
    GF_URL=http://127.0.0.1:3000 GF_MODEL=detector uvicorn inference_server:app

Settings: GF_URL, GF_MODEL, GF_TOKEN (a token of the role viewer, where the server asks for one), GF_CUSTOMER and GF_SITE (where this
server stands), MODEL_DIR (where files are kept, default ./models).
"""

import contextlib
import json
import os
import pathlib
import threading
import time
import urllib.parse

import fastapi
import requests

URL = os.environ.get("GF_URL", "http://127.0.0.1:3000")
NAME = os.environ.get("GF_MODEL", "detector")
FOLDER = pathlib.Path(os.environ.get("MODEL_DIR", "models")) / NAME
LAST = FOLDER / "last.json"
PLACE = {key: os.environ[f"GF_{key.upper()}"] for key in ("customer", "site") if os.environ.get(f"GF_{key.upper()}")}
CHAMPION = f"{URL}/api/models/{urllib.parse.quote(NAME, safe='')}/champion"

http = requests.Session()
http.headers["User-Agent"] = "inference-server"  # GuardianFlow shows who runs which version.
if os.environ.get("GF_TOKEN"):
    http.headers["Authorization"] = f"Bearer {os.environ['GF_TOKEN']}"

serving: dict | None = None
"""What GuardianFlow said of the version that serves, with `model`, the loaded model. Replaced as a whole, never changed."""


def load(folder: pathlib.Path):
    """Loads a model. This one is a threshold in a JSON file; yours is `onnxruntime.InferenceSession(folder / "model.onnx")` or the like."""
    threshold = float(json.loads((folder / "model.json").read_text())["threshold"])
    return lambda scores: [score for score in scores if score >= threshold]


def download(files_at: str, folder: pathlib.Path, path: str = "") -> None:
    """Ⓓ Downloads the files of a version: folders by their lists, files whole, each first under another name."""
    listed = http.get(files_at, params={"path": path}, timeout=60)
    listed.raise_for_status()
    for entry in listed.json()["files"]:
        if entry["is_folder"]:
            download(files_at, folder, entry["path"])
            continue
        target = folder / entry["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        with http.get(f"{files_at}/file", params={"path": entry["path"]}, stream=True, timeout=60) as answer, part.open("wb") as file:
            answer.raise_for_status()
            for piece in answer.iter_content(1 << 20):
                file.write(piece)
        part.replace(target)


def serve(told: dict) -> None:
    """Loads a version beside the one that serves, and lets requests go to it."""
    global serving
    serving = {**told, "model": load(FOLDER / told["version"])}
    print(f"serving {NAME} v{told['version']}", flush=True)


def follow() -> None:
    """Ⓑ Ⓒ Asks for the champion, and then for another one, for ever."""
    etag = None
    with contextlib.suppress(Exception):  # Nothing that would serve was kept.
        serve(json.loads(LAST.read_text()))
    while True:
        try:
            asked = {**PLACE, "wait": 20 if etag else 0}
            answer = http.get(CHAMPION, params=asked, headers={"If-None-Match": etag} if etag else {}, timeout=60)
            if answer.status_code == 304:
                continue
            answer.raise_for_status()
            told = answer.json()
            if serving is None or any(told[key] != serving[key] for key in ("version", "artifact_uri")):
                download(URL + told["download"], FOLDER / told["version"])
                serve(told)
                LAST.write_text(json.dumps(told))
            etag = answer.headers["ETag"]
        except Exception as error:  # Whatever it is, the version that serves goes on.
            print(f"going on with {'v' + serving['version'] if serving else 'nothing'}: {error}", flush=True)
            time.sleep(2)


@contextlib.asynccontextmanager
async def lifespan(_app: fastapi.FastAPI):
    threading.Thread(target=follow, daemon=True).start()
    yield


app = fastapi.FastAPI(lifespan=lifespan)


def champion() -> dict:
    if serving is None:
        raise fastapi.HTTPException(503, "no champion yet")
    return serving


@app.get("/healthz")
def healthz():
    """Which version serves; 503 before the first one is loaded."""
    return {"model": NAME, "version": champion()["version"], "run_id": champion()["run_id"]}


@app.post("/predict")
def predict(scores: list[float]):
    """Ⓐ Ⓔ The scores that are detections, and the version that said so: it belongs into each metric record as `registered_version`."""
    now = champion()
    return {"version": now["version"], "detections": now["model"](scores)}
