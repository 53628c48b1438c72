#!/usr/bin/env python3
"""Are GuardianFlow's answers equal to DuckDB's on the same rows? Exit code 1 when they are not.

  equal.py --url http://127.0.0.1:3000    --data DATA --raw RAW [--json FILE]
  equal.py --binary dist/guardianflow     --data DATA --raw RAW

DATA is the data folder that is served, RAW the folder that gen_metrics.py wrote and that was ingested. Asks REST for
summary (with children), trend and comparison, and DuckDB for the same twice: from DATA/lake/day=*/*.parquet as they
stand, and from RAW/day=*/metrics.parquet. Means are Σwx/Σw with w = samples or 1. Everything must be equal to 1e-9
relative, quantiles (exact ones of DuckDB) to 1 %; counts, names and times exactly.
"""
import argparse, datetime as dt, json, math, re, subprocess, sys, urllib.parse, urllib.request
import duckdb

DAY = 86_400_000
EXACT, QUANTILE = 1e-9, 1e-2
# Key in the API -> column in the files.
METRICS = {
    "mAP50": "detection_map50", "mAP50_95": "detection_map50_95", "precision": "detection_precision",
    "recall": "detection_recall", "mota": "mot_mota", "idf1": "mot_idf1", "hota": "mot_hota",
    "inference_time_ms": "system_inference_time_ms", "fps": "system_fps", "gpu_util": "system_gpu_util",
    "gpu_mem_mb": "system_gpu_mem_mb", "cpu_util": "system_cpu_util",
    "accuracy_drop": "comparison_accuracy_drop", "speedup_ratio": "comparison_speedup_ratio",
    "compression_ratio": "comparison_compression_ratio",
}
QUANTILES = {"p50": 0.5, "p95": 0.95, "p99": 0.99}


def iso(ms):
    t = dt.datetime.fromtimestamp(ms / 1000, dt.timezone.utc)
    return t.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def ms(text):
    return round(dt.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1000)


# ---- DuckDB's answers ------------------------------------------------------------------------------------------------

def connect(data, raw):
    """Two tables with the same columns: `lake` and `raw`; `t` is the time in ms, `seq` the order of arrival."""
    db = duckdb.connect()
    db.execute("SET TimeZone = 'UTC'")
    lake, raw = (p.replace("'", "''") for p in (f"{data}/lake/day=*/*.parquet", f"{raw}/day=*/metrics.parquet"))
    db.execute(f"""CREATE TABLE lake AS SELECT *, epoch_ms("timestamp") AS t, coalesce(samples, 1.0) AS w
                   FROM read_parquet('{lake}', hive_partitioning = false, union_by_name = true)""")
    db.execute(f"""CREATE TABLE raw AS SELECT *, epoch_ms("timestamp") AS t, 1.0::DOUBLE AS w,
                   row_number() OVER (ORDER BY filename, file_row_number) AS seq
                   FROM read_parquet('{raw}', hive_partitioning = false, filename = true, file_row_number = true)""")
    return db


def literal(text):
    return "'" + text.replace("'", "''") + "'"


def where(q, default_type="production"):
    kind = q.get("type", default_type)
    terms = {"all": [], "candidate": ["experiment_type = 'candidate'"],
             "production": ["(experiment_type IS NULL OR experiment_type = 'production')"]}[kind][:]
    terms += [f"{k} = {literal(q[k])}" for k in ("customer", "site", "zone", "task") if k in q]
    architecture, _, version = q.get("model", "").partition(":")
    terms += [f"model_architecture = {literal(architecture)}"] if architecture else []
    terms += [f"model_version = {literal(version)}"] if version else []
    return " AND ".join(terms) or "true"


def aggregates(column, here="true"):
    x, have = column, f"FILTER (WHERE {here} AND {column} IS NOT NULL)"
    return (f"{{n: count({x}) {have}, weight: fsum(w) {have}, value: fsum(w * {x}) {have} / fsum(w) {have}, "
            f"min: min({x}) {have}, max: max({x}) {have}, "
            f"q: quantile_cont({x}, [{', '.join(map(str, QUANTILES.values()))}]) {have}, "
            f"latest: arg_max({{v: {x}, t: t}}, t::HUGEINT * 1000000000000 + seq) {have}, "
            f"sites_reporting: count(DISTINCT {{c: customer, s: site}}) {have}}}")


