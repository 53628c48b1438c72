#!/usr/bin/env python3
"""What the first visit of `/` brings over the wire with brotli, and the size of the WASM file, as JSON.

  weigh.py --url http://127.0.0.1:3000 --site dist/site

Counts encoded bodies (no headers): the page and every file of ours that it names, and those that its scripts name.
"""
import argparse, glob, json, os, re, urllib.parse, urllib.request

FILES = re.compile(r"""["'(=]((?:https?://[^"'()\s>]+)?/?(?:pkg/)?[\w./-]+\.(?:css|js|wasm|svg|png|ico|woff2|webmanifest))\b""")


def fetch(url, encoding):
    request = urllib.request.Request(url, headers={"Accept": "text/html, */*", "Accept-Encoding": encoding})
    with urllib.request.urlopen(request, timeout=60) as r:
        return r.read(), r.headers.get("Content-Encoding", "identity")


def named(text, base):
    """Addresses on the same host that a text names, without fragment."""
    found = (urllib.parse.urldefrag(urllib.parse.urljoin(base, m)).url for m in FILES.findall(text))
    return {u for u in found if urllib.parse.urlsplit(u).netloc == urllib.parse.urlsplit(base).netloc}


def main():
    p = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    p.add_argument("--url", required=True)
    p.add_argument("--site", required=True, help="folder of the site files")
    a = p.parse_args()
    page = a.url.rstrip("/") + "/"
    parts, waiting = [], [page]
    while waiting:
        url = waiting.pop(0)
        try:
            plain, _ = fetch(url, "identity")
            packed, encoding = fetch(url, "br")
        except urllib.error.HTTPError:
            continue                                    # a word that only looks like a file
        path = urllib.parse.urlsplit(url).path
        parts.append({"path": path, "bytes": len(packed), "plain": len(plain), "encoding": encoding})
        if path == "/" or path.endswith((".js", ".css")):
            known = {page, *waiting, *(urllib.parse.urljoin(page, q["path"]) for q in parts)}
            waiting += sorted(named(plain.decode(), url) - known)
    wasm = glob.glob(os.path.join(a.site, "pkg", "*.wasm"))
    size = lambda end: sum(os.path.getsize(w + end) for w in wasm)
    print(json.dumps({"wasm": {"raw": size(""), "brotli": size(".br"), "gzip": size(".gz")},
                      "first_load": {"bytes": sum(q["bytes"] for q in parts), "parts": parts}}))


if __name__ == "__main__":
    main()
