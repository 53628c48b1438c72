#!/usr/bin/env python3
"""Measures how records arrive: from an append or a POST until they are visible and until listeners hear of them, as JSON.

  arrive.py --binary dist/guardianflow                  everything: about two minutes
  arrive.py --binary dist/guardianflow --only burst --rate 10000 --seconds 60 --listeners 50

Starts its own server on a free loopback port with a data folder of its own, and ends it. Not part of the tests.
"""
import argparse, http.client, json, os, selectors, socket, sqlite3, statistics, subprocess, tempfile, threading, time


def percentile(times, q):
    times = sorted(times)
    return times[min(len(times) - 1, int(q * len(times)))]


def told(times):
    """Milliseconds: median, p99 and worst."""
    if not times:
        return None
    ms = lambda s: round(1000 * s, 1)
    return {"n": len(times), "p50": ms(statistics.median(times)), "p99": ms(percentile(times, 0.99)), "max": ms(max(times))}


class Server:
    def __init__(self, binary, folder):
        self.inbox, self.data = os.path.join(folder, "in"), os.path.join(folder, "data")
        os.makedirs(self.inbox)
        env = {k: v for k, v in os.environ.items() if not k.startswith(("GF_", "LEPTOS_"))}
        env.update(GF_ADDR="127.0.0.1:0", GF_DATA=self.data, GF_INGEST_DIR=self.inbox)
        self.log = open(os.path.join(folder, "log"), "w")
        self.process = subprocess.Popen([binary, "serve"], env=env, stdout=subprocess.PIPE, stderr=self.log, text=True)
        self.port = int(self.process.stdout.readline().rsplit(":", 1)[1])
        while self.get("/readyz")[0] != 200:
            time.sleep(0.05)

    def get(self, path):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        c.request("GET", path)
        answer = c.getresponse()
        body = answer.read()
        c.close()
        return answer.status, body

    def count(self, customer):
        status, body = self.get(f"/api/metrics/summary?type=all&days=2&customer={customer}")
        if status != 200:
            return 0
        return next((m["n"] for m in json.loads(body)["metrics"] if m["metric"] == "mAP50"), 0)

    def rss(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return next(int(l.split()[1]) // 1024 for l in f if l.startswith("VmRSS"))

    def stop(self):
        begun = time.perf_counter()
        self.process.terminate()
        self.process.wait(30)
        return time.perf_counter() - begun


def line(customer, i, now):
    """One record; every `i` of a customer is another."""
    at = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(now)) + f".{int(now * 1000) % 1000:03d}Z"
    return (
        f'{{"timestamp":"{at}","run_id":"{i:x}","customer":"{customer}","site":"s{i % 20}","zone":"z{i % 100}",'
        f'"task":"detection","experiment_type":"production","model_architecture":"yolov8m","model_version":"1.{i % 3}.0",'
        f'"detection":{{"mAP50":0.81,"mAP50_95":0.55,"precision":0.86,"recall":0.78}},'
        f'"system":{{"inference_time_ms":18.4,"fps":54.3,"gpu_util":61.2}}}}\n'
    )


def single(server):
    """One record appended by another process, until a question counts it."""
    times = []
    path = os.path.join(server.inbox, "single.jsonl")
    for i in range(100):
        with open(path, "a") as f:
            f.write(line("single", i, time.time() - 60))
        begun = time.perf_counter()
        while server.count("single") != i + 1:
            time.sleep(0.005)
        times.append(time.perf_counter() - begun)
        time.sleep(0.037 * (i % 7))
    return told(times)


def post(server, clients, rounds):
    """One record a request over connections that stay open, until the answer."""
    times, lock = [], threading.Lock()

    def work(who):
        c = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        own = []
        for i in range(rounds):
            body = line(f"post{clients}", who * rounds + i, time.time() - 60)
            begun = time.perf_counter()
            c.request("POST", "/api/metrics/records", body, {"Content-Type": "application/x-ndjson"})
            answer = c.getresponse()
            text = answer.read()
            own.append(time.perf_counter() - begun)
            if answer.status != 200 or json.loads(text)["taken"] != 1:
                raise RuntimeError(f"{answer.status} {text}")
        with lock:
            times.extend(own)

    begun = time.perf_counter()
    threads = [threading.Thread(target=work, args=(who,)) for who in range(clients)]
    [t.start() for t in threads]
    [t.join() for t in threads]
    took = time.perf_counter() - begun
    if server.count(f"post{clients}") != clients * rounds:
        raise RuntimeError("not every record that was answered is there")
    return {**told(times), "a_second": round(clients * rounds / took)}


class Listeners:
    """So many streams of events, read by one thread; notes when each heard of which generation."""

    def __init__(self, port, n):
        self.selector, self.heard, self.running, self.on_event = selectors.DefaultSelector(), {}, True, None
        for i in range(n):
            s = socket.create_connection(("127.0.0.1", port))
            s.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n\r\n" % port)
            s.setblocking(False)
            self.selector.register(s, selectors.EVENT_READ, i)
        self.thread = threading.Thread(target=self.listen)
        self.thread.start()

    def listen(self):
        while self.running:
            for key, _ in self.selector.select(0.2):
                part = key.fileobj.recv(65536)
                now = time.perf_counter()
                for event in part.split(b"\n"):
                    if event.startswith(b"id: "):
                        self.heard.setdefault(int(event[4:]), {})[key.data] = now
                        if key.data == 0 and self.on_event:
                            self.on_event(now)

    def stop(self):
        self.running = False
        self.thread.join()


def burst(server, rate, seconds, listeners):
    """So many records a second appended to one file while so many listen. An append counts as heard of when the first
    listener hears of a commit in which the file's position is beyond it."""
    path = os.path.join(server.inbox, "metrics_burst.jsonl")
    appended, latencies, rss = [], [], []
    ear = Listeners(server.port, listeners)
    store = sqlite3.connect(f"file:{server.data}/guardianflow.sqlite?mode=ro", uri=True, check_same_thread=False)

    def heard(now):
        row = store.execute("SELECT position FROM tail WHERE path = ?", (path,)).fetchone()
        while row and appended and appended[0][0] <= row[0]:
            latencies.append(now - appended.pop(0)[1])

    ear.on_event = heard
    part = rate // 100
    begun, position, written, sampled = time.perf_counter(), 0, 0, 0
    with open(path, "ab", buffering=0) as f:
        for step in range(seconds * 100):
            now = time.time() - 60
            block = "".join(line("burst", written + i, now) for i in range(part)).encode()
            f.write(block)
            position += len(block)
            written += part
            appended.append((position, time.perf_counter()))
            if step // 500 > sampled or step == 0:
                sampled = step // 500
                rss.append(server.rss())
            time.sleep(max(0, begun + (step + 1) / 100 - time.perf_counter()))
    took = time.perf_counter() - begun
    ended = time.perf_counter()
    while server.count("burst") != written and time.perf_counter() - ended < 60:
        time.sleep(0.1)
    settled = time.perf_counter() - ended
    time.sleep(1.5)
    rss.append(server.rss())
    ear.stop()
    spread = [max(t.values()) - min(t.values()) for t in ear.heard.values() if len(t) == listeners]
    days = os.path.join(server.data, "lake")
    files = {d: len(os.listdir(os.path.join(days, d))) for d in os.listdir(days)}
    return {
        "asked_rate": rate, "rate": round(written / took), "written": written, "exact": server.count("burst") == written,
        "all_counted_after_s": round(settled, 2), "append_to_event_ms": told(latencies), "not_heard_of": len(appended),
        "events": len(ear.heard), "between_first_and_last_listener_ms": told(spread), "rss_mb_every_5_s": rss, "files": files,
    }


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("--binary", required=True)
    p.add_argument("--only", choices=["single", "post", "burst"])
    p.add_argument("--rate", type=int, default=10_000)
    p.add_argument("--seconds", type=int, default=60)
    p.add_argument("--listeners", type=int, default=50)
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="gf-arrive-") as folder:
        server, out = Server(os.path.abspath(a.binary), folder), {}
        try:
            if a.only in (None, "single"):
                out["append_to_visible_ms"] = single(server)
            if a.only in (None, "post"):
                out["post_1_client_ms"] = post(server, 1, 200)
                out["post_50_clients_ms"] = post(server, 50, 40)
            if a.only in (None, "burst"):
                out["burst"] = burst(server, a.rate, a.seconds, a.listeners)
        finally:
            out["stopped_after_s"] = round(server.stop(), 2)
    print(json.dumps(out, indent=1))


main()
