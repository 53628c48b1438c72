#!/usr/bin/env python3
"""Fills an MLflow server once, then measures GuardianFlow as a copy of it and MLflow itself in turns, in one run, and prints
Markdown with each bar and whether it holds. bench/mlflow/run calls this. Exits 1 where the two do not answer the same."""
import argparse, http.client, json, os, shutil, signal, socket, sqlite3, statistics, subprocess, sys, time, urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
RUNS = 5001
FILTER, METRIC = "metrics.f1 > 0.8 AND tags.site = 'north'", "grad_norm"
API = "/api/2.0/mlflow"
# As mlflow server is started by its users, but it tells nobody of it.
QUIET = {"MLFLOW_DISABLE_TELEMETRY": "true", "DO_NOT_TRACK": "true"}
started, rows, unequal = [], [], []


def say(text):
    print("•", text, file=sys.stderr, flush=True)


def free():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def ask(url, body=None, accept="application/json", status=(200,)):
    """The answer's bytes and the seconds until all of it was there. A connection of its own: on kept ones MLflow's four
    workers answer small things 42 ms later."""
    parts = urllib.parse.urlsplit(url)
    path = parts.path + (f"?{parts.query}" if parts.query else "")
    headers = {"Accept": accept}
    if body is not None:
        body, headers["Content-Type"] = json.dumps(body), "application/json"
    begun = time.perf_counter()
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=300)
    connection.request("GET" if body is None else "POST", path, body=body, headers=headers)
    answer = connection.getresponse()
    read = answer.read()
    took = time.perf_counter() - begun
    connection.close()
    if answer.status not in status:
        raise RuntimeError(f"{path} answered {answer.status}: {read[:300]!r}")
    return read, took


class Server:
    def __init__(self, name, command, url, ready, work, env=None):
        self.name, self.url = name, url
        with open(f"{work}/{name}.log", "ab") as log:
            # A group of its own, so that the workers of MLflow end with it, and nothing else does.
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**os.environ, **(env or {})}, start_new_session=True, cwd=work)
        started.append(self)
        for _ in range(1200):
            if self.process.poll() is not None:
                sys.exit(f"{name} ended: {open(f'{work}/{name}.log').read()[-2000:]}")
            try:
                ask(url + ready)
                return
            except (OSError, RuntimeError, http.client.HTTPException):
                time.sleep(0.1)
        sys.exit(f"{name} does not answer")

    def stop(self):
        if self in started:
            started.remove(self)
            for sign in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(self.process.pid, sign)
                except ProcessLookupError:
                    break
                try:
                    self.process.wait(20)
                except subprocess.TimeoutExpired:
                    pass

    def memory(self):
        """Resident and proportional, of this process, in MB, and the peak."""
        def field(file, key):
            for line in open(f"/proc/{self.process.pid}/{file}"):
                if line.startswith(key + ":"):
                    return int(line.split()[1]) * 1024 / 1e6
        return {"rss": field("status", "VmRSS"), "pss": field("smaps_rollup", "Pss"), "peak": field("status", "VmHWM")}


def mlflow_server(name, database, work, workers, env):
    port = free()
    return Server(name, [sys.executable, "-m", "mlflow", "server", "--backend-store-uri", f"sqlite:///{database}", "--artifacts-destination",
                         os.path.join(os.path.dirname(database), "art"), "--host", "127.0.0.1", "--port", str(port), *workers],
                  f"http://127.0.0.1:{port}", f"{API}/experiments/search?max_results=1", work, {**QUIET, **env})


def populate(cache, work):
    database = f"{cache}/mlflow.db"
    if os.path.exists(database):
        return database
    say("filling an MLflow server with 5,001 runs (once; minutes)")
    part = f"{cache}/part"
    shutil.rmtree(part, ignore_errors=True)
    os.mkdir(part)
    # One worker: filling is faster with it, and the data are the same.
    server = mlflow_server("filling", f"{part}/mlflow.db", work, ["--workers", "1"], {"MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"})
    subprocess.run([sys.executable, f"{HERE}/populate_mlflow.py", "--uri", server.url], check=True, stdout=sys.stderr, env={**os.environ, **QUIET})
    server.stop()
    shutil.rmtree(f"{cache}/art", ignore_errors=True)
    if os.path.isdir(f"{part}/art"):
        os.rename(f"{part}/art", f"{cache}/art")
    os.rename(f"{part}/mlflow.db", database)
    return database


