#!/bin/bash
# Debian's packages for the card, fetched once: `image/debian.sh` says the folder that has them and makes it the first time (as
# root). It holds `base.tar`, a Debian 13 for arm64 with systemd and nothing that a box does not need, and `parts/`, the packages
# of which the card takes files only: kernel, boot firmware, radio firmware.
#
# It is kept in ~/.cache/hold-slayer-image until it is deleted, or what this file asks for changes: the same packages make the same card.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cache=$HOME/.cache/hold-slayer-image

installed=(
    systemd systemd-sysv udev kmod systemd-timesyncd systemd-resolved
    # The card's own partitions: to enlarge one, to mend it after a power cut.
    fdisk e2fsprogs
    # Networks by radio; the clock of the place.
    wpasupplicant tzdata
    # What the box's package wants, and what speaks names and texts.
    libgcc-s1 libstdc++6 libasound2t64 espeak-ng
)
parts=(linux-base linux-binary linux-modules raspi-firmware firmware-brcm80211 wireless-regdb ca-certificates busybox-static)
[ "${1:-}" != --parts ] || { echo "${parts[@]}"; exit; }

[ "$(id -u)" = 0 ] || { echo 'image/debian.sh: only root can make another system' >&2; exit 1; }
key=$(cat "$0" | sha256sum)
[ "$(cat "$cache/whole" 2>/dev/null)" != "$key" ] || { echo "$cache"; exit; }

mirror=$("$top/image/base.sh" --mirror)
security=$(awk '/^URIs:/ {uri=$2} /^Suites:.*-security/ {print uri; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
sources=("deb $mirror trixie main non-free-firmware" "deb $mirror trixie-updates main non-free-firmware" "deb $mirror trixie-backports main")
[ -z "$security" ] || sources+=("deb $security trixie-security main non-free-firmware")
[ -n "$security" ] || echo 'image/debian.sh: this machine names no mirror of security updates: the card has those of the last point release' >&2

rm -rf --one-file-system "$cache"
mkdir -p "$cache/parts" "$cache/apt/lists/partial" "$cache/apt/archives/partial"
echo 'image/debian.sh: fetching kernel and firmware' >&2
printf '%s\n' "${sources[@]}" >"$cache/apt/sources.list"
apt() {
    local command=$1
    shift
    "$command" -qq -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o Dir::State="$cache/apt" -o Dir::State::status=/dev/null -o Dir::Cache="$cache/apt" \
        -o Dir::Etc::SourceList="$cache/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null -o Acquire::Retries=3 -o APT::Sandbox::User=root \
        -o Acquire::Languages=none "$@"
}
apt apt-get update >&2
version=$(apt apt-cache show linux-image-arm64/trixie-backports | sed -n 's/^Depends:.*linux-image-\([^ ]*\)-arm64 .*/\1/p')
named=()
for part in "${parts[@]}"; do
    case $part in
    linux-*) named+=("$part-$version-arm64/trixie-backports") ;;
    *) named+=("$part") ;;
    esac
done
(cd "$cache/parts" && apt apt-get download "${named[@]}" >&2)
rm -rf "$cache/apt"

# Its programs run here to set it up: QEMU's interpreter, which the kernel calls by itself, in a mount namespace of its own.
echo 'image/debian.sh: making a Debian for arm64; its programs are interpreted, which takes some minutes' >&2
interpreter=$("$top/image/builder.sh")/usr/bin/qemu-aarch64
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}
for program in mmdebstrap arch-test; do
    command -v $program >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends $program; } >&2
done
skip() { printf -- '--dpkgopt=path-exclude=%s\n' "$@"; }
keep() { printf -- '--dpkgopt=path-include=%s\n' "$@"; }
mapfile -t which < <(
    skip '/usr/share/man/*' '/usr/share/info/*' '/usr/share/locale/*' '/usr/share/doc/*' '/usr/share/lintian/*' '/usr/share/bash-completion/*' \
        '/usr/share/zsh/*' '/usr/share/bug/*' '/usr/lib/udev/hwdb.d/*' '/usr/share/icons/*' '/usr/share/pixmaps/*'
    keep '/usr/share/doc/*/copyright'
)
"$top/image/arm64.sh" "$interpreter" mmdebstrap --quiet --variant=essential --mode=root --architectures=arm64 \
    --include="$(IFS=,; echo "${installed[*]}")" "${which[@]}" \
    --aptopt='APT::Install-Recommends "false"' trixie "$cache/base.tar" "${sources[@]}" >&2
echo "$key" >"$cache/whole"
echo "$cache"
