#!/usr/bin/env python3
"""The same two questions to GuardianFlow over REST, to DuckDB and to pandas, on the same files, in turns; JSON.

  engines.py --url http://127.0.0.1:3000 --pid PID --data DATA [--runs 15]

Over the whole range, raw rows, production only:
  summary  whole fleet and each customer, 15 metrics: n, Σw, mean, min, max, latest, p50, p95, p99
           (GuardianFlow also counts the sites of each; for DuckDB that would cost a third more and is left out)
  trend    mAP50, about 180 steps of a day: n, mean, min, max, p50, p95
DuckDB is asked with exact and with approximate quantiles. Each engine may use all cores; warm; the median counts.
GuardianFlow's time includes HTTP and JSON. No two of its questions are the same (`from` moves by a millisecond
before the first record), so no kept answer can help it.
"""
import argparse, glob, json, os, resource, statistics, time, urllib.parse, urllib.request
import duckdb, pandas as pd, pyarrow as pa
from equal import DAY, METRICS, iso

CORES = len(os.sched_getaffinity(0))
PRODUCTION = "(experiment_type IS NULL OR experiment_type = 'production')"
TREND, SUMMARY_Q, TREND_Q = "mAP50", [0.5, 0.95, 0.99], [0.5, 0.95]


def server_cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def own_cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


class Rest:
    def __init__(self, url, first, end):
        self.url, self.first, self.end, self.asked = url.rstrip("/"), first, end, 0

    def ask(self, kind, **words):
        self.asked += 1
        words |= {"from": iso(self.first - self.asked), "to": iso(self.end)}
        with urllib.request.urlopen(f"{self.url}/api/metrics/{kind}?{urllib.parse.urlencode(words)}", timeout=120) as r:
            return json.load(r)

    def summary(self):
        return next(m["n"] for m in self.ask("summary")["metrics"] if m["metric"] == TREND)

    def trend(self):
        return sum(p["n"] for p in self.ask("trend", metric=TREND, step="1d")["points"])


class Duck:
    def __init__(self, data, first, end, quantile):
        self.db = duckdb.connect(config={"threads": CORES})
        self.db.execute("SET TimeZone = 'UTC'")
        files = f"{data}/lake/day=*/*.parquet".replace("'", "''")
        self.db.execute(f"CREATE VIEW lake AS FROM read_parquet('{files}', hive_partitioning = false)")
        moment = lambda t: f"TIMESTAMPTZ '{iso(t)}'"
        self.rows = f"""FROM lake WHERE "timestamp" >= {moment(first)} AND "timestamp" < {moment(end)} AND {PRODUCTION}"""
        self.quantile = quantile

    def aggregates(self, x, qs, full):
        w = f"CASE WHEN {x} IS NOT NULL THEN coalesce(samples, 1) END"
        parts = [f"count({x})", f"sum({w})", f"sum({w} * {x})", f"min({x})", f"max({x})", f"{self.quantile}({x}, {qs})"]
        if full:
            parts.append(f'arg_max({x}, "timestamp")')
        return ", ".join(parts)

    def summary(self):
        metrics = ", ".join(self.aggregates(x, SUMMARY_Q, True) for x in METRICS.values())
        rows = self.db.execute(f"SELECT customer, {metrics} {self.rows} GROUP BY GROUPING SETS ((), (customer))").fetchall()
        return next(r[1] for r in rows if r[0] is None)

    def trend(self):
        rows = self.db.execute(f"""SELECT epoch_ms("timestamp") // {DAY} AS step,
            {self.aggregates(METRICS[TREND], TREND_Q, False)} {self.rows} GROUP BY step ORDER BY step""").fetchall()
        return sum(r[1] for r in rows)


class Pandas:
    def __init__(self, data, first, end):
        pa.set_cpu_count(CORES)
        self.files = sorted(glob.glob(f"{data}/lake/day=*/*.parquet"))
        self.first, self.end = (pd.Timestamp(t, unit="ms", tz="UTC") for t in (first, end))

    def rows(self, columns):
        columns = ["timestamp", "experiment_type", "samples", *columns]
        df = pd.read_parquet(self.files, columns=columns, partitioning=None)
        kind = df["experiment_type"]
        here = (df["timestamp"] >= self.first) & (df["timestamp"] < self.end) & (kind.isna() | (kind == "production"))
        return df[here]

    def summary(self):
        df = self.rows(["customer", *METRICS.values()])
        w = df["samples"].fillna(1.0)
        n = 0
        for x in METRICS.values():
            have = df[["customer", "timestamp", x]].assign(w=w, wx=w * df[x]).dropna(subset=[x])
            for group in ([], ["customer"]):
                parts = have.groupby(group) if group else have
                counted = parts.agg({x: ["count", "min", "max"], "w": "sum", "wx": "sum"})
                parts[x].quantile(SUMMARY_Q)
                if len(have):
                    have.loc[parts["timestamp"].idxmax(), x]
                if x == METRICS[TREND] and not group:
                    n = int(counted.loc["count", x])
        return n

    def trend(self):
        x = METRICS[TREND]
        df = self.rows([x]).dropna(subset=[x])
        w = df["samples"].fillna(1.0)
        steps = df.assign(w=w, wx=w * df[x]).groupby(df["timestamp"].dt.floor("D"))
        counted = steps.agg({x: ["count", "min", "max"], "w": "sum", "wx": "sum"})
        steps[x].quantile(TREND_Q)
        return int(counted[(x, "count")].sum())


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--url", required=True)
    p.add_argument("--pid", type=int, required=True, help="the server's process, for its CPU time")
    p.add_argument("--data", required=True)
    p.add_argument("--runs", type=int, default=15)
    a = p.parse_args()
    first, end = duckdb.execute(f"""SELECT epoch_ms(min("timestamp")) // {DAY} * {DAY},
        (epoch_ms(max("timestamp")) // {DAY} + 1) * {DAY} FROM read_parquet('{a.data}/lake/day=*/*.parquet')""").fetchone()
    rest_cpu = lambda: server_cpu(a.pid)
    engines = {
        "guardianflow": (Rest(a.url, first, end), rest_cpu),
        "duckdb, exact quantiles": (Duck(a.data, first, end, "quantile_cont"), own_cpu),
        "duckdb, approximate quantiles": (Duck(a.data, first, end, "approx_quantile"), own_cpu),
        "pandas": (Pandas(a.data, first, end), own_cpu),
    }
    answers = {"cores": CORES, "runs": a.runs}
    for question in ("summary", "trend"):
        times, cpu, seen = {e: [] for e in engines}, {e: [] for e in engines}, {}
        for run in range(a.runs + 2):                   # the first two warm up
            for name, (engine, clock) in engines.items():
                before, start = clock(), time.perf_counter()
                seen[name] = getattr(engine, question)()
                took = time.perf_counter() - start
                if run >= 2:
                    times[name].append(took)
                    cpu[name].append(clock() - before)
        if len(set(seen.values())) != 1:
            raise SystemExit(f"{question}: the engines counted different rows: {seen}")
        answers[question] = {"rows": seen["guardianflow"]} | {
            e: {"median_ms": 1000 * statistics.median(times[e]), "min_ms": 1000 * min(times[e]),
                "cpu_ms": 1000 * statistics.mean(cpu[e]),
                "guardianflow_to_this": statistics.median(times["guardianflow"]) / statistics.median(times[e])}
            for e in engines}
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
