#!/bin/bash
# Makes an update of the partitions of one slot: `image/bundle.sh BOOT ROOT VERSION BOARD KEY OUT`, where BOOT and ROOT are the
# partitions as files, BOARD is that of slots.toml, and KEY is minisign's secret key without a password (`minisign -G -W`). The file is OUT. Its form:
# src/update/bundle.rs.
set -euo pipefail
boot=$1 root=$2 version=$3 board=$4 key=$5 out=$6
command -v minisign >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends minisign; } >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
part() { printf '{"bytes":%s,"sha256":"%s"}' "$(stat -c %s "$1")" "$(sha256sum "$1" | cut -d ' ' -f 1)"; }
printf '{"version":"%s","board":"%s","boot":%s,"root":%s}' "$version" "$board" "$(part "$boot")" "$(part "$root")" >"$work/manifest"
minisign -S -s "$key" -m "$work/manifest" -t "hold-slayer $version for $board" >/dev/null
size() { stat -c %s "$1"; }
{
    echo "hold-slayer update 1 $(size "$work/manifest") $(size "$work/manifest.minisig")"
    cat "$work/manifest" "$work/manifest.minisig" "$boot" "$root"
} >"$out.part"
mv "$out.part" "$out"
