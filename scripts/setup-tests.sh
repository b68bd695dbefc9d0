#!/usr/bin/env bash
# Installs what the build and the tests need from the system, where it is missing and may be installed (Debian and its
# kin, as root or with sudo). Says clearly what it could not install; then it is yours to do.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { echo "setup-tests: $*" >&2; }

# Programs of the tests that come from PyPI, in an environment of their own below target/.
python_packages() {
    local venv=target/test-venv
    local packages=("aiosmtpd>=1.4" "moto[s3,server]>=5.1" "oidc-provider-mock>=0.3" "schemathesis>=4.32" "standardwebhooks>=1.0")
    # Only the script of the checks of accessibility is taken out of its package, not the browsers that it would bring.
    local axe=("$venv"/lib/python3*/site-packages/axe_playwright_python/axe.min.js)
    if "$venv/bin/python" -c 'import aiosmtpd, flask, moto, oidc_provider_mock, schemathesis, standardwebhooks' >/dev/null 2>&1 \
        && [[ -f "${axe[0]}" ]]; then return 0; fi
    if python3 -m venv "$venv" >/dev/null 2>&1 \
        && "$venv/bin/python" -m pip install --quiet "${packages[@]}" >/dev/null 2>&1 \
        && "$venv/bin/python" -m pip install --quiet --no-deps "axe-playwright-python>=0.1.8" >/dev/null 2>&1; then
        say "installed into $venv: ${packages[*]} and axe-core"
    else
        say "could not install ${packages[*]} and axe-playwright-python (PyPI) into $venv: the tests that need them will say that they didn't run"
    fi
}

missing=()
by_hand=()
need() { # COMMAND PACKAGE WHY
    if ! command -v "$1" >/dev/null 2>&1; then
        missing+=("$2")
        by_hand+=("$1 (Debian: $2) — $3")
    fi
}
need cc build-essential "SQLite, OpenSSL and the ciphers are compiled"
need make build-essential "OpenSSL is built with it"
need perl perl "OpenSSL is configured with it"
need chromium chromium "the pages are tested in a browser"
need chromedriver chromium-driver "the browser is driven through it"
need pdftotext poppler-utils "printed documents are read back"
if ! scripts/postgres-bin.sh >/dev/null; then
    missing+=(postgresql)
    by_hand+=("initdb and pg_ctl (Debian: postgresql) — the tests run on both databases")
fi

if ! python3 -c 'import venv, ensurepip' >/dev/null 2>&1; then
    missing+=(python3-venv)
    by_hand+=("python3 with venv (Debian: python3-venv) — programs from PyPI that tests talk to")
fi

if [[ ${#missing[@]} -eq 0 ]]; then
    python_packages
    exit 0
fi

as_root=()
if [[ "$(id -u)" != 0 ]]; then
    if command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        as_root=(sudo -n)
    else
        as_root=(false)
    fi
fi

apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

install_all() {
    command -v apt-get >/dev/null 2>&1 || { say "no apt-get here"; return 1; }
    [[ "${as_root[*]}" != false ]] || { say "neither root nor sudo without a password"; return 1; }
    local attempt
    for attempt in 1 2 3; do
        # The lists may be older than the mirror.
        if apt update >/dev/null && apt install --no-install-recommends "${missing[@]}" >/dev/null; then
            return 0
        fi
        say "attempt $attempt failed"
        sleep $((attempt * 5))
    done
    return 1
}

say "missing: ${missing[*]}"
if install_all; then
    say "installed: ${missing[*]}"
    python_packages
    exit 0
fi
say "could not install it. Please install:"
for line in "${by_hand[@]}"; do
    say "  $line"
done
# The compiler says itself what it lacks, and with-postgres.sh refuses to run without a server: no test is left out silently.
exit 0
