#!/usr/bin/env python3
"""Measures what many large POSTs at once do to a server: memory at the peak and half a minute later, how often senders were sent
away, and whether everything that was acknowledged is there once. Prints JSON; ends with 1 when something is lost or doubled.

  flood.py --binary dist/guardianflow [--senders 64] [--records 60000] [--patience 600]

Every sender has one body (gzip, about 160 KB for 60,000 records), sends it at the same moment as all others, and sends it again
when it was told to (429 or 503, after Retry-After seconds) or when its connection broke, until it is acknowledged. Starts its own
server on a free loopback port with a data folder of its own, and ends it. Not part of the tests.
"""
import argparse, collections, gzip, http.client, json, os, random, subprocess, sys, tempfile, threading, time


class Server:
    def __init__(self, binary, folder):
        env = {k: v for k, v in os.environ.items() if not k.startswith(("GF_", "LEPTOS_"))}
        env.update(GF_ADDR="127.0.0.1:0", GF_DATA=os.path.join(folder, "data"))
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen([binary, "serve"], env=env, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        while self.get("/readyz")[0] != 200:
            time.sleep(0.05)

    def get(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read()
        c.close()
        return answer.status, body

    def count(self):
        body = json.loads(self.get("/api/metrics/summary?type=all&days=7")[1])
        return next((m["n"] for m in body.get("metrics", []) if m["metric"] == "mAP50"), 0)

    def memory(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            kb = {l.split(":")[0]: int(l.split()[1]) for l in f if l.startswith(("VmRSS", "VmHWM"))}
        return {k: round(v / 1024) for k, v in kb.items()}

    def stop(self):
        self.process.terminate()
        return self.process.wait(30)


def body(sender, records, now):
    """Records of one zone, one a second, back from now."""
    dice, out, value = random.Random(sender), [], 0
    for i in range(records):
        value = dice.randrange(3) if i % 4 == 0 else value
        at = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now - 120 - i))
        out.append(
            f'{{"timestamp":"{at}","run_id":"run-{sender:03}","customer":"flood-{sender % 8}","site":"site-{sender % 16:02}",'
            f'"zone":"zone-{sender:03}","task":"detection","model_architecture":"yolov8m","model_version":"1.1.0",'
            f'"detection":{{"mAP50":0.8{value}}},"system":{{"inference_time_ms":18.4}}}}'
        )
    plain = "\n".join(out).encode()
    return gzip.compress(plain, 6), len(plain)


def send(server, packed, start, patience, told):
    begun = None
    while True:
        if begun is None:
            start.wait()
            begun = time.monotonic()
        if time.monotonic() - begun > patience:
            told["gave up"] += 1
            return
        try:
            c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=120)
            c.request("POST", "/api/metrics/records", packed, {"Content-Type": "application/x-ndjson", "Content-Encoding": "gzip"})
            answer = c.getresponse()
            text, again = answer.read(), answer.getheader("Retry-After")
            c.close()
        except OSError as e:
            told[f"broken: {type(e).__name__}"] += 1
            time.sleep(1)
            continue
        told[str(answer.status)] += 1
        if answer.status == 200:
            sums = json.loads(text)
            told["taken"] += sums["taken"]
            told["duplicate"] += sums["duplicate"]
            told["corrected"] += sums["corrected"]
            return
        if answer.status not in (429, 503):
            raise RuntimeError(f"{answer.status} {text[:300]}")
        told["without Retry-After"] += again is None
        time.sleep(float(again or 1))


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", required=True)
    p.add_argument("--senders", type=int, default=64)
    p.add_argument("--records", type=int, default=60_000)
    p.add_argument("--patience", type=int, default=600, help="seconds after which a sender gives up")
    a = p.parse_args()
    now = int(time.time())
    bodies = [body(s, a.records, now) for s in range(a.senders)]
    with tempfile.TemporaryDirectory(prefix="gf-flood-") as folder:
        server = Server(os.path.abspath(a.binary), folder)
        try:
            idle = server.memory()["VmRSS"]
            start, told = threading.Barrier(a.senders + 1), [collections.Counter() for _ in bodies]
            threads = [threading.Thread(target=send, args=(server, b[0], start, a.patience, t)) for b, t in zip(bodies, told)]
            [t.start() for t in threads]
            start.wait()
            begun = time.monotonic()
            [t.join() for t in threads]
            took = time.monotonic() - begun
            peak = server.memory()
            time.sleep(30)
            later = server.memory()
            stored = server.count()
            asked = server.memory()
        finally:
            code = server.stop()
    total = sum(told, collections.Counter())
    expected = a.senders * a.records
    acknowledged = total["200"] * a.records
    out = {
        "senders": a.senders, "records_each": a.records, "gzip_kb_each": round(len(bodies[0][0]) / 1024),
        "unpacked_mb_each": round(bodies[0][1] / 2**20, 1), "answers": dict(total), "all_acknowledged_after_s": round(took, 1),
        "most_tries_of_a_sender": max(t["200"] + t["503"] + t["429"] for t in told), "idle_mb": idle, "peak_mb": peak["VmHWM"],
        "rss_at_the_end_mb": peak["VmRSS"], "rss_30_s_later_mb": later["VmRSS"], "rss_after_one_question_mb": asked["VmRSS"],
        "stored": stored, "lost": max(0, acknowledged - stored), "doubled": max(0, stored - expected), "exit_code": code,
    }
    print(json.dumps(out, indent=1))
    sys.exit(1 if out["lost"] or out["doubled"] or stored != expected else 0)


main()
