#!/usr/bin/env bash
# One MLflow server in a folder of its own, for as long as somebody holds our standard input; then it is killed and the folder is
# gone, whatever became of the test. $1: a Python that has MLflow; $2: the address of its database, or - for SQLite in the folder;
# $3: its path prefix, or -; the rest goes to `mlflow server`. Prints its address, then takes commands by line and answers each with
# a line.
set -u
# A Ctrl+C is for the tests; we end with them.
trap '' INT HUP TERM
python=$1 backend=$2 prefix=$3
shift 3
dir=$(mktemp -d /tmp/gf-mlflow-XXXXXX)
cd "$dir" || exit 1
[ "$backend" != - ] || backend=sqlite:///$dir/mlflow.db
[ "$prefix" != - ] || prefix=
"$python" -c 'import mlflow' 2>"$dir/log" || { echo "no MLflow: run scripts/setup test"; rm -rf "$dir"; exit 1; }
port=$("$python" -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
address=http://127.0.0.1:$port$prefix
pid=
start() {
  # A group of its own: MLflow starts its web server as a child.
  MLFLOW_DISABLE_TELEMETRY=true MLFLOW_SERVER_ENABLE_JOB_EXECUTION=false MLFLOW_ALLOW_FILE_STORE=true \
    setsid "$python" -m mlflow server --backend-store-uri "$backend" --artifacts-destination "$dir/artifacts" \
    --host 127.0.0.1 --port "$port" --workers 1 ${prefix:+--static-prefix "$prefix"} "$@" </dev/null >>"$dir/log" 2>&1 &
  pid=$!
  "$python" - "$address" "$pid" <<'P'
import os, sys, time, urllib.request
for _ in range(1200):
    try:
        urllib.request.urlopen(sys.argv[1] + "/health", timeout=5).read()
        sys.exit(0)
    except OSError:
        time.sleep(0.1)
    if not os.path.exists("/proc/" + sys.argv[2]):
        break
sys.exit(1)
P
}
signal() { kill "-$1" -- "-$pid" 2>/dev/null; }
stop() {
  signal KILL
  wait "$pid" 2>/dev/null
  true
}
if start "$@"; then echo "$address"; else tail -c 2000 "$dir/log" | tr '\n' ' '; echo; fi
while read -r what; do
  case $what in
    start) start "$@" ;;
    kill) stop ;;
    freeze) signal STOP ;;
    thaw) signal CONT ;;
  esac
  # What it came to; the rest is in the log.
  echo "$?"
done
stop
rm -rf "$dir"
