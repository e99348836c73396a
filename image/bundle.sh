#!/bin/bash
# Makes an update: `image/bundle.sh CARD ROOT VERSION BOARD SECRET OUT`, where CARD is a card's image, of which slot A's boot partition is
# taken, ROOT the root file system as a file, BOARD that of slots.toml, and SECRET minisign's secret key (image/key.sh). The file is
# OUT. Its form: src/update/bundle.rs.
set -euo pipefail
card=$1 root=$2 version=$3 board=$4 key=$5 out=$6
command -v minisign >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends minisign; } >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# Where image/card.sh puts it, in MiB.
dd if="$card" of="$work/boot" bs=1M skip=65 count=96 status=none
part() { printf '{"bytes":%s,"sha256":"%s"}' "$(stat -c %s "$1")" "$(sha256sum "$1" | cut -d ' ' -f 1)"; }
printf '{"version":"%s","board":"%s","boot":%s,"root":%s}' "$version" "$board" "$(part "$work/boot")" "$(part "$root")" >"$work/manifest"
minisign -S -s "$key" -m "$work/manifest" -t "hold-slayer $version for $board" </dev/null >/dev/null
size() { stat -c %s "$1"; }
{
    echo "hold-slayer update 1 $(size "$work/manifest") $(size "$work/manifest.minisig")"
    cat "$work/manifest" "$work/manifest.minisig" "$work/boot" "$root"
} >"$out.part"
mv "$out.part" "$out"
