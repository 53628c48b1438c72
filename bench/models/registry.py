#!/usr/bin/env python3
"""Fills an MLflow server with models, then measures GuardianFlow as a copy of its registry and MLflow itself in turns, in one run, and prints
Markdown with each bar and whether it holds. bench/models/run calls this. Exits 1 where the two do not do the same."""
import argparse, collections, http.client, json, os, re, signal, subprocess, sys, threading, time, urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[1:1] = [os.path.join(HERE, "..", "mlflow"), os.path.join(HERE, "..")]
import side
from cpu import spent
from fill import fill, named
from side import API, Server, ask, guardianflow, kilobytes, median, milliseconds, ms, row, same, say, table

CONNECTIONS, SECONDS = 32, 5
PROMOTIONS = 15
THEIRS, OURS = API + "/registered-models/alias?name={}&alias=champion", "/api/models/{}/champion"


def port(server):
    return urllib.parse.urlsplit(server.url).port


def models_of(gf, models, versions):
    """Waits for the copy; the seconds that took."""
    begun = time.monotonic()
    while time.monotonic() - begun < 600:
        # 503 until the registry was read for the first time.
        answer = json.loads(ask(f"{gf.url}/api/models", status=(200, 503))[0])
        if len(answer.get("models", [])) == models and all(m["latest"] == str(versions) for m in answer["models"]):
            return time.monotonic() - begun
        time.sleep(0.2)
    sys.exit("the copy is not complete after ten minutes")


class Outside(threading.Thread):
    """Moves a champion in MLflow itself, and waits until GuardianFlow says so; `after` is the seconds that took."""

    def __init__(self, mlflow, gf, name):
        super().__init__(daemon=True)
        self.url, self.after, self.begun = gf.url + OURS.format(name), None, time.monotonic()
        ask(f"{mlflow.url}{API}/registered-models/alias", {"name": name, "alias": "champion", "version": "2"})
        self.start()

    def run(self):
        while self.after is None:
            time.sleep(0.5)
            if json.loads(ask(self.url)[0])["version"] == "2":
                self.after = time.monotonic() - self.begun

    def said(self):
        passed = time.monotonic() - self.begun
        return f"shown after **{self.after:.0f} s**" if self.after else f"**not shown after {passed:.0f} s**"


def processor(server):
    """Seconds that all processes of a server have spent."""
    group, total = server.process.pid, 0
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.getpgid(int(pid)) == group:
                total += spent(pid)
        except (OSError, ProcessLookupError):
            pass
    return total


def browser(a, mlflow, gf):
    name = named(0)
    want = min(10, a.versions, a.models)
    pages = [{"page": "list of models", "mlflow": f"{mlflow.url}/#/models", "gf": f"{gf.url}/models", "links": "/models/[^/]+$", "names": "^[a-z-]+-\\d{4}$", "want": want},
             {"page": "page of a model", "mlflow": f"{mlflow.url}/#/models/{name}", "gf": f"{gf.url}/models/{name}", "links": f"/models/{name}/versions/\\d+$",
              "names": "^(Version |v)\\d+$", "want": want}]
    asked, out = f"{a.work}/pages.json", f"{a.work}/browser.json"
    with open(asked, "w") as f:
        json.dump(pages, f)
    subprocess.run(["node", f"{HERE}/browser.mjs", "--pages", asked, "--turns", str(a.turns), "--out", out], check=True)
    visits = json.load(open(out))
    for page in (p["page"] for p in pages):
        for cache in ("cold", "warm"):
            get = lambda who, key: median([v[key] for v in visits if (v["page"], v["cache"], v["who"]) == (page, cache, who)])
            both = lambda what, key, bar, shown: row(f"{page}, {cache}: {what}", get("mlflow", key), get("gf", key), bar, shown)
            table(("loopback", "MLflow", "GuardianFlow"))
            both(f"{want} rows there", "visible", 1 / 6, milliseconds)
            both("bytes on the wire", "bytes", 1 / 12, kilobytes)
            both("requests", "requests", None, lambda v: f"{v:.0f}")
            both("longest task", "longest", None, milliseconds)
            print(f"\nRows in all {get('gf', 'links'):.0f} (MLflow {get('mlflow', 'links'):.0f}), in the first 900 pixels {get('gf', 'sight'):.0f} ({get('mlflow', 'sight'):.0f}). First byte {get('gf', 'answer'):.0f} ms "
                  f"({get('mlflow', 'answer'):.0f}), first paint {get('gf', 'paint'):.0f} ms ({get('mlflow', 'paint'):.0f}), elements {get('gf', 'nodes'):,.0f} ({get('mlflow', 'nodes'):,.0f}).", flush=True)
    return visits


