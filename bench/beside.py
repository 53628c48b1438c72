#!/usr/bin/env python3
"""Measures how long programs wait that POST records while an ingest runs beside the server, as JSON.

  beside.py --binary dist/guardianflow [--rows 1000000] [--days 90] [--input FOLDER] [--log]

Writes records with gen_metrics.py (or takes those of --input), starts a server on a free loopback port with a data folder of
its own, ingests the records into the same folder by the command line, and POSTs one record every 100 ms until the ingest has
ended. With --log both write how long they hold the lake's lock; the longest holds are told. Not part of the tests.
"""
import argparse, http.client, json, os, re, statistics, subprocess, sys, tempfile, threading, time


def line(i, now):
    """One record; every `i` is another."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
    return (
        f'{{"timestamp":"{at}","run_id":"{i:x}","customer":"beside","site":"s{i % 20}","zone":"z{i % 100}",'
        f'"task":"detection","experiment_type":"production","detection":{{"mAP50":0.81}}}}\n'
    )


def holds(path):
    """The longest times that the lake's lock was held, in milliseconds, by what for."""
    longest = {}
    with open(path, errors="replace") as f:
        for text in f:
            if "lock was held" in text:
                plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
                ms = int(re.search(r"ms=(\d+)", plain)[1])
                what = re.search(r'what="([^"]+)"', plain)[1]
                longest[what] = max(longest.get(what, 0), ms)
    return longest


def main():
    a = argparse.ArgumentParser()
    a.add_argument("--binary", required=True)
    a.add_argument("--rows", type=int, default=1_000_000)
    a.add_argument("--days", type=int, default=90)
    a.add_argument("--input")
    a.add_argument("--log", action="store_true")
    a = a.parse_args()
    folder = tempfile.mkdtemp(prefix="gf-beside-")
    source = a.input or os.path.join(folder, "raw")
    if not a.input:
        here = os.path.dirname(os.path.abspath(__file__))
        yesterday = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
        command = [sys.executable, os.path.join(here, "gen_metrics.py"), "--rows", str(a.rows), "--out", source]
        subprocess.run([*command, "--days", str(a.days), "--end", yesterday], check=True, stdout=sys.stderr)
    env = {k: v for k, v in os.environ.items() if not k.startswith(("GF_", "LEPTOS_"))}
    env.update(GF_ADDR="127.0.0.1:0", GF_DATA=os.path.join(folder, "data"))
    if a.log:
        env["GF_LOG"] = "info,lake=debug"
    logs = {who: open(os.path.join(folder, who), "w") for who in ("server", "ingest")}
    server = subprocess.Popen([a.binary, "serve"], env=env, stdout=subprocess.PIPE, stderr=logs["server"], text=True)
    port = int(server.stdout.readline().rsplit(":", 1)[1])
    waits, failures, done, pending = [], [], threading.Event(), []

    def post(i):
        """One request on a connection of its own: none waits for another."""
        begun = time.perf_counter()
        try:
            c = http.client.HTTPConnection("127.0.0.1", port, timeout=120)
            body = line(i, time.time() - 60)
            c.request("POST", "/api/metrics/records", body, {"Content-Type": "application/x-ndjson"})
            status = c.getresponse().status
            c.close()
        except OSError as e:
            status = str(e)
        waits.append(time.perf_counter() - begun)
        if status != 200:
            failures.append(status)

    def send():
        i, next_at = 0, time.perf_counter()
        while not done.is_set():
            thread = threading.Thread(target=post, args=(i,))
            thread.start()
            pending.append(thread)
            i, next_at = i + 1, next_at + 0.1
            time.sleep(max(0, next_at - time.perf_counter()))

    try:
        time.sleep(2)
        sender = threading.Thread(target=send)
        sender.start()
        begun = time.perf_counter()
        ingest = subprocess.Popen([a.binary, "ingest", "--json", source], env=env, stdout=subprocess.PIPE, stderr=logs["ingest"])
        out, _ = ingest.communicate()
        took = time.perf_counter() - begun
        done.set()
        sender.join()
        [t.join() for t in pending]
        c = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        c.request("GET", "/api/metrics/summary?type=all&days=2&customer=beside")
        summary = json.loads(c.getresponse().read())
        there = next(m["n"] for m in summary["metrics"] if m["metric"] == "mAP50")
    finally:
        server.terminate()
        server.wait(30)
        [f.close() for f in logs.values()]
    waits.sort()
    ms = lambda s: round(1000 * s)
    result = {
        "taken": json.loads(out)["taken"], "ingest_s": round(took, 1), "posts": len(waits), "refused": len(failures),
        "lost": len(waits) - len(failures) - there,
        "wait_ms": {"p50": ms(statistics.median(waits)), "p99": ms(waits[int(0.99 * len(waits))]), "max": ms(waits[-1])},
    }
    if a.log:
        result["held_ms"] = {who: holds(os.path.join(folder, who)) for who in logs}
    print(json.dumps(result))


if __name__ == "__main__":
    main()
