#!/bin/sh
# Installs the Debian packages that are named, where this account may; else says what root is to type.
set -eu
if [ "$(id -u)" = 0 ]; then
    sudo=
elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
    sudo=sudo
else
    echo "This account may install no packages." >&2
    echo "  Next, as root: apt-get update && apt-get install --no-install-recommends $*" >&2
    exit 2
fi
$sudo apt-get update -qq
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "$@"
