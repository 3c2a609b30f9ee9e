#!/bin/sh
# Puts the pinned uv into .uv/, in a virtual environment of its own: nothing of the system changes.
set -eu
python=${PYTHON:-python3}

if ! "$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))'; then
    echo "Tidemark needs Python 3.11 to 3.13; $python is $("$python" --version 2>&1)." >&2
    echo "  Next: make PYTHON=/path/to/python3.11 setup" >&2
    exit 2
fi
if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
    echo "Python's venv module is missing (Debian keeps it apart): it holds everything we install." >&2
    "$(dirname "$0")/apt.sh" python3-venv
fi
"$python" -m venv .uv
.uv/bin/pip install --quiet --disable-pip-version-check --require-hashes --only-binary :all: \
    --requirement "$(dirname "$0")/uv.txt"