def multiplied(cache, database):
    target = f"{cache}/many.db"
    if not os.path.exists(target) or os.path.getmtime(target) < os.path.getmtime(database):
        say("writing 50,000 runs as SQL")
        subprocess.run([sys.executable, f"{HERE}/many.py", database, target], check=True, stdout=sys.stderr)
    return target


def guardianflow(name, binary, work, source):
    port = free()
    return Server(name, [binary, "serve", "--data", f"{work}/{name}", "--addr", f"127.0.0.1:{port}", "--log", "warn"],
                  f"http://127.0.0.1:{port}", "/readyz", work, source)


def complete(server, runs):
    begun = time.monotonic()
    while time.monotonic() - begun < 600:
        answer = json.loads(ask(f"{server.url}/api/experiments?limit=1000", status=(200, 503))[0])
        if answer.get("complete") and sum(e["runs"] for e in answer["experiments"]) >= runs:
            return time.monotonic() - begun
        time.sleep(0.1)
    sys.exit(f"{server.name}: the copy is not complete after ten minutes")


def ms(seconds):
    return f"{1000 * seconds:,.0f} ms" if seconds >= 0.01 else f"{1000 * seconds:.1f} ms"


def row(what, theirs, ours, bar, shown, most=None):
    """`bar`: the largest ratio of ours to theirs that holds; None where nothing is asked."""
    ratio = ours / theirs if theirs else float(ours > 0)
    rows.append({"what": what, "theirs": theirs, "ours": ours, "ratio": ratio, "bar": bar, "holds": None if bar is None else ratio <= bar})
    asked = "said" if bar is None else f"≤ 1/{round(1 / bar)}" if bar < 1 else f"≤ {bar:g} ×"
    share = "–" if not ratio else f"1/{1 / ratio:.1f}" if ratio < 1 else f"{ratio:.2f} ×"
    print(f"| {what} | {shown(theirs)} | {shown(ours)} | {share} | {asked} | {'' if bar is None else 'holds' if ratio <= bar else '**does not hold**'} |", flush=True)


def same(what, theirs, ours):
    if theirs != ours:
        unequal.append(what)
        print(f"\n**Not the same: {what}.**\n")


def table(first):
    print(f"\n| {first[0]} | {first[1]} | {first[2]} | ratio | asked | |\n|---|---|---|---|---|---|")


def median(times):
    return statistics.median(times)


def in_turns(turns, theirs, ours):
    """Medians of the seconds that each says it took, and their last answers; once before it counts."""
    answers, took = [theirs()[0], ours()[0]], ([], [])
    for _ in range(turns):
        for k, one in enumerate((theirs, ours)):
            answers[k], seconds = one()
            took[k].append(seconds)
    return median(took[0]), median(took[1]), answers[0], answers[1]


def search(url, **query):
    return url + "/api/runs/search?" + urllib.parse.urlencode(query)


