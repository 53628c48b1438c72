#!/usr/bin/env python3
"""Writes the records of a champion and a challenger that run side by side, the same every time, as one Parquet file in the columns that
`guardianflow ingest` takes and `metrics export` gives: records.py --out FILE [--per-day 4] [--days 90] [--end 2026-11-26]

20 customers of 10 sites with one zone and one device each. Sites differ, so do the effects at them, days scatter, and what the sites of a
customer have in common moves together; samples are unequal (log-sd 1). The effects are small. Where a value is missing, at one record
in 200 and for whole days of a side at one site in 100, the two sides do not share every cell.
"""
import argparse, datetime as dt
import numpy as np, pyarrow as pa, pyarrow.parquet as pq

CUSTOMERS, SITES = 20, 10
CHAMPION, CHALLENGER = ("yolov8m", "1.1.0"), ("yolov8m", "1.2.0")
TASK, DEVICE = "tracking", "orin-nx"
DAY_MS = 86_400_000
# Column, level, effect; standard deviations of sites' levels, of effects by customer and by site, of a day's difference, and of a record; decimals.
METRICS = {
    "detection_map50": (0.780, 0.004, 0.040, 0.003, 0.008, 0.010, 0.020, 4),
    "detection_recall": (0.740, 0.002, 0.040, 0.003, 0.008, 0.010, 0.020, 4),
    "mot_hota": (0.610, 0.003, 0.050, 0.004, 0.010, 0.012, 0.030, 4),
    "system_inference_time_ms": (22.0, 0.35, 1.5, 0.15, 0.4, 0.5, 2.0, 3),
    "system_fps": (44.0, -0.60, 3.0, 0.30, 0.8, 1.0, 4.0, 2),
}


def made(per_day, days, end, seed=7):
    g = np.random.default_rng(seed)
    places, cells = CUSTOMERS * SITES, CUSTOMERS * SITES * days * 2
    # In the order in which records are made: place, day, side, and which one of the day it is.
    place, day, side, turn = (a.ravel() for a in np.indices((places, days, 2, per_day)))
    n = len(place)
    cell = (place * days + day) * 2 + side
    size = np.exp(g.normal(5.0, 1.0, places))
    samples = np.ceil(size[place] * np.exp(g.normal(0.0, 0.5, n)) * np.where(side == 1, 0.6, 1.0))
    columns = {}
    for name, (level, effect, of_site, by_customer, by_site, of_day, of_record, decimals) in METRICS.items():
        sites = level + g.normal(0, of_site, places)
        effects = effect + np.repeat(g.normal(0, by_customer, CUSTOMERS), SITES) + g.normal(0, by_site, places)
        value = sites[place] + g.normal(0, of_day / np.sqrt(2), cells)[cell] + g.normal(0, of_record, n) + side * effects[place]
        value = np.round(np.clip(value, 0.001, 1.0 if level < 1 else None), decimals)
        missing = (g.random(n) < 0.005) | (g.random(cells) < 0.01)[cell]
        columns[name] = pa.array(value, pa.float64(), mask=missing)
    first = int(dt.datetime(end.year, end.month, end.day, tzinfo=dt.timezone.utc).timestamp() * 1000) - (days - 1) * DAY_MS
    slot = DAY_MS // per_day
    at = first + day.astype(np.int64) * DAY_MS + turn * slot + g.integers(0, slot, n)
    models = (CHAMPION, CHALLENGER)
    text = lambda codes, names: pa.DictionaryArray.from_arrays(pa.array(codes.astype(np.int32)), pa.array(names))
    one = lambda name: text(np.zeros(n), [name])
    runs = [f"{place:03}{side}" for place in range(places) for side in range(2)]
    table = pa.table({
        "timestamp": pa.array(at, pa.timestamp("ms", tz="UTC")),
        "run_id": text(place * 2 + side, runs),
        "customer": text(place // SITES, [f"customer-{i:02}" for i in range(CUSTOMERS)]),
        "site": text(place % SITES, [f"site-{i:02}" for i in range(SITES)]),
        "zone": one("zone-0"),
        "task": one(TASK),
        "experiment_type": text(side, ["production", "candidate"]),
        "model_architecture": text(side, [m[0] for m in models]),
        "model_version": text(side, [m[1] for m in models]),
        **columns,
        "samples": pa.array(samples, pa.float64()),
        "device": one(DEVICE),
    })
    # As they arrive: by time.
    return table.take(pa.array(np.argsort(at, kind="stable")))


def write(path, per_day, days, end):
    table = made(per_day, days, end)
    pq.write_table(table, path, compression="zstd", compression_level=3, row_group_size=131_072, write_page_index=True, store_schema=False)
    return len(table)


if __name__ == "__main__":
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--out", required=True)
    p.add_argument("--per-day", type=int, default=4, help="records a day of each side at each site")
    p.add_argument("--days", type=int, default=90)
    p.add_argument("--end", type=dt.date.fromisoformat, default=dt.date(2026, 11, 26))
    a = p.parse_args()
    print(write(a.out, a.per_day, a.days, a.end), "records")
