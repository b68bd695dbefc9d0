#!/usr/bin/env bash
# Prints the directory of PostgreSQL's server programs (initdb, pg_ctl): the newest version below /usr/lib/postgresql, else
# the one on PATH. Fails when there is none.
set -euo pipefail

newest="$(find /usr/lib/postgresql -mindepth 3 -maxdepth 3 -path '*/bin/initdb' 2>/dev/null | sort -t/ -k5 -V | tail -n 1 || true)"
found="${newest:-$(command -v initdb || true)}"
if [[ -z "$found" ]]; then
    # A link to one of the programs tells where the others are.
    link="$(command -v pg_ctl || command -v postgres || true)"
    [[ -n "$link" ]] && found="$(readlink -f "$link")"
fi
directory="$(dirname "${found:-/nowhere/initdb}")"
[[ -x "$directory/initdb" && -x "$directory/pg_ctl" ]] || exit 1
echo "$directory"
