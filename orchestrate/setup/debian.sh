#!/bin/sh
# Installs the Debian packages that the sandbox is made of, and those named, if any is missing.
set -eu
bin=$(cd "$(dirname "$0")/../../.venv/bin" && pwd)

missing=$("$bin/tidemark-sandbox" packages --missing)
if [ -n "$missing" ]; then
    echo "The sandbox needs Debian packages that are not installed:"
    "$bin/tidemark-sandbox" packages --missing --explain
fi
for package in "$@"; do
    [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] && continue
    echo "The tests need the Debian package $package, which is not installed."
    missing="$missing $package"
done
[ -z "$missing" ] && exit 0

# shellcheck disable=SC2086  # a list of words
exec "$(dirname "$0")/apt.sh" $missing
