"""An inference server that follows the champion of a model.

It asks GuardianFlow which version is to run, downloads its files, and serves predictions with it. In the background it waits for another
champion (a long poll: the answer comes when there is one), loads that beside the old one, and only then lets requests go to it. When
GuardianFlow or MLflow is away, it goes on with what it has.

    pip install fastapi uvicorn httpx
    GF_URL=http://127.0.0.1:3000 GF_MODEL=detector uvicorn inference_server:app

Settings: GF_URL, GF_MODEL, GF_TOKEN (a token of the role viewer, where the server asks for one), GF_CUSTOMER and GF_SITE (where this
server stands), MODEL_DIR (where files are kept, default ./models).
"""

import asyncio
import contextlib
import json
import os
import pathlib
import urllib.parse

import fastapi
import httpx

URL = os.environ.get("GF_URL", "http://127.0.0.1:3000")
NAME = os.environ.get("GF_MODEL", "detector")
FOLDER = pathlib.Path(os.environ.get("MODEL_DIR", "models"))
PLACE = {key: os.environ[f"GF_{key.upper()}"] for key in ("customer", "site") if os.environ.get(f"GF_{key.upper()}")}
HEADERS = {"User-Agent": "inference-server", **({"Authorization": f"Bearer {os.environ['GF_TOKEN']}"} if os.environ.get("GF_TOKEN") else {})}
CHAMPION = f"/api/models/{urllib.parse.quote(NAME, safe='')}/champion"

champion: dict = {}
"""The version that serves: what GuardianFlow said of it, with `model`, the loaded model."""


def load(folder: pathlib.Path):
    """Loads a model. This one is a threshold in a JSON file; yours is `onnxruntime.InferenceSession(folder / "model.onnx")` or the like."""
    files = sorted(folder.rglob("*.json"))
    settings = json.loads(files[0].read_text()) if files else {}
    threshold = float(settings.get("threshold", 0.5))
    return lambda scores: [score for score in scores if score >= threshold]


async def download(client: httpx.AsyncClient, files_at: str, folder: pathlib.Path, path: str = "") -> None:
    """Downloads the files of a version: folders by their lists, files whole, each first under another name."""
    listed = (await client.get(files_at, params={"path": path})).raise_for_status().json()
    for entry in listed["files"]:
        if entry["is_folder"]:
            await download(client, files_at, folder, entry["path"])
            continue
        target = folder / entry["path"]
        target.parent.mkdir(parents=True, exist_ok=True)
        part = target.with_name(target.name + ".part")
        async with client.stream("GET", f"{files_at}/file", params={"path": entry["path"]}) as answer:
            answer.raise_for_status()
            with part.open("wb") as file:
                async for piece in answer.aiter_bytes():
                    file.write(piece)
        part.replace(target)


async def follow() -> None:
    """Asks for the champion, and then for another one, for ever."""
    etag, known = None, None
    async with httpx.AsyncClient(base_url=URL, headers=HEADERS, timeout=60) as client:
        while True:
            try:
                headers = {"If-None-Match": etag} if etag else {}
                answer = await client.get(CHAMPION, params={**PLACE, "wait": 20 if etag else 0}, headers=headers)
                if answer.status_code == 304:
                    continue
                told = answer.raise_for_status().json()
                if told["version"] != known:
                    folder = FOLDER / NAME / told["version"]
                    await download(client, told["download"], folder)
                    model = await asyncio.to_thread(load, folder)
                    champion.clear()
                    champion.update(told, model=model)
                    known = told["version"]
                    print(f"serving {NAME} v{known}", flush=True)
                etag = answer.headers["etag"]
            except (httpx.HTTPError, OSError, ValueError, KeyError) as error:
                print(f"still serving {NAME} v{known}: {error}", flush=True)
                await asyncio.sleep(2)


@contextlib.asynccontextmanager
async def lifespan(_app: fastapi.FastAPI):
    following = asyncio.create_task(follow())
    yield
    following.cancel()


app = fastapi.FastAPI(lifespan=lifespan)


@app.get("/healthz")
def healthz():
    """Which version serves; 503 before the first one is loaded."""
    if not champion:
        raise fastapi.HTTPException(503, "no champion yet")
    return {"model": NAME, "version": champion["version"], "as_of": champion["as_of"]}


@app.post("/predict")
def predict(scores: list[float]):
    """The scores that are detections, and the version that said so: it belongs into each metric record as `registered_version`."""
    if not champion:
        raise fastapi.HTTPException(503, "no champion yet")
    return {"version": champion["version"], "detections": champion["model"](scores)}