def interface(a, mlflow, gf, experiments):
    ids = [e["experiment_id"] for e in experiments]
    found = json.loads(ask(f"{mlflow.url}{API}/runs/search", {"experiment_ids": ids, "filter": "attributes.run_name = 'long-history'", "max_results": 1})[0])
    long = found["runs"][0]["info"]["run_id"]
    history = f"{gf.url}/api/runs/{long}/history?metric={METRIC}"

    # The copy of a history is made when it is asked for the first time.
    begun = time.perf_counter()
    _, first = ask(f"{history}&points=50000")
    while not json.loads(ask(f"{history}&points=10")[0])["complete"]:
        time.sleep(0.02)
    filled = time.perf_counter() - begun

    table(("interface, JSON", "MLflow", "GuardianFlow"))
    theirs, ours, they, we = in_turns(
        a.turns,
        lambda: ask(f"{mlflow.url}{API}/runs/search", {"experiment_ids": ids, "filter": FILTER, "order_by": ["metrics.f1 DESC"], "max_results": 100}),
        lambda: ask(search(gf.url, filter=FILTER, sort="-metrics.f1", limit=100)))
    row(f"best 100 of 5,001 by f1, where `{FILTER}`", theirs, ours, 1 / 10, ms)
    same("the best 100", [next(m["value"] for m in r["data"]["metrics"] if m["key"] == "f1") for r in json.loads(they)["runs"]],
         [r["metrics"]["f1"] for r in json.loads(we)["runs"]])

    def sweep():
        runs, took, token = [], 0.0, None
        while True:
            query = {"experiment_ids": ids, "max_results": 1000, **({"page_token": token} if token else {})}
            answer, seconds = ask(f"{mlflow.url}{API}/runs/search", query)
            took += seconds
            answer = json.loads(answer)
            runs += [r["info"]["run_id"] for r in answer.get("runs", [])]
            token = answer.get("next_page_token")
            if not token:
                return runs, took
    theirs, ours, they, we = in_turns(min(a.turns, 3), sweep, lambda: ask(search(gf.url, limit=50000)))
    row("all 5,001 rows (MLflow: pages of 1,000)", theirs, ours, 1 / 50, ms)
    same("all rows", sorted(set(they)), sorted(r["run_id"] for r in json.loads(we)["runs"]))

    whole = lambda: ask(f"{mlflow.url}{API}/metrics/get-history?run_id={long}&metric_key={METRIC}")
    theirs, ours, they, we = in_turns(a.turns, whole, lambda: ask(f"{history}&points=50000"))
    row("history of 50,000 points, all of them, from the copy", theirs, ours, 1 / 10, ms)
    values = lambda points: [(p["step"], p["value"]) for p in sorted(points, key=lambda p: p["step"])]
    same("the history", values(json.loads(they)["metrics"]), values(json.loads(we)["points"]))
    theirs, ours, _, we = in_turns(
        a.turns, lambda: ask(f"{mlflow.url}{API}/metrics/get-history-bulk-interval?run_ids={long}&metric_key={METRIC}&max_results=1000"),
        lambda: ask(f"{history}&points=1000"))
    row("the same in 1,000 points (MLflow: sampled by it)", theirs, ours, None, ms)
    spikes = lambda points: sum(p["value"] > 40 for p in points)
    sampled = json.loads(ask(f"{mlflow.url}{API}/metrics/get-history-bulk-interval?run_ids={long}&metric_key={METRIC}&max_results=1000")[0])
    points = json.loads(we)["points"]
    print(f"\nOf six spikes in 50,000 points, 1,000 asked for: **{spikes(points)} in GuardianFlow's {len(points)}**, {spikes(sampled['metrics'])} in MLflow's {len(sampled['metrics'])}"
          f" ({'holds' if spikes(points) == 6 else '**does not hold**'}).")
    print(f"First view of that history: answered in {ms(first)} that it is on its way, all there after {ms(filled)}.", flush=True)
    return {"first_answer_s": first, "first_complete_s": filled, "spikes": spikes(points), "mlflow_spikes": spikes(sampled["metrics"])}


def visit(a, pages):
    """Opens pages of both in turns; the answer gives the median of a figure by page, line, server and name."""
    out, asked = f"{a.work}/browser.json", f"{a.work}/pages.json"
    with open(asked, "w") as f:
        json.dump(pages, f)
    subprocess.run(["node", f"{HERE}/browser.mjs", "--pages", asked, "--turns", str(a.turns), "--out", out], check=True)
    runs = json.load(open(out))
    return runs, lambda page, line, who, key: median([r[key] for r in runs if (r["page"], r["line"], r["who"]) == (page, line, who)])


def kilobytes(v):
    return f"{v / 1000:,.0f} KB"


def milliseconds(v):
    return f"{v:,.0f} ms"