def flat(a):
    q = a["q"] or [None] * 3
    latest = a["latest"] or {"v": None, "t": None}
    return {**{k: a[k] for k in ("n", "weight", "value", "min", "max", "sites_reporting")},
            **dict(zip(QUANTILES, q)), "latest": latest["v"], "latest_at": latest["t"]}


def duck_summary(db, table, q):
    lo, hi = q["from"], q["to"]
    child = next((c for c in ("customer", "site", "zone") if c not in q), None)
    now, before = f"t >= {lo} AND t < {hi}", f"t >= {2 * lo - hi} AND t < {lo}"
    parts = [f"{aggregates(c, now)}, fsum(w * {c}) FILTER (WHERE {before} AND {c} IS NOT NULL) / "
             f"fsum(w) FILTER (WHERE {before} AND {c} IS NOT NULL)" for c in METRICS.values()]
    groups = f"GROUPING SETS ((), ({child}))" if child else "()"
    rows = db.execute(f"""SELECT {f'grouping({child}), {child}' if child else '1, NULL'}, {', '.join(parts)} FROM {table}
        WHERE t >= {2 * lo - hi} AND t < {hi} AND {where(q)} GROUP BY {groups}""").fetchall()
    out = {}
    for top, name, *cells in rows:
        for key, a, previous in zip(METRICS, cells[0::2], cells[1::2]):
            if a["n"] == 0 and previous is None:
                continue
            v = flat(a)
            v.pop("min"), v.pop("max")
            v["weight"] = v["weight"] or 0.0
            v["previous"] = previous
            v["delta"] = None if v["value"] is None or previous is None else v["value"] - previous
            out[("whole" if top else name, key)] = v
    return out


def duck_trend(db, table, q):
    step = q["step_ms"]
    rows = db.execute(f"""SELECT t // {step} * {step} AS b, {aggregates(METRICS[q['metric']])} AS a FROM {table}
        WHERE t >= {q['from']} AND t < {q['to']} AND {where(q)} GROUP BY b""").fetchall()
    keep = ("value", "n", "min", "max", "p50", "p95")
    return {(iso(b),): {k: flat(a)[k] for k in keep} for b, a in rows if a["n"]}


def duck_comparison(db, table, q):
    rows = db.execute(f"""SELECT model_architecture, model_version, count(*), min(t), max(t),
        count(DISTINCT {{c: customer, s: site, z: zone}}), {', '.join(aggregates(c) for c in METRICS.values())}
        FROM {table} WHERE t >= {q['from']} AND t < {q['to']} AND {where(q, 'all')} GROUP BY ALL""").fetchall()
    out = {}
    for arch, version, n, first, last, zones, *cells in rows:
        out[(arch, version, "rows")] = {"n": n, "first": first, "last": last, "zones": zones}
        for key, a in zip(METRICS, cells):
            if a["n"]:
                out[(arch, version, key)] = {k: flat(a)[k] for k in ("value", "n", "p50", "p95")}
    return out


# ---- REST's answers, in the same shape -------------------------------------------------------------------------------

def ask(url, kind, q):
    words = {k: iso(v) if k in ("from", "to") else v for k, v in q.items() if k != "step_ms"}
    with urllib.request.urlopen(f"{url}/api/metrics/{kind}?{urllib.parse.urlencode(words)}", timeout=120) as r:
        return json.load(r)


def rest_summary(answer, q):
    child = next((c for c in ("customer", "site", "zone") if c not in q), None)
    out = {}
    for name, part in [("whole", answer)] + [(c["scope"][child], c) for c in answer["children"]]:
        for m in part["metrics"]:
            v = {k: m[k] for k in ("n", "weight", "value", "previous", "delta", "p50", "p95", "p99", "sites_reporting")}
            latest = m["latest"]
            v["latest"], v["latest_at"] = (latest["value"], ms(latest["timestamp"])) if latest else (None, None)
            out[(name, m["metric"])] = v
    return out


def rest_trend(answer, q):
    unit = {"s": 1000, "m": 60_000, "h": 3_600_000, "d": DAY}
    number, letter = re.fullmatch(r"(\d+)([smhd])", answer["step"]).groups()
    q["step_ms"] = int(number) * unit[letter]           # the step that was taken, for DuckDB
    return {(iso(ms(p["t"])),): {k: p[k] for k in p if k != "t"} for p in answer["points"]}