def load(a, server, path, seconds=SECONDS, wait=True):
    """What lookups.py says, with the processor time of the server a lookup."""
    command = [sys.executable, f"{HERE}/lookups.py", "--port", str(port(server)), "--path", path, "--names", f"{a.work}/names.json",
               "--connections", str(CONNECTIONS), "--seconds", str(seconds)]
    process, before = subprocess.Popen(command, stdout=subprocess.PIPE, text=True), processor(server)

    def end():
        said, _ = process.communicate(timeout=120)
        if process.returncode:
            sys.exit(f"lookups of {server.name} failed")
        said = json.loads(said)
        return {**said, "processor": (processor(server) - before) / said["answered"]}
    return end() if wait else end


def lookups(a, mlflow, gf):
    said = {"mlflow": [], "gf": []}
    for turn in range(min(a.turns, 3)):
        # The copy asks MLflow now and then, which is not MLflow's fault.
        os.kill(gf.process.pid, signal.SIGSTOP)
        try:
            said["mlflow"].append(load(a, mlflow, THEIRS))
        finally:
            os.kill(gf.process.pid, signal.SIGCONT)
        said["gf"].append(load(a, gf, OURS))
    get = lambda who, key: median([s[key] for s in said[who]])
    table((f"which version is the champion, {CONNECTIONS} connections", "MLflow, one worker", "GuardianFlow"))
    row("lookups a second", 1 / get("mlflow", "per_second"), 1 / get("gf", "per_second"), 1 / 30, lambda v: f"{1 / v:,.0f}")
    row("processor time of the server a lookup", get("mlflow", "processor"), get("gf", "processor"), None, lambda v: f"{1e6 * v:,.0f} µs")
    for key in ("p50_ms", "p99_ms"):
        row(f"time of a lookup, {key[:3]}", get("mlflow", key), get("gf", key), None, lambda v: f"{v:,.1f} ms")
    row("bytes of an answer with its head", get("mlflow", "bytes"), get("gf", "bytes"), None, lambda v: f"{v:,.0f}")
    same("all lookups are answered", [0] * len(said["gf"]), [s["failed"] for s in said["gf"]])
    return said


def alone(a, mlflow, gf):
    """MLflow is ended while GuardianFlow is asked."""
    end = load(a, gf, OURS, 2 * SECONDS, wait=False)
    time.sleep(SECONDS / 2)
    mlflow.stop()
    across, after = end(), load(a, gf, OURS)
    same("lookups go on without MLflow", [0, 0], [across["failed"], after["failed"]])
    stale = None
    for _ in range(100):
        stale = json.loads(ask(gf.url + OURS.format(named(0)))[0])["stale"]
        if stale:
            break
        time.sleep(0.1)
    print(f"\nMLflow ended under {CONNECTIONS} connections: {across['answered']:,} lookups, {across['failed']} failed, the slowest {across['max_ms']:.0f} ms; afterwards "
          f"**{after['per_second']:,.0f} a second**, {after['failed']} failed, p99 {after['p99_ms']:.1f} ms. Answers say that they may be old: {'yes' if stale else '**no**'}.", flush=True)
    return {"across": across, "after": after, "stale": stale}


