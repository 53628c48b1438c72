#!/usr/bin/env python3
"""Is the challenger better? GuardianFlow and pandas with scipy in turns, over the same records in one run; prints Markdown with each bar and
whether it holds. bench/evidence/run calls this. Exits 1 where the two do not answer the same."""
import argparse, datetime as dt, http.client, json, math, os, platform, re, signal, statistics, subprocess, sys, time, urllib.parse

HERE = os.path.dirname(os.path.abspath(__file__))
sys.dont_write_bytecode = True
sys.path.insert(0, HERE)
import records

CHAMPION, CHALLENGER = (":".join(m) for m in (records.CHAMPION, records.CHALLENGER))
RELATIVE, ABSOLUTE = 1e-9, 1e-12
# Better or not worse; provisional or not decisive; worse.
VERDICTS = (0, 3, 4)
BAR = 1 / 20
rows, unequal = [], []


def say(text):
    print("•", text, file=sys.stderr, flush=True)


def run(command, fine=(0,)):
    """What a process answers, from its start to its end: seconds, processor seconds, MB at the peak."""
    began = time.perf_counter()
    child = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    text = child.stdout.read()
    _, status, used = os.wait4(child.pid, 0)
    took = time.perf_counter() - began
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in fine:
        sys.exit(f"{' '.join(command)} ended with {child.returncode}: {text[:2000]}")
    return text, {"seconds": took, "cpu": used.ru_utime + used.ru_stime, "peak": used.ru_maxrss * 1024 / 1e6}


class Ours:
    """`guardianflow` over a folder of its own."""

    def __init__(self, binary, data):
        self.binary, self.data = binary, data

    def command(self, *words):
        return [self.binary, *words, "--data", self.data, "--log", "warn"]

    def prepare(self, file, start, horizon):
        _, took = run(self.command("ingest", file, "--json"))
        period = ["--start", start, "--horizon", horizon]
        run(self.command("models", "register", CHAMPION, CHALLENGER, *period, "--json"))
        return took

    def compare(self):
        text, took = run(self.command("models", "compare", CHAMPION, CHALLENGER, "--json"), VERDICTS)
        return json.loads(text), took


class Theirs:
    """rival.py over the file itself."""

    def __init__(self, file, start, end):
        self.words = [sys.executable, f"{HERE}/rival.py", file, "--start", start, "--end", end, "--times"]

    def compare(self, times=1):
        text, took = run([*self.words, str(times)])
        return json.loads(text), took


class Server:
    """`guardianflow serve` on a free port; ended by its own number."""

    def __init__(self, ours):
        self.process = subprocess.Popen(ours.command("serve", "--addr", "127.0.0.1:0"), stdout=subprocess.PIPE, text=True)
        self.url = next((m.group() for line in self.process.stdout if (m := re.search(r"http://\S+", line))), None)
        if self.url is None:
            sys.exit(f"the server ended with {self.process.wait()}")
        self.path = "/api/evidence?" + urllib.parse.urlencode({"champion": CHAMPION, "challenger": CHALLENGER})

    def ask(self):
        """The answer, and the seconds until all of it was there, over a connection of its own."""
        parts = urllib.parse.urlsplit(self.url)
        began = time.perf_counter()
        connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=120)
        connection.request("GET", self.path, headers={"Accept": "application/json"})
        answer = connection.getresponse()
        read = answer.read()
        took = time.perf_counter() - began
        connection.close()
        if answer.status != 200:
            sys.exit(f"{self.path} answered {answer.status}: {read[:500]!r}")
        return json.loads(read), took

    def cpu(self):
        with open(f"/proc/{self.process.pid}/stat") as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def resident(self):
        with open(f"/proc/{self.process.pid}/status") as f:
            return int(re.search(r"^VmRSS:\s+(\d+)", f.read(), re.M)[1]) * 1024 / 1e6

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def off(a, b):
    """By how much two numbers differ, relative to the second; zero within the absolute tolerance, infinite where one is none."""
    if a is None or b is None or not (math.isfinite(a) and math.isfinite(b)):
        return math.inf
    return 0.0 if abs(a - b) <= ABSOLUTE else abs(a - b) / max(abs(b), ABSOLUTE)


