#!/bin/sh
# Installs the Debian packages that the sandbox is made of, if any is missing.
set -eu
bin=$(cd "$(dirname "$0")/../../.venv/bin" && pwd)

missing=$("$bin/tidemark-sandbox" packages --missing)
[ -z "$missing" ] && exit 0

echo "The sandbox needs Debian packages that are not installed:"
"$bin/tidemark-sandbox" packages --missing --explain
sudo=$([ "$(id -u)" = 0 ] || echo sudo)
$sudo apt-get update -qq
# shellcheck disable=SC2086  # a list of words
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends $missing
