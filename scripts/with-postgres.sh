#!/usr/bin/env bash
# Runs a command beside a throw-away PostgreSQL server: a new cluster in a temporary directory, on a free port, as a user
# that isn't root, with fsync on as in production. Exports FANGXIN_TEST_POSTGRES; stops and removes the server at the end,
# however the command ends, and passes its exit code on.
#
#   scripts/with-postgres.sh cargo test --locked
#
# A FANGXIN_TEST_POSTGRES that is set already is used as it is. FANGXIN_WITHOUT_POSTGRES=1 runs the command without one.
set -euo pipefail

if [[ $# -eq 0 ]]; then
    echo "usage: $0 COMMAND [ARGUMENT…]" >&2
    exit 2
fi
say() { echo "with-postgres: $*" >&2; }

if [[ -n "${FANGXIN_TEST_POSTGRES:-}" ]]; then
    exec "$@"
fi
if [[ "${FANGXIN_WITHOUT_POSTGRES:-}" == 1 ]]; then
    say "WITHOUT PostgreSQL, as asked: the tests that need it are not run"
    exec "$@"
fi
if ! bin="$("$(dirname "$0")/postgres-bin.sh")"; then
    say "no PostgreSQL server programs found; run scripts/setup-tests.sh, or set FANGXIN_WITHOUT_POSTGRES=1"
    exit 1
fi

# PostgreSQL refuses to run as root.
as_user=()
owner=""
if [[ "$(id -u)" == 0 ]]; then
    owner="nobody"
    if id postgres >/dev/null 2>&1; then owner="postgres"; fi
    if command -v setpriv >/dev/null 2>&1; then
        as_user=(setpriv --reuid="$owner" --regid="$(id -g "$owner")" --clear-groups --)
    elif command -v runuser >/dev/null 2>&1; then
        as_user=(runuser -u "$owner" --)
    else
        say "root, and neither setpriv nor runuser to become $owner"
        exit 1
    fi
fi

# A short path: that of the socket may have 107 bytes at most.
home="$(mktemp -d /tmp/fangxin-pg.XXXXXX)"
started=0
clean_up() {
    local code=$?
    trap - EXIT INT TERM HUP
    if [[ $started == 1 ]]; then
        # Nothing is worth keeping, so it needn't wait for its clients.
        in_home "$bin/pg_ctl" stop -D "$home/data" -m immediate -w -t 20 >/dev/null 2>&1 || say "it did not stop"
    fi
    rm -rf "$home"
    exit "$code"
}
trap clean_up EXIT
trap 'exit 129' HUP
trap 'exit 130' INT
trap 'exit 143' TERM

# The caller's directory may be closed to the other user.
in_home() { (cd "$home" && HOME="$home" "${as_user[@]}" "$@"); }

if [[ -n "$owner" ]]; then chown "$owner" "$home"; fi
# --no-sync for the empty cluster only; the server itself syncs.
if ! in_home "$bin/initdb" -D "$home/data" -U fangxin -A trust -E UTF8 --locale=C.UTF-8 --no-sync >"$home/initdb.log" 2>&1; then
    cat "$home/initdb.log" >&2
    exit 1
fi

port=0
for _ in $(seq 20); do
    # Below the range from which the system gives ports to clients; taken ones are found by the attempt itself.
    port=$((10240 + RANDOM % 20000))
    started=1
    if in_home "$bin/pg_ctl" start -D "$home/data" -w -t 60 -l "$home/log" \
        -o "-c listen_addresses=127.0.0.1 -c port=$port -c unix_socket_directories=$home -c fsync=on -c max_connections=200" \
        >/dev/null 2>&1; then
        started=2
        break
    fi
    grep -q "Address already in use\|could not bind" "$home/log" || break
done
if [[ $started != 2 ]]; then
    cat "$home/log" >&2 || true
    say "the server did not start"
    exit 1
fi
started=1
in_home "$bin/createdb" -h "$home" -p "$port" -U fangxin fangxin

export FANGXIN_TEST_POSTGRES="postgres://fangxin@127.0.0.1:$port/fangxin"
say "$("$bin/postgres" --version) on port $port"
"$@"