def equal(who, ours, theirs):
    """Every number that pandas and scipy have is held against ours. How many, and the largest relative difference."""
    count, largest = 0, 0.0

    def check(name, a, b):
        nonlocal count, largest
        count += 1
        if isinstance(b, float):
            largest = max(largest, abs(a - b) / abs(b) if a is not None and b else 0.0)
            good = off(a, b) <= RELATIVE
        else:
            good = a == b
        if not good:
            unequal.append(f"{who}: {name} is {a!r}, pandas and scipy say {b!r}")

    check("design", ours["design"], "concurrent")
    check("verdict", ours["verdict"], theirs["verdict"])
    found = {(m["metric"], m["estimand"]): m for m in ours["metrics"]}
    for m in theirs["metrics"]:
        row = found.pop((m["metric"], m["estimand"]), {})
        for key in ("difference", "low", "high", "n_sites", "n_days", "clusters"):
            check(f"{m['metric']}, {m['estimand']}, {key}", row.get(key), m[key])
    # What GuardianFlow adds: quantiles of latencies.
    for metric, estimand in found:
        if not re.search(r"\.p\d+$", metric):
            unequal.append(f"{who}: {metric}, {estimand}: pandas and scipy have none")
    rails = {r["metric"]: r for r in ours["guard_rails"] if r["standing"] != "unchecked"}
    for r in theirs["guard_rails"]:
        rail = rails.pop(r["metric"], {})
        for key in ("left", "standing", "n_sites"):
            check(f"guard-rail of {r['metric']}, {key}", rail.get(key), r[key])
    unequal.extend(f"{who}: guard-rail of {metric}: pandas and scipy have none" for metric in rails)
    return count, largest


def numbers(answer):
    return answer["verdict"], answer["metrics"], answer["guard_rails"]


def ms(seconds):
    return f"{1000 * seconds:,.0f} ms" if seconds >= 0.02 else f"{1000 * seconds:.1f} ms"


def mb(size):
    return f"{size:,.0f} MB"


def row(what, theirs, ours, bar, shown):
    """Medians, with lowest and highest; `bar` is the largest ratio of ours to theirs that holds, None where nothing is asked."""
    middle = [statistics.median(all) for all in (theirs, ours)]
    ratio = middle[1] / middle[0]
    holds = None if bar is None else ratio <= bar
    rows.append({"what": what, "theirs": theirs, "ours": ours, "ratio": ratio, "bar": bar, "holds": holds})
    bare = lambda x: shown(x).rsplit(" ", 1)[0]
    cell = lambda all, m: f"{shown(m)} ({bare(min(all))} to {bare(max(all))})"
    factor = f"{1 / ratio:.1f} ×"
    asked = "said" if bar is None else f"≥ {1 / bar:.0f} ×"
    end = "" if holds is None else "holds" if holds else "**does not hold**"
    print(f"| {what} | {cell(theirs, middle[0])} | {cell(ours, middle[1])} | {factor} | {asked} | {end} |", flush=True)