def calls(name, old, new):
    """What the promotion of a challenger asks of MLflow, in order (app/usecases/src/models/protocol.rs)."""
    get = lambda path, **query: ("GET", f"{path}?{urllib.parse.urlencode(query)}", None)
    post = lambda path, **body: ("POST", path, {"name": name, **body})
    read = [get("registered-models/get", name=name), get("model-versions/search", max_results=5000, filter=f"name = '{name}'")]
    stage = lambda version, to: post("model-versions/transition-stage", version=version, stage=to, archive_existing_versions=False)
    tags = {"promotion_id": "1", "promoted_by": "operator", "promoted_at": "2026-01-01T00:00:00.000Z", "previous_champion": old}
    return [*read, post("registered-models/alias", alias="rollback", version=old), post("registered-models/alias", alias="champion", version=new),
            get("registered-models/alias", name=name, alias="champion"), *read, stage(new, "Production"), stage(old, "Archived"), *read,
            ("DELETE", "registered-models/alias", {"name": name, "alias": "challenger"}),
            *(post("model-versions/set-tag", version=new, key=f"guardianflow.{key}", value=value) for key, value in tags.items()), *read]


def directly(mlflow, asked):
    """Makes the calls one after the other over one connection; the seconds they took."""
    begun = time.perf_counter()
    connection = http.client.HTTPConnection("127.0.0.1", port(mlflow), timeout=60)
    for method, path, body in asked:
        connection.request(method, f"{API}/{path}", body=None if body is None else json.dumps(body), headers={"Content-Type": "application/json"} if body else {})
        answer = connection.getresponse()
        read = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path} answered {answer.status}: {read[:300]!r}")
    connection.close()
    return time.perf_counter() - begun


def heard(log, name):
    """Which calls of the registry about one model a part of MLflow's log says, as method and path; changes do not say about which."""
    found = []
    for method, path in re.findall(r'"(GET|POST|DELETE|PATCH) (\S+) HTTP', log):
        path, _, query = urllib.parse.unquote_plus(path.removeprefix(API + "/")).partition("?")
        if path.startswith(("registered-models/", "model-versions/")) and (method != "GET" or name in query):
            found.append(f"{method} {path}")
    return found


def standing(mlflow, name):
    """Aliases and stages of a model, as MLflow has them."""
    model = json.loads(ask(f"{mlflow.url}{API}/registered-models/get?name={name}")[0])["registered_model"]
    return sorted((x["alias"], x["version"]) for x in model["aliases"]), sorted((v["current_stage"], v["version"]) for v in model["latest_versions"])


