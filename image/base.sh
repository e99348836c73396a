#!/bin/bash
# A fresh Debian as an archive, for systems that are tried in: `image/base.sh SUITE` says its path and makes it the first
# time (as root). `image/base.sh --mirror` says where this machine's own Debian comes from.
set -euo pipefail
mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
[ -n "$mirror" ] || mirror=$(awk '/^deb / {print $2; exit}' /etc/apt/sources.list)
[ "$1" != --mirror ] || { echo "$mirror"; exit; }
suite=$1
base=$HOME/.cache/hold-slayer-peers/deb-$suite-sound.tar
# What the package depends on.
sound=libasound2
[ "$suite" = bookworm ] || sound=libasound2t64
command -v mmdebstrap >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends mmdebstrap; } >&2
if [ ! -e "$base" ]; then
    mkdir -p "${base%/*}"
    mmdebstrap --quiet --variant=minbase --mode=root --include=systemd,udev,init-system-helpers,libstdc++6,curl,adduser,passwd,$sound \
        "$suite" "${base%.tar}.part.tar" "$mirror" >&2
    mv "${base%.tar}.part.tar" "$base"
fi
echo "$base"