def browser(a, mlflow, gf, experiment):
    page = {"page": "table", "mlflow": f"{mlflow.url}/#/experiments/{experiment}/runs", "gf": f"{gf.url}/experiments/{experiment}",
            "names": "[a-z]+-acme-\\d+", "want": 10, "inside": True, "lines": ["loopback", "slow line"]}
    runs, of = visit(a, [page])
    for line, label in (("loopback", "loopback"), ("slow line", "10 Mbit/s, 40 ms")):
        get = lambda who, key: of("table", line, who, key)
        both = lambda what, key, bar, shown: row(what, get("mlflow", key), get("gf", key), bar, shown)
        table((f"runs table of 1,201 runs, cold, {label}", "MLflow", "GuardianFlow"))
        both("ten runs visible", "visible", 1 / 5, milliseconds)
        both("bytes on the wire", "bytes", 1 / 12, kilobytes)
        both("requests", "requests", 1 / 4, lambda v: f"{v:.0f}")
        both("JavaScript heap after collection", "heap", 1 / 3, lambda v: f"{v / 1e6:.1f} MB")
        print(f"\nRuns in the first 900 pixels: {get('gf', 'sight'):.0f} (MLflow {get('mlflow', 'sight'):.0f}). WebAssembly's memory beside the heap: {get('gf', 'wasm') / 1e6:.1f} MB. First byte {get('gf', 'answer'):.0f} ms (MLflow {get('mlflow', 'answer'):.0f}), "
              f"first paint {get('gf', 'paint'):.0f} ms ({get('mlflow', 'paint'):.0f}), elements {get('gf', 'nodes'):,.0f} ({get('mlflow', 'nodes'):,.0f}), "
              f"main thread busy {get('gf', 'task'):.2f} s ({get('mlflow', 'task'):.2f}).", flush=True)
    return runs


def wide_runs(mlflow, gf):
    """An experiment of 100 runs with 500 metrics each, logged as a training would; its id and theirs."""
    post = lambda path, body: json.loads(ask(f"{mlflow.url}{API}/{path}", body)[0] or b"{}")
    experiment = post("experiments/create", {"name": "wide"})["experiment_id"]
    now, ids = int(time.time() * 1000), []
    for n in range(100):
        run = post("runs/create", {"experiment_id": experiment, "run_name": f"wide-acme-{n:03}", "start_time": now})["run"]["info"]["run_id"]
        # Every metric of a run has another rank than the last one, none is equal in all.
        values = [{"key": f"metric_{k:03}", "value": ((n + 1) * (k + 7) * 2654435761 % 1000) / 1000, "timestamp": now, "step": 1} for k in range(500)]
        post("runs/log-batch", {"run_id": run, "metrics": values, "params": [{"key": "lr", "value": str(n / 1000)}]})
        post("runs/update", {"run_id": run, "status": "FINISHED", "end_time": now + 1})
        ids.append(run)
    complete(gf, RUNS + 100)
    return experiment, ids


def comparisons(a, mlflow, gf, experiment):
    query = {"experiment_ids": [experiment], "filter": "attributes.status = 'FINISHED'", "max_results": 100}
    ids = [r["info"]["run_id"] for r in json.loads(ask(f"{mlflow.url}{API}/runs/search", query)[0])["runs"]]
    say("logging 100 runs of 500 metrics")
    wide, wide_ids = wide_runs(mlflow, gf)
    quoted = lambda value: urllib.parse.quote(json.dumps(value))
    page = lambda name, ids, home: {
        "page": name, "mlflow": f"{mlflow.url}/#/compare-runs?runs={quoted(ids)}&experiments={quoted([home])}",
        "gf": f"{gf.url}/runs/compare?ids={','.join(ids)}", "names": "[a-z]+-acme-\\d+|^[0-9a-f]{32}$", "want": len(ids), "inside": False, "lines": ["loopback"]}
    pages = [page("10 runs", ids[:10], experiment), page("100 runs", ids, experiment), page("100 runs of 500 metrics", wide_ids, wide)]
    runs, of = visit(a, pages)
    table(("runs side by side, cold, loopback", "MLflow", "GuardianFlow"))
    for p in pages:
        get = lambda who, key: of(p["page"], "loopback", who, key)
        both = lambda what, key, bar, shown: row(f"{p['page']}: {what}", get("mlflow", key), get("gf", key), bar, shown)
        both("links to all of them are laid out", "visible", 1 / 5, milliseconds)
        both("longest task", "longest", None, milliseconds)
        both("bytes on the wire", "bytes", None, kilobytes)
        both("JavaScript heap after collection", "heap", None, lambda v: f"{v / 1e6:.1f} MB")
    return runs


