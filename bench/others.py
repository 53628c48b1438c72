#!/usr/bin/env python3
"""What a customer's open page costs the server while another customer's records come in, one binary beside another.

  others.py --old OLD --new NEW --data DATA [--seconds 20] [--pages 10]

OLD and NEW are folders as `make build` leaves them (dist/); DATA is a data folder that both can open, of which each gets a copy. On
each, --pages listeners do what an open page does: they listen at /api/events for what their page says, and ask for the page anew
when they are told of records. It is the page of the first customer, compared with a year before. Meanwhile another customer's
records are sent twice a second. Loopback only.
"""
import argparse, datetime, html, http.client, json, os, re, shutil, sys, tempfile, threading, time, urllib.parse

import cpu


class Server(cpu.Server):
    def __init__(self, dist, data):
        super().__init__(dist, data)
        self.at = (self.connection.host, self.connection.port)

    def get(self, path, accept="text/html"):
        connection = http.client.HTTPConnection(*self.at, timeout=120)
        connection.request("GET", path, headers={"Accept": accept})
        answer = connection.getresponse()
        body = answer.read().decode()
        connection.close()
        return answer.status, body

    def send(self, records):
        connection = http.client.HTTPConnection(*self.at, timeout=120)
        connection.request("POST", "/api/metrics/records", body="\n".join(map(json.dumps, records)),
                           headers={"Content-Type": "application/x-ndjson"})
        answer = connection.getresponse()
        answer.read()
        connection.close()
        if answer.status != 200:
            sys.exit(f"sending answered {answer.status}")


def page(server, path, until, loads):
    """An open page: loads itself, listens, and loads itself again whenever it is told of records."""
    status, body = server.get(path)
    if status != 200:
        sys.exit(f"{path} answered {status}")
    feed = re.search(r'data-feed="([^"]*)"', body)
    feed = html.unescape(feed.group(1)) if feed else "/api/events"
    last = re.search(r'data-generation="([^"]*)"', body).group(1)
    connection = http.client.HTTPConnection(*server.at, timeout=30)
    connection.request("GET", f"{feed}{'&' if '?' in feed else '?'}last={last}", headers={"Accept": "text/event-stream"})
    stream = connection.getresponse()
    while time.time() < until:
        line = stream.readline().decode()
        if line.startswith("event: records") and time.time() < until:
            server.get(path)
            loads.append(time.time())
    connection.close()


def run(dist, data, a):
    server = Server(dist, data)
    places = json.loads(server.get("/api/places", "application/json")[1])["places"]
    customers = sorted({p["customer"] for p in places})
    own, other = customers[0], next(p for p in places if p["customer"] == customers[-1] and p["zone"])
    path = f"/customers/{urllib.parse.quote(own)}?compare=year"
    for _ in range(3):
        server.get(path)
    until, loads = time.time() + a.seconds, []
    pages = [threading.Thread(target=page, args=(server, path, until, loads)) for _ in range(a.pages)]
    [p.start() for p in pages]
    time.sleep(2)
    before, begun, sent = cpu.spent(server.process.pid), time.time(), 0
    while time.time() < until - 1:
        now = datetime.datetime.now(datetime.timezone.utc).isoformat()
        server.send([{"timestamp": now, "run_id": f"{sent}-{i}", "customer": other["customer"], "site": other["site"],
                      "zone": other["zone"], "task": "detection", "detection": {"mAP50": 0.5}} for i in range(10)])
        sent += 10
        time.sleep(0.5)
    took, seconds = cpu.spent(server.process.pid) - before, time.time() - begun
    server.stop()
    [p.join() for p in pages]
    return took, seconds, len(loads), sent


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("old", "new", "data"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--seconds", type=int, default=20)
    p.add_argument("--pages", type=int, default=10)
    a = p.parse_args()
    for side in ("old", "new", "old", "new"):
        with tempfile.TemporaryDirectory() as work:
            data = os.path.join(work, "data")
            shutil.copytree(a.data, data)
            took, seconds, loads, sent = run(getattr(a, side), data, a)
            print(f"{side}: {took:.2f} s of processor time in {seconds:.0f} s; {loads} page loads for {sent} records of another customer")


if __name__ == "__main__":
    main()
