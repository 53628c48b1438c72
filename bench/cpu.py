#!/usr/bin/env python3
"""Processor time of the server per request, one binary beside another in turns, as a table.

  cpu.py --old OLD --new NEW --data DATA [--runs 5] [--requests 40]

OLD and NEW are folders as `make build` leaves them (dist/). DATA is a data folder of OLD's release that both can open; each
binary gets a copy of its own. A run starts a server, asks each address a few times to warm up and then --requests times, one
after the other, and reads the time that all threads of the server spent (user and system) from the kernel. The kernel counts in
hundredths of a second, so --requests should be 40 or more. Loopback only.
"""
import argparse, http.client, os, re, shutil, signal, statistics, subprocess, sys, tempfile, time

TICK = os.sysconf("SC_CLK_TCK")
ADDRESSES = {
    "/": "/",
    "/trends": "/trends",
    "/compare": "/compare",
    "summary": "/api/metrics/summary?days=7",
    "trend": "/api/metrics/trend?metric=mAP50&days=7",
}


def spent(pid):
    """Seconds of processor time of all threads."""
    with open(f"/proc/{pid}/stat") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


class Server:
    def __init__(self, dist, data):
        env = {k: v for k, v in os.environ.items() if not k.startswith("GF_")}
        self.process = subprocess.Popen(
            [os.path.join(dist, "guardianflow"), "serve", "--data", data, "--addr", "127.0.0.1:0", "--log", "warn"],
            stdout=subprocess.PIPE, text=True, env=env)
        found = None
        for line in self.process.stdout:
            found = re.search(r"is at http://(\S+)", line)
            if found:
                break
        if not found:
            sys.exit(f"{dist} did not start")
        host, port = found.group(1).rsplit(":", 1)
        self.connection = http.client.HTTPConnection(host, int(port), timeout=120)
        while self.ask("/readyz") != 200:
            time.sleep(0.1)

    def ask(self, address):
        accept = "application/json" if address.startswith("/api/") else "text/html"
        self.connection.request("GET", address, headers={"Accept": accept})
        answer = self.connection.getresponse()
        answer.read()
        return answer.status

    def per_request(self, address, requests):
        """Milliseconds of processor time."""
        for _ in range(3):
            if (status := self.ask(address)) != 200:
                sys.exit(f"{address} answered {status}")
        time.sleep(0.3)
        before = spent(self.process.pid)
        for _ in range(requests):
            self.ask(address)
        return 1000 * (spent(self.process.pid) - before) / requests

    def stop(self):
        self.connection.close()
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(30)


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("old", "new", "data"):
        p.add_argument(f"--{name}", required=True)
    p.add_argument("--runs", type=int, default=5)
    p.add_argument("--requests", type=int, default=40)
    a = p.parse_args()
    taken = {side: {name: [] for name in ADDRESSES} for side in ("old", "new")}
    with tempfile.TemporaryDirectory() as work:
        for side in taken:
            shutil.copytree(a.data, os.path.join(work, side))
        for run in range(a.runs):
            for side in ("old", "new") if run % 2 == 0 else ("new", "old"):
                server = Server(getattr(a, side), os.path.join(work, side))
                for name, address in ADDRESSES.items():
                    taken[side][name].append(server.per_request(address, a.requests))
                server.stop()
    print(f"processor time a request in ms, median of {a.runs} runs of {a.requests} requests (least to most)")
    for name in ADDRESSES:
        old, new = (taken[side][name] for side in ("old", "new"))
        shown = [f"{statistics.median(x):6.1f} ({min(x):.1f} to {max(x):.1f})" for x in (old, new)]
        print(f"{name:10} old {shown[0]:26} new {shown[1]:26} {statistics.median(new) / statistics.median(old):.2f} x")


if __name__ == "__main__":
    main()
