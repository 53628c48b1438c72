#!/usr/bin/env python3
"""Is the challenger better? In pandas and scipy, from a Parquet file, as docs/statistics.md says of the concurrent design; prints JSON.

  rival.py FILE --start 2026-08-29 --end 2026-11-27 [--times 5]

Sums of each zone, task, device and day by group; cells that both sides have by a join; differences of sites; the mean over typical sites and over the
fleet with the jackknife that leaves out a customer (or a site, below five customers) at a time; guard-rails; the verdict. `first` and `again` say how
many seconds it took after the imports: the first time, and each further time, as in a notebook that stays open; `cpu` the processor time of each.
"""
import time

began = time.perf_counter()
import argparse, json
import numpy as np, pandas as pd
from scipy import stats
imported = time.perf_counter()

# The name of a metric, its column, whether more is better, and its guard-rail: a margin, or a limit of the challenger's mean by device.
METRICS = {
    "mAP50": ("detection_map50", 1, ("margin", 0.01)),
    "recall": ("detection_recall", 1, ("margin", 0.01)),
    "hota": ("mot_hota", 1, ("margin", 0.01)),
    "inference_time_ms": ("system_inference_time_ms", -1, ("limit", 30.0)),
    "fps": ("system_fps", 1, None),
}
PRIMARY = "mAP50"
CHAMPION, CHALLENGER = ("yolov8m", "1.1.0"), ("yolov8m", "1.2.0")
PLACE = ["customer", "site", "zone", "task", "device"]
BEFORE_HORIZON = 0.0001
LEAST_CLUSTERS = 5
# What a limit gives way to where the champion itself is beyond it.
SHARE_OF_CHAMPION = 0.02


def sums(path, start, end):
    """Σw and Σwx of every metric by side, cell and day."""
    texts = [*PLACE, "experiment_type", "model_architecture", "model_version"]
    columns = ["timestamp", "samples", *texts, *(c for c, _, _ in METRICS.values())]
    # Names as categories: they are dictionaries in the file already, and are read and grouped in two thirds of the time.
    df = pd.read_parquet(path, columns=columns, read_dictionary=texts)
    df = df[(df["timestamp"] >= start) & (df["timestamp"] < end)]
    is_model = lambda m: (df["model_architecture"] == m[0]) & (df["model_version"] == m[1])
    champion, challenger = is_model(CHAMPION) & (df["experiment_type"] == "production"), is_model(CHALLENGER)
    df = df.assign(challenger=challenger, day=df["timestamp"].dt.floor("D"))[champion | challenger]
    weight = df["samples"].fillna(1.0)
    parts = {}
    for key, (column, _, _) in METRICS.items():
        parts["w", key] = weight.where(df[column].notna(), 0.0)
        parts["wx", key] = weight * df[column]
    parts = pd.DataFrame(parts)
    by = [df[k] for k in ["challenger", *PLACE, "day"]]
    return parts.groupby(by, observed=True, sort=False).sum()


def estimate(value, weight, customer):
    """Mean, standard error and degrees of freedom: delete-one-cluster jackknife around the mean."""
    cluster = pd.factorize(customer)[0]
    if cluster.max(initial=-1) + 1 < LEAST_CLUSTERS:
        cluster = np.arange(len(value))
    w, wx = np.bincount(cluster, weight), np.bincount(cluster, weight * value)
    n, mean = len(w), wx.sum() / w.sum()
    without = (wx.sum() - wx) / (w.sum() - w)
    variance = (n - 1) / n * ((without - mean) ** 2).sum()
    return mean, np.sqrt(variance), w.sum() ** 2 / (w ** 2).sum() - 1


