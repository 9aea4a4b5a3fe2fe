#!/bin/sh
# Install the peers of the benchmark, one by one: one that does not build leaves the others.
# usage: benches/peers.sh [VENV]   (default .venv-bench, made with $PYTHON or python3)
# bjoern needs libev's headers (Debian: libev-dev).
set -eu
cd "$(dirname "$0")/.."
venv=${1:-.venv-bench}
[ -x "$venv/bin/python" ] || "${PYTHON:-python3}" -m venv "$venv"
pip="$venv/bin/python -m pip install --quiet --disable-pip-version-check"
$pip setuptools wheel
missing=
for peer in gunicorn uvicorn uvloop httptools granian uwsgi fastwsgi fastpysgi bjoern; do
    echo "==> $peer"
    # bjoern's setup needs the setuptools of the environment.
    case $peer in bjoern) isolation=--no-build-isolation ;; *) isolation= ;; esac
    $pip $isolation "$peer" || missing="$missing $peer"
done
[ -z "$missing" ] || echo "not installed:$missing" >&2
