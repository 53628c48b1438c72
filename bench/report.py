#!/usr/bin/env python3
"""Puts the parts that bench/run measured into one JSON file and prints them as a Markdown table.

  report.py PARTS_FOLDER OUT.json
"""
import datetime as dt, glob, json, os, platform, sys


def load(folder):
    parts = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.json"))):
        with open(path) as f:
            parts[os.path.basename(path)[:-5]] = json.load(f)
    return parts


def ingest(part):
    """Adds what the ingest itself reported."""
    sums = json.loads(part.pop("out"))
    rows = sums["taken"]
    return {**part, "rows": rows, "records_per_second": rows / part["seconds"],
            "refused": sum(sums["refused"].values()), "duplicate": sums["duplicate"], "corrected": sums["corrected"]}


def lines(r):
    """(what, figure) in the order of the table."""
    for name, key in (("Parquet", "ingest_parquet"), ("JSON Lines", "ingest_jsonl")):
        i = r[key]
        yield (f"ingest from {name}, {i['rows']:,} records",
               f"{i['records_per_second']:,.0f} records/s in {i['seconds']:.1f} s, peak {i['peak_rss_mb']:.0f} MB")
    e, size = r["equal"], r["size"]
    yield ("equal to DuckDB on the same rows", f"{'yes' if e['equal'] else '**NO**'}: {e['compared']:,} numbers, {e['different']} "
           f"different; largest {e['largest_difference']:.1e}, quantiles {e['largest_quantile_difference']:.2%}")
    for name, key in (("`/`", "page"), ("REST summary, 7 days", "summary"), ("REST trend, 7 days", "trend")):
        one, many = r[f"{key}_one"], r[f"{key}_many"]
        yield (f"{name}, one at a time", f"p50 {one['p50_ms']:.0f} ms, p95 {one['p95_ms']:.0f} ms, p99 {one['p99_ms']:.0f} ms")
        yield (f"{name}, {many['connections']} connections",
               f"{many['per_second']:.1f}/s, p50 {many['p50_ms']:.0f} ms, p99 {many['p99_ms']:.0f} ms")
    one = r["page_br_one"]
    yield ("`/` with brotli, one at a time", f"p50 {one['p50_ms']:.0f} ms, p95 {one['p95_ms']:.0f} ms, p99 {one['p99_ms']:.0f} ms")
    for question in ("summary", "trend"):
        for engine, v in r["engines"][question].items():
            if engine != "rows":
                ratio = "" if engine == "guardianflow" else f"; GuardianFlow takes {v['guardianflow_to_this']:.2f} × as long"
                yield (f"{question} over all {r['engines'][question]['rows']:,} production records: {engine}",
                       f"{v['median_ms']:.0f} ms (CPU {v['cpu_ms']:.0f} ms){ratio}")
    m = r["memory"]
    yield ("server ready after start", f"{m['ready_s']:.1f} s")
    yield ("server memory", f"{m['idle_mb']:.0f} MB idle, {m['loaded_mb']:.0f} MB after load, {m['peak_mb']:.0f} MB at most")
    w, first = size["wasm"], size["first_load"]
    yield ("WASM", f"{w['raw'] / 1000:.0f} kB raw, {w['brotli'] / 1000:.0f} kB brotli")
    kinds = {}
    for p in first["parts"]:
        kind = os.path.splitext(p["path"])[1][1:] or "page"
        kinds[kind] = kinds.get(kind, 0) + p["bytes"] / 1000
    yield ("first load on the wire, brotli",
           f"{first['bytes'] / 1000:.0f} kB: " + ", ".join(f"{kind} {kb:.1f}" for kind, kb in kinds.items()))


def main():
    folder, out = sys.argv[1:]
    r = load(folder)
    r["ingest_parquet"], r["ingest_jsonl"] = ingest(r["ingest_parquet"]), ingest(r["ingest_jsonl"])
    r["taken_at"] = dt.datetime.now(dt.timezone.utc).isoformat(timespec="seconds")
    r["machine"] = {"cores": len(os.sched_getaffinity(0)), "system": platform.system(), "arch": platform.machine(),
                    "load_1m": os.getloadavg()[0]}
    os.makedirs(os.path.dirname(out) or ".", exist_ok=True)
    with open(out, "w") as f:
        json.dump(r, f, indent=1)
    print(f"Taken {r['taken_at']} on {r['machine']['cores']} cores.\n\n| what | figure |\n|---|---|")
    for what, figure in lines(r):
        print(f"| {what} | {figure} |")


if __name__ == "__main__":
    main()
