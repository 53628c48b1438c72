#!/usr/bin/env python3
"""Asks a server on this machine which version is the champion of one model after the other, over many kept connections, and says as JSON how that went.

  lookups.py --port 3000 --path /api/models/{}/champion --names FILE.json [--connections 32] [--seconds 5]

load.py takes more processor time a request than GuardianFlow does for this one; this client writes what it was given and looks for the end of
an answer, nothing more. What is not 200, and a connection that ends, is counted as failed.
"""
import argparse, json, os, re, select, socket, sys, time, urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from load import percentile

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


def ended(answer):
    """Whether the whole of an answer is there."""
    head = answer.find(b"\r\n\r\n")
    if head < 0:
        return False
    length = LENGTH.search(answer, 0, head + 2)
    return len(answer) >= head + 4 + int(length[1]) if length else answer.endswith(b"0\r\n\r\n")


def lookups(port, requests, connections, seconds):
    poll, open_ones, times, failed, asked, size = select.epoll(), {}, [], 0, 0, 0

    def ask(s):
        nonlocal asked
        s.sendall(requests[asked % len(requests)])
        asked += 1
        open_ones[s.fileno()] = [s, b"", time.perf_counter()]

    for _ in range(connections):
        s = socket.create_connection(("127.0.0.1", port), timeout=30)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        poll.register(s.fileno(), select.EPOLLIN)
        ask(s)
    begun = time.perf_counter()
    end = begun + seconds
    while open_ones and time.perf_counter() < end:
        for fd, _ in poll.poll(1):
            s, answer, since = one = open_ones[fd]
            try:
                new = s.recv(65_536)
            except OSError:
                new = b""
            one[1] = answer = answer + new
            if not new:
                failed += 1
                poll.unregister(fd)
                s.close()
                del open_ones[fd]
            elif ended(answer):
                if answer[9:12] == b"200":
                    times.append(time.perf_counter() - since)
                    size = len(answer)
                else:
                    failed += 1
                ask(s)
    took = time.perf_counter() - begun
    for s, _, _ in open_ones.values():
        s.close()
    if not times:
        sys.exit(f"none of {asked} lookups was answered with 200")
    return {"per_second": len(times) / took, "answered": len(times), "failed": failed, "bytes": size,
            **{f"p{q}_ms": percentile(times, q / 100) for q in (50, 99)}, "max_ms": 1000 * max(times)}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--port", type=int, required=True)
    p.add_argument("--path", required=True, help="with {} for the name of the model")
    p.add_argument("--names", required=True, help="a JSON list of names")
    p.add_argument("--connections", type=int, default=32)
    p.add_argument("--seconds", type=float, default=5)
    a = p.parse_args()
    with open(a.names) as f:
        paths = [a.path.replace("{}", urllib.parse.quote(name)) for name in json.load(f)]
    requests = [f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{a.port}\r\nAccept: application/json\r\nUser-Agent: bench\r\n\r\n".encode() for path in paths]
    print(json.dumps(lookups(a.port, requests, min(a.connections, 64), min(a.seconds, 60))))


if __name__ == "__main__":
    main()
