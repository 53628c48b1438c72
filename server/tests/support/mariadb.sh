#!/usr/bin/env bash
# One MariaDB server with an empty database `mlflow`, in a folder of its own and reachable by a socket there alone, for as long as
# somebody holds our standard input; then it is stopped and the folder is gone, whatever became of the test. Never runs as root.
set -u
# A Ctrl+C is for the tests; we end with them.
trap '' INT HUP TERM
PATH=$PATH:/usr/sbin
cd /
command -v mariadbd >/dev/null || { echo "no mariadbd: run scripts/setup test soak"; exit 1; }
dir=$(mktemp -d /tmp/gf-mariadb-XXXXXX)
user=()
if [ "$(id -u)" = 0 ]; then
  chown nobody "$dir"
  user=(runuser -u nobody --)
fi
echo 'CREATE DATABASE mlflow CHARACTER SET utf8mb4;' > "$dir/first.sql"
"${user[@]}" mariadb-install-db --no-defaults --datadir="$dir/data" --auth-root-authentication-method=normal </dev/null >>"$dir.log" 2>&1
# A group of its own: runuser starts it as a child.
setsid "${user[@]}" mariadbd --no-defaults --datadir="$dir/data" --socket="$dir/socket" --skip-networking --init-file="$dir/first.sql" \
  --innodb-flush-log-at-trx-commit=0 </dev/null >>"$dir.log" 2>&1 &
pid=$!
# The socket is there once the file was carried out.
for _ in $(seq 300); do
  [ -S "$dir/socket" ] && break
  kill -0 "$pid" 2>/dev/null || break
  sleep 0.1
done
if [ -S "$dir/socket" ]; then echo "$dir"; else tail -c 2000 "$dir.log" | tr '\n' ' '; echo; fi
cat >/dev/null
kill -KILL -- "-$pid" 2>/dev/null
wait "$pid" 2>/dev/null
rm -rf "$dir" "$dir.log"
