#!/bin/sh
# Asks for known vulnerabilities of everything in uv.lock: PyPI first, and OSV where PyPI (a mirror may be in its
# place) does not answer for every package. Only an answer for every package is good.
set -eu
uv=$1
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT

"$uv" export --locked --all-groups --no-emit-workspace --quiet --output-file "$folder/packages.txt"
for service in pypi osv; do
    if "$uv" run --locked --isolated --only-group audit --quiet pip-audit --strict --disable-pip --require-hashes \
        --vulnerability-service "$service" --requirement "$folder/packages.txt" \
        --format json --output "$folder/$service.json"; then
        exit 0
    fi
    # It writes its findings, or nothing if it could not ask.
    if [ -s "$folder/$service.json" ]; then
        cat "$folder/$service.json"
        exit 1
    fi
    echo "$service gave no answer for every package." >&2
done
echo "Whether there are known vulnerabilities is not known." >&2
echo "  Next: make audit where pypi.org or api.osv.dev can be reached" >&2
exit 1
