#!/usr/bin/env bash
# One Postgres server in a folder of its own, for as long as somebody holds our standard input; then it is stopped and the folder is
# gone, whatever became of the test. Takes commands by line and answers each with a line. $1: on or off, whether it is to survive a
# power cut; $2: a port, if it is to be reached by TCP too, encrypted alone. Never runs as root.
set -u
# A Ctrl+C is for the tests; we end with them.
trap '' INT HUP TERM
cd /
bin=$(command -v initdb && true)
if [ -n "$bin" ]; then bin=$(dirname "$(readlink -f "$bin")"); else bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -V | tail -1); fi
[ -x "$bin/initdb" ] || { echo "no initdb: run scripts/setup test"; exit 1; }
dir=$(mktemp -d /tmp/gf-postgres-XXXXXX)
user=()
if [ "$(id -u)" = 0 ]; then
  chown postgres "$dir"
  user=(runuser -u postgres --)
fi
as() { "${user[@]}" "$@" </dev/null >>"$dir.log" 2>&1; }
port=${2:-5432}
options="-c port=$port -c listen_addresses='' -c unix_socket_directories='$dir' -c max_connections=300 -c shared_buffers=32MB -c fsync=$1"
[ "$1" = on ] || options="$options -c synchronous_commit=off -c full_page_writes=off -c autovacuum=off"
[ -z "${2:-}" ] || options="$options -c listen_addresses=127.0.0.1 -c ssl=on"
start() { as "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w -o "$options" start; }
stop() { as "$bin/pg_ctl" -D "$dir/data" -w -m "$1" stop; }
as "$bin/initdb" -D "$dir/data" -U gf --auth=trust --no-sync -E UTF8 --locale=C
# One user who needs a password.
printf 'local all locked scram-sha-256\nlocal all all trust\n' > "$dir/data/pg_hba.conf"
if [ -n "${2:-}" ]; then
  echo 'hostssl all all 127.0.0.1/32 scram-sha-256' >> "$dir/data/pg_hba.conf"
  printf '[req]\ndistinguished_name=dn\nx509_extensions=own\n[dn]\n[own]\nbasicConstraints=CA:FALSE\nsubjectAltName=DNS:localhost\n' > "$dir.cnf"
  as openssl req -new -x509 -nodes -config "$dir.cnf" -subj /CN=localhost -keyout "$dir/data/server.key" -out "$dir/data/server.crt"
fi
if start; then echo "$dir"; else cat "$dir.log"; fi
while read -r what name; do
  case $what in
    start) start ;;
    stop) stop fast ;;
    create) as "$bin/createdb" -h "$dir" -p "$port" -U gf "$name" ;;
    drop) as "$bin/dropdb" -h "$dir" -p "$port" -U gf --force --if-exists "$name" ;;
  esac
  # What it came to; the rest is in the log.
  echo "$?"
done
stop immediate
rm -rf "$dir" "$dir.log" "$dir.cnf"