def many(a, database, gf, experiment):
    say("memory and answers with 50,000 runs")
    nothing = guardianflow("empty", a.binary, a.work, {})
    time.sleep(10)
    before = nothing.memory()
    nothing.stop()
    server = guardianflow("many", a.binary, a.work, {"GF_MLRUNS": database})
    took = complete(server, 50_000)
    at_once = server.memory()
    time.sleep(10)
    after = server.memory()
    table(("50,010 runs from a database file", "5,001 runs", "50,010 runs"))
    for what, at, bar in (("best 100 by f1 under the same filter", lambda s: search(s.url, filter=FILTER, sort="-metrics.f1", limit=100), 3),
                          ("page of the first experiment, HTML (1,201 and 12,010 runs)", lambda s: f"{s.url}/experiments/{experiment}", 3),
                          ("its page 2 by a metric", lambda s: search(s.url, experiment=experiment, sort="-metrics.f1", limit=100, page=2), 3),
                          ("list of experiments, HTML", lambda s: f"{s.url}/experiments", 3)):
        accept = "application/json" if "/api/" in at(gf) else "text/html"
        few, more, _, _ = in_turns(max(a.turns * 4, 10), lambda: ask(at(gf), accept=accept), lambda: ask(at(server), accept=accept))
        row(what, few, more, bar, ms)
    few, more, _, _ = in_turns(a.turns, lambda: ask(search(gf.url, limit=50000)), lambda: ask(search(server.url, limit=50000)))
    row("all rows, ten times as many", few, more, None, ms)
    asked = server.memory()
    grown = {k: after[k] - before[k] for k in ("rss", "pss")}
    print(f"\n**Memory**: empty server {before['rss']:.0f} MB resident ({before['pss']:.0f} proportional); with 50,010 runs {at_once['rss']:.0f} when the copy was complete"
          f" (after {took:.1f} s), {after['rss']:.0f} ({after['pss']:.0f}) ten seconds later: **{grown['rss']:.0f} MB more ({grown['pss']:.0f})**, asked ≤ 300: "
          f"{'holds' if max(grown.values()) <= 300 else '**does not hold**'}. After the questions above {asked['rss']:.0f}, {asked['peak']:.0f} at the peak.", flush=True)
    server.stop()
    return {"before": before, "at_once": at_once, "after": after, "asked": asked, "complete_s": took}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    for name in ("binary", "work", "cache", "out"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--turns", type=int, default=5)
    a = p.parse_args()
    database = populate(a.cache, a.work)
    big = multiplied(a.cache, database)
    # What is served is a copy: a server writes to its database.
    work = f"{a.work}/mlflow.db"
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as old, sqlite3.connect(work) as new:
        old.backup(new)
    say("starting mlflow server (four workers) and GuardianFlow as a copy of it")
    mlflow = mlflow_server("mlflow", work, a.work, [], {})
    gf = guardianflow("copy", a.binary, a.work, {"MLFLOW_TRACKING_URI": mlflow.url})
    copied = complete(gf, RUNS)
    experiments = json.loads(ask(f"{mlflow.url}{API}/experiments/search?max_results=1000")[0])["experiments"]
    experiment = next(e["experiment_id"] for e in experiments if e["name"] == "detect/acme")
    version = subprocess.run([sys.executable, "-c", "import mlflow; print(mlflow.__version__)"], capture_output=True, text=True, check=True).stdout.strip()
    load = os.getloadavg()[0]
    print(f"MLflow {version}, four workers over SQLite, {RUNS:,} runs; medians of {a.turns} in turns; {os.cpu_count()} cores; load {load:.1f} at the start. "
          f"GuardianFlow had copied all of it after {copied:.1f} s.", flush=True)
    say("the interface")
    result = {"interface": interface(a, mlflow, gf, experiments)}
    say("pages in Chromium")
    result["browser"] = browser(a, mlflow, gf, experiment)
    say("comparisons in Chromium")
    result["comparisons"] = comparisons(a, mlflow, gf, experiment)
    mlflow.stop()
    result["many"] = many(a, big, gf, experiment)
    missed = [r["what"] for r in rows if r["holds"] is False]
    print(f"\nLoad {os.getloadavg()[0]:.1f} at the end. " + (f"Bars that do not hold: {'; '.join(missed)}." if missed else "All bars of these tables hold."))
    with open(a.out, "w") as f:
        json.dump({**result, "rows": rows, "unequal": unequal, "load": [load, os.getloadavg()[0]]}, f, indent=1)
    say(f"kept in {a.out}")
    return 1 if unequal else 0


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        code = main()
    finally:
        for server in list(started):
            server.stop()
    sys.exit(code)
