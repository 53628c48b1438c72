#!/usr/bin/env python3
"""Asks a server on this machine for the same address again and again and says how long it took, as JSON.

  load.py --url http://127.0.0.1:3000/ --requests 200                       one at a time, after a warm-up
  load.py --url http://127.0.0.1:3000/ --connections 32 --seconds 15        that many at once, kept alive

Every answer is read to its end and must be 200; loopback only, at most 64 connections and 60 seconds.
"""
import argparse, http.client, json, sys, threading, time, urllib.parse

WARM_UP = 10


def percentile(times, q):
    """In milliseconds, interpolated between neighbours."""
    times = sorted(times)
    at = q * (len(times) - 1)
    low = int(at)
    high = min(low + 1, len(times) - 1)
    return 1000 * (times[low] + (times[high] - times[low]) * (at - low))


class Client:
    def __init__(self, url, encoding):
        parts = urllib.parse.urlsplit(url)
        if parts.hostname not in ("127.0.0.1", "localhost", "::1"):
            sys.exit("only addresses of this machine are asked")
        self.connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=60)
        self.path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        accept = "application/json" if parts.path.startswith("/api/") else "text/html"
        self.headers = {"Accept": accept, "Accept-Encoding": encoding}

    def ask(self):
        """Seconds until the whole answer was there, and its bytes."""
        start = time.perf_counter()
        self.connection.request("GET", self.path, headers=self.headers)
        answer = self.connection.getresponse()
        size = len(answer.read())
        if answer.status != 200:
            raise RuntimeError(f"{self.path} answered {answer.status}")
        return time.perf_counter() - start, size


def one_at_a_time(url, encoding, requests):
    client = Client(url, encoding)
    for _ in range(WARM_UP):
        client.ask()
    start = time.perf_counter()
    times, sizes = zip(*(client.ask() for _ in range(requests)))
    return list(times), sizes[-1], time.perf_counter() - start


def at_once(url, encoding, connections, seconds):
    times, sizes, errors = [], [], []
    Client(url, encoding).ask()
    end = time.perf_counter() + seconds

    def work():
        try:
            client = Client(url, encoding)
            while time.perf_counter() < end:
                took, size = client.ask()
                times.append(took)
                sizes.append(size)
        except Exception as e:  # reported by the main thread
            errors.append(e)

    start = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(connections)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return times, sizes[-1], time.perf_counter() - start


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--url", required=True)
    p.add_argument("--requests", type=int, default=200)
    p.add_argument("--connections", type=int, default=1)
    p.add_argument("--seconds", type=float, default=15)
    p.add_argument("--encoding", default="identity", help="what to send as Accept-Encoding")
    a = p.parse_args()
    if a.connections > 1:
        times, size, took = at_once(a.url, a.encoding, min(a.connections, 64), min(a.seconds, 60))
    else:
        times, size, took = one_at_a_time(a.url, a.encoding, min(a.requests, 10_000))
    print(json.dumps({"requests": len(times), "connections": a.connections, "per_second": len(times) / took,
                      **{f"p{q}_ms": percentile(times, q / 100) for q in (50, 95, 99)},
                      "max_ms": 1000 * max(times), "bytes": size}))


if __name__ == "__main__":
    main()
