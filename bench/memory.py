#!/usr/bin/env python3
"""How much memory a server holds after it has answered questions: memory.py --data DATA BINARY [BINARY ...]

Starts each binary in turn over the same data folder (a lake of `gen_metrics.py`, ingested before; --make ROWS makes one), asks
45 questions one after the other (15 times each: REST summary of 30 days; REST trend of mAP50, detection, customer-01, 90 days
by the hour; `/`), and says per run: resident when idle, after the questions, five seconds later, at the peak, and the
processor time of the server per question, in milliseconds. Several binaries take turns --rounds times; medians at the end.
The site's files must lie beside each binary (`site/`) as in `dist/`.
"""
import argparse, datetime as dt, json, os, re, shutil, statistics, subprocess, sys, tempfile, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ASKED = {
    "summary": "/api/metrics/summary?days=30",
    "trend": "/api/metrics/trend?metric=mAP50&task=detection&customer=customer-01&days=90&step=1h",
    "page": "/",
}
MB = 1 << 20


def make(binary, rows, folder):
    """Ingests so many records of ninety days up to yesterday into `folder`, unless it is there."""
    if os.path.exists(folder):
        return
    with tempfile.TemporaryDirectory(dir=os.path.dirname(os.path.abspath(folder))) as work:
        end = dt.datetime.now(dt.timezone.utc).date() - dt.timedelta(days=1)
        generate = [sys.executable, f"{HERE}/gen_metrics.py", "--rows", str(rows), "--days", "90", "--end", str(end), "--out", f"{work}/raw"]
        subprocess.run(generate, check=True, stdout=sys.stderr)
        subprocess.run([binary, "ingest", f"{work}/raw", "--data", f"{work}/data", "--log", "warn"], check=True, stdout=sys.stderr)
        shutil.move(f"{work}/data", folder)


def status(pid):
    with open(f"/proc/{pid}/status") as f:
        found = dict(re.findall(r"^(VmRSS|VmHWM|RssAnon|RssFile|Threads):\s+(\d+)", f.read(), re.M))
    return {k: int(v) * (1024 if k != "Threads" else 1) for k, v in found.items()}


def cpu(pid):
    """Processor seconds of all threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run(binary, data, times, env, kinds):
    serve = [binary, "serve", "--data", data, "--addr", "127.0.0.1:0", "--log", "warn"]
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("GF_", "LEPTOS_"))}
    server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True, env=clean | env)
    try:
        url = next(m.group() for line in server.stdout if (m := re.search(r"http://\S+", line)))
        ask = lambda path: urllib.request.urlopen(url + path, timeout=600).read()
        ask("/readyz")
        time.sleep(1)
        out = {"idle": status(server.pid)["VmRSS"] / MB}
        for name, path in ((k, ASKED[k]) for k in kinds):
            before = cpu(server.pid)
            first = time.monotonic()
            for i in range(times):
                ask(path)
                if i == 0:
                    out[f"{name} first"] = 1000 * (cpu(server.pid) - before)
                    before = cpu(server.pid)
            out[f"{name} cpu"] = 1000 * (cpu(server.pid) - before) / max(times - 1, 1)
            out[f"{name} wall"] = 1000 * (time.monotonic() - first) / times
            out[f"after {name}"] = status(server.pid)["VmRSS"] / MB
        found = status(server.pid)
        out |= {"resident": found["VmRSS"] / MB, "peak": found["VmHWM"] / MB, "anonymous": found["RssAnon"] / MB, "threads": found["Threads"]}
        time.sleep(5)
        out["later"] = status(server.pid)["VmRSS"] / MB
        return out
    finally:
        server.terminate()
        server.wait(30)


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("binaries", nargs="+")
    p.add_argument("--data", required=True)
    p.add_argument("--make", type=int, metavar="ROWS", help="make the data folder of so many records where it is missing")
    p.add_argument("--rounds", type=int, default=1)
    p.add_argument("--times", type=int, default=15)
    p.add_argument("--ask", action="append", choices=ASKED, help="only these questions")
    p.add_argument("--env", action="append", default=[], metavar="NAME=VALUE", help="for the servers")
    p.add_argument("--json", metavar="FILE")
    a = p.parse_args()
    if a.make:
        make(a.binaries[0], a.make, a.data)
    env = dict(e.split("=", 1) for e in a.env)
    runs = {b: [] for b in a.binaries}
    for _ in range(a.rounds):
        for b in a.binaries:
            runs[b].append(run(b, a.data, a.times, env, a.ask or list(ASKED)))
            print(b, " ".join(f"{k} {v:.0f}" for k, v in runs[b][-1].items()), file=sys.stderr)
    median = {b: {k: statistics.median(r[k] for r in all) for k in all[0]} for b, all in runs.items()}
    keys = list(next(iter(median.values())))
    print("| MB, ms | " + " | ".join(a.binaries) + " |\n|---|" + "---|" * len(a.binaries))
    for k in keys:
        print(f"| {k} | " + " | ".join(f"{median[b][k]:.0f}" for b in a.binaries) + " |")
    if a.json:
        with open(a.json, "w") as f:
            json.dump(runs, f, indent=1)


if __name__ == "__main__":
    main()
