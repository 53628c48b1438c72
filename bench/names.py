#!/usr/bin/env python3
"""What thousands of metric names cost: names.py BINARY [BINARY ...]

Writes 20,000 records twice, of the last 14 days, four customers and two models, five metrics outside of the catalogue each: once
the same five names, once 2,000 in turn. Each binary takes both into a folder of its own and serves them, in turns; asked are `/`, a
customer and `/compare`, 20 times each after a first time, --rounds times over. Prints medians: milliseconds until the answer
was there, processor time of the server per answer, bytes. The site's files must lie beside each binary (`site/`) as in `dist/`.
"""
import argparse, datetime as dt, json, os, re, statistics, subprocess, sys, tempfile, time, urllib.request

PATHS = ["/", "/customers/customer-1", "/compare"]
RECORDS = 20_000


def write(path, names):
    now = dt.datetime.now(dt.timezone.utc)
    with open(path, "w") as f:
        for i in range(RECORDS):
            at = now - dt.timedelta(seconds=60 * i)
            custom = {f"made_up_metric_{(5 * i + k) % names:04}": (i * 7 + k) % 100 / 100 for k in range(5)}
            f.write(json.dumps({
                "timestamp": at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "customer": f"customer-{i // 5 % 4}", "site": f"site-{i // 20 % 3}", "zone": f"zone-{i // 60 % 4}",
                "task": "detection", "model_architecture": "yolov8m", "model_version": f"1.{i % 2}.0",
                "detection": {"mAP50": 0.7 + i % 10 / 100}, "system": {"fps": 30 + i % 5}, "custom": custom,
            }) + "\n")


def cpu(pid):
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(binary, data, env, times):
    serve = [binary, "serve", "--data", data, "--addr", "127.0.0.1:0", "--log", "warn"]
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=env)
    try:
        url = next(m.group() for line in server.stdout if (m := re.search(r"http://\S+", line)))
        ask = lambda path: urllib.request.urlopen(urllib.request.Request(url + path, headers={"Accept": "text/html"}), timeout=120).read()
        found = {}
        for path in PATHS:
            size = len(ask(path))
            before, took = cpu(server.pid), []
            for _ in range(times):
                begun = time.perf_counter()
                ask(path)
                took.append(1000 * (time.perf_counter() - begun))
            found[path] = (statistics.median(took), 1000 * (cpu(server.pid) - before) / times, size)
        return found
    finally:
        server.terminate()
        server.wait(30)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("binaries", nargs="+")
    p.add_argument("--rounds", type=int, default=5)
    p.add_argument("--times", type=int, default=20)
    p.add_argument("--cap", default="4000", help="GF_METRIC_NAMES, for binaries that know it")
    a = p.parse_args()
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GF_", "LEPTOS_"))} | {"GF_METRIC_NAMES": a.cap}
    with tempfile.TemporaryDirectory() as work:
        for names in (5, 2_000):
            write(f"{work}/{names}.jsonl", names)
            for i, binary in enumerate(a.binaries):
                take = [binary, "ingest", f"{work}/{names}.jsonl", "--data", f"{work}/{i}-{names}", "--log", "warn"]
                subprocess.run(take, check=True, stdout=sys.stderr, env=env)
        runs = {}
        for _ in range(a.rounds):
            for i, binary in enumerate(a.binaries):
                for names in (5, 2_000):
                    for path, got in measure(binary, f"{work}/{i}-{names}", env, a.times).items():
                        runs.setdefault((binary, path, names), []).append(got)
    print("| binary | page | ms: 5 names | 2,000 | × | CPU ms: 5 names | 2,000 | × | bytes: 5 names | 2,000 | × |\n|" + "---|" * 11)
    for binary in a.binaries:
        for path in PATHS:
            few, many = ([statistics.median(r[i] for r in runs[binary, path, n]) for i in range(3)] for n in (5, 2_000))
            cells = [f"{x:,.0f} | {y:,.0f} | {y / max(x, 1e-9):.2f}" for x, y in zip(few, many)]
            print(f"| {binary} | {path} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
