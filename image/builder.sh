#!/bin/bash
# The system in which the box is built for arm64 and its card is put together: `image/builder.sh` says its folder and makes it
# the first time (as root); `image/builder.sh in COMMAND…` runs a command in it, from this repository, which lies at the same
# path there. It is Debian 13 for amd64 with arm64 beside it: a cross compiler, Rust from backports, QEMU, and what makes file
# systems. It is kept in ~/.cache/hold-slayer-builder (2.5 GB) and made anew when what it holds changes.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cache=$HOME/.cache/hold-slayer-builder
root=$cache/root

rust=(rustc cargo libstd-rust-dev:arm64)
packages=(
    # to compile for arm64: the last two are what TensorFlow Lite and alsa link with; tflitec's build script wants OpenSSL
    gcc gcc-aarch64-linux-gnu libc6-dev libc6-dev:arm64 libclang-dev libssl-dev pkgconf git ca-certificates libstdc++6:arm64 libasound2-dev:arm64
    # to run what was compiled, and to boot it
    qemu-user qemu-system-arm ipxe-qemu libasound2-data
    # to make a card
    dosfstools mtools e2fsprogs fdisk squashfs-tools zstd xz-utils cpio kmod device-tree-compiler
    "${rust[@]}"
)
# What the program is compiled and linked against: Debian 12's, so that it starts there, too (`/opt/bookworm`).
older=(libc6-dev libasound2-dev libstdc++6)
whole="${packages[*]} / ${older[*]}"

make_it() {
    local mirror
    mirror=$("$top/image/base.sh" --mirror)
    echo "image/builder.sh: making the system that builds for arm64, in $root" >&2
    command -v mmdebstrap >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends mmdebstrap; } >&2
    rm -rf --one-file-system "$cache"
    mkdir -p "$cache"
    mmdebstrap --quiet --variant=apt --mode=root --architectures=amd64,arm64 --aptopt='APT::Install-Recommends "false"' \
        --setup-hook='mkdir -p "$1/etc/apt/preferences.d"' \
        --setup-hook='printf "Package: rustc:any cargo:any libstd-rust*:any libllvm*:any\nPin: release n=trixie-backports\nPin-Priority: 900\n" >"$1/etc/apt/preferences.d/rust"' \
        --include="$(IFS=,; echo "${packages[*]}")" \
        trixie "$root" "deb $mirror trixie main" "deb $mirror trixie-updates main" "deb $mirror trixie-backports main" >&2
    rm -rf "$root"/var/cache/apt/archives/*.deb
    mmdebstrap --quiet --variant=extract --mode=root --architectures=arm64 --include="$(IFS=,; echo "${older[*]}")" \
        bookworm "$root/opt/bookworm" "deb $mirror bookworm main" >&2
    printf '#!/bin/sh\nexec aarch64-linux-gnu-gcc --sysroot=/opt/bookworm "$@"\n' >"$root/opt/bookworm/cc"
    chmod +x "$root/opt/bookworm/cc"
    echo "$whole" >"$cache/whole"
}

[ "$(id -u)" = 0 ] || { echo 'image/builder.sh: only root can make another system and enter it' >&2; exit 1; }
mkdir -p "${cache%/*}"
# Whoever works in it holds it, shared; it is made anew when nobody does.
exec 9>"$cache.lock"
[ "$(cat "$cache/whole" 2>/dev/null)" = "$whole" ] || flock 9
[ "$(cat "$cache/whole" 2>/dev/null)" = "$whole" ] || make_it
flock -s 9
[ "${1:-}" = in ] || { echo "$root"; exit; }
shift

# The binds live in a mount namespace of their own and end with the command.
export top root
exec unshare --mount --propagation private bash -euc '
    same() { mkdir -p "$root$1"; mount --rbind "$1" "$root$1"; }
    # Before what may lie in it.
    mount -t tmpfs tmpfs "$root/tmp"
    same "$top"
    # A worktree may share what was fetched with another.
    [ ! -L "$top/.cache" ] || same "$(realpath "$top/.cache")"
    same "${CARGO_HOME:-$HOME/.cargo}"
    mount --rbind /dev "$root/dev"
    mount -t proc proc "$root/proc"
    # Where XNNPACK counts processors.
    mount -t sysfs -o ro sysfs "$root/sys"
    PATH=/usr/sbin:/usr/bin:/sbin:/bin exec chroot "$root" bash -euc "cd \"\$top\"; exec \"\$@\"" builder "$@"
' builder "$@"