def promotions(a, mlflow, gf):
    names = [named(m) for m in range(1, a.models - 1)]
    turns = min(PROMOTIONS, len(names) // 2 - 1)
    old, new, log = str(a.versions - 2), str(a.versions), f"{a.work}/mlflow.log"
    refused = []

    def through_us(name):
        body = {"version": new, "to": "production", "expected": old, "reason": "better in the field"}
        for _ in range(720):
            answer, took = ask(f"{gf.url}/api/models/{name}/promotions", body, status=(200, 202, 503))
            if "outcome" in (said := json.loads(answer)):
                break
            # It takes MLflow, which it keeps busy itself, for one that does not answer.
            refused.append(said["detail"])
            time.sleep(0.5)
        same(f"{name} is promoted", "applied", said.get("outcome"))
        same(f"{name} is looked up", new, json.loads(ask(gf.url + OURS.format(name))[0])["version"])
        return took

    # The first ones say which calls there are.
    begun = os.path.getsize(log)
    through_us(names[0])
    time.sleep(0.5)
    with open(log) as f:
        f.seek(begun)
        asked = heard(f.read(), names[0])
    expected = calls(names[1], old, new)
    same("the calls of a promotion", [f"{method} {path.partition('?')[0]}" for method, path, _ in expected], asked)
    directly(mlflow, expected)
    same("how a model stands after a promotion", standing(mlflow, names[1]), standing(mlflow, names[0]))
    took = {"mlflow": [], "gf": []}
    for turn in range(turns):
        theirs, ours = names[2 + 2 * turn:4 + 2 * turn]
        for who in ("mlflow", "gf") if turn % 2 else ("gf", "mlflow"):
            took[who].append(directly(mlflow, calls(theirs, old, new)) if who == "mlflow" else through_us(ours))
    table((f"a promotion of the challenger, median of {turns} in turns", f"its {len(expected)} calls of MLflow", "GuardianFlow"))
    row("until it is made, logged and looked up", median(took["mlflow"]), median(took["gf"]), 2, ms)
    if refused:
        print(f"\n**{len(refused)} promotions were refused (503) and asked again every half second, which is not in these times**: {refused[-1]}")
    print(f"\n{sum(c for call, c in collections.Counter(asked).items() if call.startswith('GET'))} of the calls are questions. Lowest to highest: {ms(min(took['mlflow']))} to {ms(max(took['mlflow']))}, "
          f"{ms(min(took['gf']))} to {ms(max(took['gf']))}. The models have no records, so nothing is judged.", flush=True)
    return {"calls": asked, "took": took, "refused": refused}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    for name in ("binary", "work", "out"):
        p.add_argument(f"--{name}", required=True)
    for name, usual in (("models", 1000), ("versions", 50), ("turns", 5)):
        p.add_argument(f"--{name}", type=int, default=usual)
    a = p.parse_args()
    if a.models < 8 or a.versions < 5:
        sys.exit("at least 8 models of 5 versions each")
    with open(f"{a.work}/names.json", "w") as f:
        json.dump([named(m) for m in range(a.models)], f)
    begun = time.monotonic()
    say("starting mlflow server (one worker, no jobs) and writing models into it")
    mlflow = side.mlflow_server("mlflow", f"{a.work}/mlflow.db", a.work, ["--workers", "1"], {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
    fill(f"{a.work}/mlflow.db", f"{a.work}/art", a.models, a.versions)
    empty = guardianflow("empty", a.binary, a.work, {})
    time.sleep(5)
    memory = {"empty": empty.memory()}
    empty.stop()
    say("GuardianFlow copies the registry")
    gf = guardianflow("copy", a.binary, a.work, {"MLFLOW_TRACKING_URI": mlflow.url})
    copied = models_of(gf, a.models, a.versions)
    outside = Outside(mlflow, gf, named(a.models - 1))
    time.sleep(5)
    memory["copied"] = gf.memory()
    version = subprocess.run([sys.executable, "-c", "import mlflow; print(mlflow.__version__)"], capture_output=True, text=True, check=True).stdout.strip()
    load_before = os.getloadavg()[0]
    print(f"MLflow {version}, one worker over SQLite, {a.models:,} models of {a.versions} versions each; medians of {a.turns} in turns unless it says otherwise; {os.cpu_count()} cores; "
          f"load {load_before:.1f} at the start. GuardianFlow had copied all of it after {copied:.1f} s.", flush=True)
    say("pages in Chromium")
    result = {"browser": browser(a, mlflow, gf)}
    say("lookups")
    result["lookups"] = lookups(a, mlflow, gf)
    say("promotions")
    result["promotions"] = promotions(a, mlflow, gf)
    result["outside_s"] = outside.after
    print(f"\nA champion that was moved in MLflow itself when the copy was complete was {outside.said()}.", flush=True)
    say("lookups while MLflow ends")
    result["alone"] = alone(a, mlflow, gf)
    memory["asked"] = gf.memory()
    print(f"\n**Memory** of GuardianFlow, resident (proportional): empty {memory['empty']['rss']:.0f} MB ({memory['empty']['pss']:.0f}); five seconds after the copy was complete {memory['copied']['rss']:.0f} "
          f"({memory['copied']['pss']:.0f}), {memory['copied']['peak']:.0f} at the peak; after everything above {memory['asked']['rss']:.0f} ({memory['asked']['pss']:.0f}), {memory['asked']['peak']:.0f} at the peak.")
    missed = [r["what"] for r in side.rows if r["holds"] is False]
    print(f"\nLoad {os.getloadavg()[0]:.1f} at the end; {time.monotonic() - begun:.0f} s in all. " + (f"Bars that do not hold: {'; '.join(missed)}." if missed else "All bars of these tables hold."))
    with open(a.out, "w") as f:
        json.dump({**result, "memory": memory, "copied_s": copied, "rows": side.rows, "unequal": side.unequal, "load": [load_before, os.getloadavg()[0]]}, f, indent=1)
    say(f"kept in {a.out}")
    return 1 if side.unequal else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        code = main()
    finally:
        for server in list(side.started):
            server.stop()
    sys.exit(code)