def rest_comparison(answer, q):
    out = {}
    for m in answer["models"]:
        who = (m["architecture"], m["version"])
        out[who + ("rows",)] = {"n": m["n"], "first": ms(m["first"]), "last": ms(m["last"]), "zones": m["zones"]}
        out |= {who + (key,): v for key, v in m["metrics"].items()}
    return out


KINDS = {"summary": (rest_summary, duck_summary), "trend": (rest_trend, duck_trend),
         "comparison": (rest_comparison, duck_comparison)}


# ---- the questions ---------------------------------------------------------------------------------------------------

def questions(first, end):
    """`first` and `end` are midnights: the start of the oldest day and the end of the newest."""
    c, s, z = {"customer": "customer-00"}, {"customer": "customer-00", "site": "site-03"}, {"zone": "zone-2"}
    far = {"customer": "customer-19", "site": "site-09"}
    days = lambda n: {"from": end - n * DAY, "to": end}
    odd = {"from": end - 12 * DAY + 5_025_017, "to": end - 2 * DAY + 1}
    every = {"from": first, "to": end}
    for scope in ({}, c, s, {**s, **z}, far):
        yield "summary", {**scope, **days(7)}
        yield "summary", {**scope, **days(60)}
    for extra in ({}, {"type": "all"}, {"type": "candidate"}, {"task": "tracking"}, {**c, "task": "counting", "type": "all"}):
        yield "summary", {**extra, **odd}
    yield "summary", every
    for metric in ("mAP50", "inference_time_ms", "mota", "gpu_mem_mb"):
        yield "trend", {"metric": metric, **every}
        yield "trend", {"metric": metric, **days(7), "step": "1h"}
        yield "trend", {"metric": metric, **c, **odd, "step": "PT6H"}
        yield "trend", {"metric": metric, **s, **days(60), "step": "1d"}
        yield "trend", {"metric": metric, "model": "yolov8m:1.1.0", **days(60), "step": "1w"}
        yield "trend", {"metric": metric, "model": "rtdetr-r50", **c, **days(30), "step": "15m"}
    yield "trend", {"metric": "speedup_ratio", "type": "candidate", **every, "step": "1d"}
    yield "trend", {"metric": "accuracy_drop", "type": "all", **c, **days(60), "step": "1d"}
    yield "trend", {"metric": "hota", "task": "tracking", **s, **z, **days(60)}
    for scope in ({}, c, s, {"task": "detection"}, {**c, "task": "tracking"}, {"type": "production"}):
        yield "comparison", {**scope, **days(30)}
    yield "comparison", odd
    yield "comparison", every


# ---- comparing -------------------------------------------------------------------------------------------------------

def difference(a, b):
    """Relative difference of two numbers; infinite when one is missing or they are different texts."""
    if a == b:
        return 0.0
    if any(not isinstance(v, (int, float)) or not math.isfinite(v) for v in (a, b)):
        return math.inf
    return abs(a - b) / max(abs(a), abs(b))


class Tally:
    def __init__(self):
        self.fields, self.wrong = {}, []

    def compare(self, question, against, got, expected):
        """Number of values compared, largest differences of plain numbers and of quantiles."""
        count, worst = 0, [0.0, 0.0]
        for key in sorted(got.keys() | expected.keys(), key=str):
            if key not in got or key not in expected:
                self.wrong.append((question, against, key, "", "there" if key in got else "missing",
                                   "there" if key in expected else "missing"))
                continue
            for field, b in expected[key].items():
                a = got[key].get(field)
                d, q = difference(a, b), field in QUANTILES
                # Counts and times have no tolerance.
                bad = a != b if field in ("n", "zones", "first", "last", "latest_at", "sites_reporting") else d > (QUANTILE if q else EXACT)
                if bad:
                    self.wrong.append((question, against, key, field, a, b))
                count, worst[q] = count + 1, max(worst[q], d)
                n, w = self.fields.get((against, field), (0, 0.0))
                self.fields[(against, field)] = (n + 1, max(w, d))
        return count, worst