def in_turns(turns, first, second):
    """The answers of each turn; who comes first changes."""
    out = ([], [])
    for turn in range(turns):
        for k in ((0, 1), (1, 0))[turn % 2]:
            out[k].append((first, second)[k]())
    return out


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--binary", required=True)
    p.add_argument("--work", required=True)
    p.add_argument("--per-day", type=int, default=4, help="records a day of each side at each site")
    p.add_argument("--days", type=int, default=90)
    p.add_argument("--turns", type=int, default=5)
    p.add_argument("--requests", type=int, default=20)
    p.add_argument("--out", required=True)
    a = p.parse_args()
    today = dt.datetime.now(dt.timezone.utc).date()
    day = lambda n: str(today + dt.timedelta(days=n))
    loads = [os.getloadavg()[0]]

    say("writing records up to yesterday, and ingesting them")
    file = f"{a.work}/records.parquet"
    n = records.write(file, a.per_day, a.days, today - dt.timedelta(days=1))
    # A period that is over cannot be registered: it ends so late that no run reaches it. From today on there are no records.
    ours, theirs = Ours(a.binary, f"{a.work}/data"), Theirs(file, day(-a.days), day(2))
    taken = ours.prepare(file, day(-a.days), day(2))

    say("comparing answers")
    reference, _ = theirs.compare()
    answer, _ = ours.compare()
    count, largest = equal("guardianflow models compare", answer, reference)

    say(f"processes, in {a.turns} turns")
    their_processes, our_processes = in_turns(a.turns, theirs.compare, ours.compare)

    say(f"requests of a server, in {a.turns} turns")
    began = time.perf_counter()
    server = Server(ours)
    try:
        first, first_took = server.ask()
        ready = time.perf_counter() - began
        more, _ = equal("/api/evidence", first, reference)
        count += more
        # Warm is a server that has started a while ago.
        time.sleep(3)
        for _ in range(4):
            server.ask()
        each = max(1, a.requests // a.turns)
        spent = []

        def several():
            before = server.cpu()
            asked = [server.ask() for _ in range(each)]
            spent.append((server.cpu() - before) / each)
            return asked
        their_python, our_requests = in_turns(a.turns, lambda: theirs.compare(6), several)
        our_requests = [one for several in our_requests for one in several]
        resident = server.resident()
    finally:
        server.stop()
    loads.append(os.getloadavg()[0])
    repeated = [x for x, _ in our_processes] + [x for x, _ in our_requests]
    if any(numbers(x) != numbers(answer) for x in repeated):
        unequal.append("GuardianFlow does not answer the same each time")

    versions = subprocess.run([sys.executable, "-c", "import numpy, pandas, pyarrow, scipy; print(f'pandas {pandas.__version__}, scipy {scipy.__version__}, "
                               "numpy {numpy.__version__}, pyarrow {pyarrow.__version__}')"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"{n:,} records ({a.days} days, {records.CUSTOMERS * records.SITES} sites of {records.CUSTOMERS} customers, {a.per_day} a day on each side), five metrics; Python "
          f"{platform.python_version()}, {versions}; {os.cpu_count()} cores, load {loads[0]:.2f} before and {loads[1]:.2f} after. Medians of {a.turns} turns (lowest to highest).\n")
    print("| is the challenger better? | pandas + scipy | GuardianFlow | faster or smaller | asked | |\n|---|---|---|---|---|---|")
    of = lambda runs, key: [took[key] for _, took in runs]
    row("whole process, start to end", of(their_processes, "seconds"), of(our_processes, "seconds"), BAR, ms)
    row("processor time of it", of(their_processes, "cpu"), of(our_processes, "cpu"), None, ms)
    row("memory of it at the peak", of(their_processes, "peak"), of(our_processes, "peak"), None, mb)
    requests = [took for _, took in our_requests]
    row(f"in Python after the imports; a request of a warm server ({len(requests)} of them)", [x["first"] for x, _ in their_python], requests, BAR, ms)
    row("in a Python that stays open, from the second time on; the same requests", [s for x, _ in their_python for s in x["again"]], requests, None, ms)
    row("processor time of these, from the second time on; of a request", [s for x, _ in their_python for s in x["cpu"][1:]], spent, None, ms)
    imports = statistics.median(x["imports"] for x, _ in their_processes)
    print(f"\nOf the process in Python {ms(imports)} are imports. The server holds {mb(resident)}, and answers the first request {ms(ready)} after its "
          f"start ({ms(first_took)} of it the request). Ingesting the file once, not part of the above: {taken['seconds']:.1f} s.")
    print(f"\n{count} numbers and words compared, largest relative difference {largest:.1e}; verdict: {reference['verdict']}. **{'Equal' if not unequal else 'NOT EQUAL'}.**")
    for text in unequal:
        print(f"NOT EQUAL: {text}")
    with open(a.out, "w") as f:
        json.dump({"records": n, "versions": versions, "loads": loads, "rows": rows, "compared": count, "largest": largest, "unequal": unequal, "ingest": taken,
                   "imports": imports, "resident_mb": resident, "first_answer": ready}, f)
    say(f"kept in {a.out}")
    sys.exit(1 if unequal else 0)


if __name__ == "__main__":
    main()