def of_sites(all_sums):
    """By site and metric: difference, both means, Σω, what the fleet is weighted by; and on how many days a metric has both sides."""
    champion, challenger = all_sums.xs(False, level="challenger"), all_sums.xs(True, level="challenger")
    # Cells that both sides have.
    a, b = champion.align(challenger, join="inner", axis=0)
    both = (a["w"] > 0) & (b["w"] > 0)
    omega = (a["w"] * b["w"] / (a["w"] + b["w"])).where(both, 0.0)
    base, ours = (a["wx"] / a["w"]).where(both, 0.0), (b["wx"] / b["w"]).where(both, 0.0)
    pairs = pd.concat({"omega": omega, "d": omega * (ours - base), "base": omega * base, "ours": omega * ours}, axis=1)
    by_site = lambda frame: frame.groupby(level=["customer", "site"], observed=True).sum()
    sites = by_site(pairs)
    weight = by_site(champion["w"]).reindex(sites.index)
    means = {name: sites[name] / sites["omega"] for name in ("d", "base", "ours")}
    return {**means, "omega": sites["omega"], "weight": weight}, both.groupby(level="day").any().sum()


def standing(left, level):
    mean, error, df = left
    if stats.t.sf(-mean / error, df) < level:
        return "broken"
    return "kept" if stats.t.sf(mean / error, df) < level else "undecided"


def judge(path, start, end):
    sites, n_days = of_sites(sums(path, start, end))
    rows, rails, primary = [], [], {}
    for key, (_, sign, rail) in METRICS.items():
        site = pd.DataFrame({name: frame[key] for name, frame in sites.items()}).query("omega > 0")
        customer, even = site.index.get_level_values("customer"), np.ones(len(site))
        by = "customer" if customer.nunique() >= LEAST_CLUSTERS else "site"
        for estimand, weight in (("site", even), ("fleet", site["weight"].to_numpy())):
            mean, error, df = estimate(site["d"].to_numpy(), weight, customer)
            half = stats.t.isf(0.025, df) * error
            rows.append({"metric": key, "estimand": estimand, "difference": mean, "low": mean - half, "high": mean + half, "n_sites": len(site),
                         "n_days": n_days[key], "clusters": by, "p_above": stats.t.sf(mean / error, df), "p_below": stats.t.sf(-mean / error, df)})
        kind, bound = rail or (None, None)
        if kind is None:
            continue
        if kind == "margin":
            left = sign * site["d"] + bound
        else:
            # There is one device.
            base = (site["omega"] * site["base"]).sum() / site["omega"].sum()
            beyond = sign * (base - bound) < 0
            left = sign * site["d"] + SHARE_OF_CHAMPION * abs(base) if beyond else sign * (site["ours"] - bound)
        left = estimate(left.to_numpy(), even, customer)
        if key == PRIMARY:
            gain = estimate(sign * site["d"].to_numpy(), even, customer)
            primary = {"left": left, "superior": stats.t.sf(gain[0] / gain[1], gain[2]) < BEFORE_HORIZON}
        else:
            rails.append({"metric": key, "left": left[0], "standing": standing(left, BEFORE_HORIZON), "n_sites": len(site)})
    own, of_rails = standing(primary["left"], BEFORE_HORIZON), {r["standing"] for r in rails}
    if own == "broken" or "broken" in of_rails:
        verdict = "worse"
    elif "undecided" not in of_rails and (primary["superior"] or own == "kept"):
        verdict = "better" if primary["superior"] else "not_worse"
    else:
        verdict = "not_decisive"
    return {"verdict": verdict, "metrics": rows, "guard_rails": rails}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("file")
    p.add_argument("--start", required=True)
    p.add_argument("--end", required=True)
    p.add_argument("--times", type=int, default=1)
    a = p.parse_args()
    took, cpu = [], []
    for _ in range(a.times):
        started, busy = time.perf_counter(), time.process_time()
        answer = judge(a.file, pd.Timestamp(a.start, tz="UTC"), pd.Timestamp(a.end, tz="UTC"))
        took.append(time.perf_counter() - started)
        cpu.append(time.process_time() - busy)
    print(json.dumps({**answer, "imports": imported - began, "first": took[0], "again": took[1:], "cpu": cpu}, default=float))


if __name__ == "__main__":
    main()