def same_rows(db):
    """Whether lake and raw hold the same rows, cell by cell."""
    shared = [r[0] for r in db.execute("SELECT column_name FROM (DESCRIBE raw)").fetchall()
              if r[0] not in ("filename", "file_row_number", "seq", "w", "day")]
    names = ", ".join(f'"{c}"' for c in shared)
    count = lambda t: db.execute(f"SELECT count(*) FROM {t}").fetchone()[0]
    only = lambda a, b: count(f"(SELECT {names} FROM {a} EXCEPT ALL SELECT {names} FROM {b})")
    return {"columns": len(shared) - 1, "lake": count("lake"), "raw": count("raw"),
            "only_lake": only("lake", "raw"), "only_raw": only("raw", "lake")}


def run(url, data, raw):
    db = connect(data, raw)
    rows = same_rows(db)
    first, end = db.execute(f"SELECT min(t) // {DAY} * {DAY}, (max(t) // {DAY} + 1) * {DAY} FROM raw").fetchone()
    print(f"rows: {rows['lake']} in the lake, {rows['raw']} generated; of {rows['columns']} columns "
          f"{rows['only_lake']} rows are only in the lake, {rows['only_raw']} only generated\n")
    print(f"{'question':<96}{'numbers':>9}{'largest':>10}{'quantiles':>11}")
    tally, total = Tally(), 0
    for kind, q in questions(first, end):
        shape, duck = KINDS[kind]
        span = f"{iso(q['from'])[:10]}..{iso(q['to'])[:10]}"
        name = f"{kind} {span} " + " ".join(f"{k}={v}" for k, v in q.items() if k not in ("from", "to"))
        got = shape(ask(url, kind, q), q)
        for table in ("lake", "raw"):
            count, (exact, quantile) = tally.compare(name, table, got, duck(db, table, q))
            total += count
            print(f"{name + ' / ' + table:<96}{count:>9}{exact:>10.1e}{quantile:>10.2%}")
    print(f"\n{'field':<18}{'compared':>10}{'largest, lake':>15}{'largest, raw':>14}")
    for field in dict.fromkeys(f for _, f in tally.fields):
        cells = [tally.fields.get((t, field), (0, 0.0)) for t in ("lake", "raw")]
        print(f"{field:<18}{sum(c[0] for c in cells):>10}{cells[0][1]:>15.1e}{cells[1][1]:>14.1e}")
    for question, against, key, field, a, b in tally.wrong[:40]:
        print(f"DIFFERENT {question} / {against} {key} {field}: REST {a!r}, DuckDB {b!r}")
    largest = lambda quantile: max((w for (_, f), (_, w) in tally.fields.items() if (f in QUANTILES) == quantile), default=0.0)
    equal = not tally.wrong and total > 0 and rows["lake"] == rows["raw"] and not rows["only_lake"] + rows["only_raw"]
    print(f"\n{total} numbers compared, {len(tally.wrong)} different: {'equal' if equal else 'NOT EQUAL'}")
    return {"equal": equal, "rows": rows, "compared": total, "different": len(tally.wrong),
            "differences": [list(map(str, w)) for w in tally.wrong[:100]], "largest_difference": largest(False), "largest_quantile_difference": largest(True)}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    where = p.add_mutually_exclusive_group(required=True)
    where.add_argument("--url", help="a running server")
    where.add_argument("--binary", help="a server to start on the data folder and stop afterwards")
    p.add_argument("--data", required=True)
    p.add_argument("--raw", required=True)
    p.add_argument("--json", help="where to write the sums")
    a = p.parse_args()
    server, url = None, a.url
    if a.binary:
        server = subprocess.Popen([a.binary, "serve", "--data", a.data, "--addr", "127.0.0.1:0", "--demo", "0"],
                                  stdout=subprocess.PIPE, text=True)
        url = next((line.split()[-1] for line in server.stdout if "http://" in line), None)
        if url is None:
            sys.exit("the server did not start")
    try:
        sums = run(url.rstrip("/"), a.data, a.raw)
    finally:
        if server:
            server.terminate()
            server.wait(30)
    if a.json:
        with open(a.json, "w") as f:
            json.dump(sums, f)
    sys.exit(0 if sums["equal"] else 1)


if __name__ == "__main__":
    main()
