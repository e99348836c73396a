#!/bin/bash
# Makes a Debian package of a built box: `image/deb.sh ARCH FOLDER OUT`, where FOLDER has hold-slayer and
# libtensorflowlite_c.so (target/release), ARCH is Debian's name (amd64, arm64) and OUT the folder for the package.
# The same inputs make the same file with the same dpkg, whoever makes it and where.
set -euo pipefail
umask 022
top=$(cd "$(dirname "$0")/.." && pwd)
arch=$1 built=$2 out=$3
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
# Files bear the time of the last commit, or that of SOURCE_DATE_EPOCH.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory="$top" -C "$top" log -1 --format=%ct)} || {
    echo 'make deb: this folder has no history of git, whose last time all files would bear: set SOURCE_DATE_EPOCH, to seconds since 1970' >&2
    exit 1
}
export SOURCE_DATE_EPOCH

for file in hold-slayer libtensorflowlite_c.so; do
    [ -f "$built/$file" ] || { echo "image/deb.sh: $built/$file is not there: build it first (make deb does)" >&2; exit 1; }
done

root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
put() { install -D -m "$1" "$top/$2" "$root/$3"; }

install -D -m 0755 "$built/hold-slayer" "$root/usr/bin/hold-slayer"
install -D -m 0644 "$built/libtensorflowlite_c.so" "$root/usr/lib/hold-slayer/libtensorflowlite_c.so"
for unit in hold-slayer.service hold-slayer-update.service hold-slayer-update.path hold-slayer-stick@.service; do
    put 0644 "systemd/$unit" "usr/lib/systemd/system/$unit"
done
put 0644 systemd/hold-slayer.sysusers usr/lib/sysusers.d/hold-slayer.conf
put 0644 systemd/70-hold-slayer.rules usr/lib/udev/rules.d/70-hold-slayer.rules
# No conffile: the page changes what is made of it (image/debian/postinst), and dpkg would ask about that at each upgrade.
put 0644 systemd/hold-slayer.toml usr/share/hold-slayer/hold-slayer.toml
put 0644 LICENSE usr/share/doc/hold-slayer/copyright
put 0644 model/NOTICE.md usr/share/doc/hold-slayer/NOTICE.md
put 0644 README.md usr/share/doc/hold-slayer/README.md
put 0644 systemd/hold-slayer-watchdog.conf usr/share/hold-slayer/hold-slayer-watchdog.conf
declare -A targets=([amd64]=x86_64-unknown-linux-gnu [arm64]=aarch64-unknown-linux-gnu)
"$top/image/notices.py" "${targets[$arch]}" | gzip -9n >"$root/usr/share/doc/hold-slayer/THIRD-PARTY.txt.gz"
# Debian 12, and a Raspberry Pi OS of the same age, has glibc 2.36. What is only asked for weakly may be missing.
needs=$(readelf -V "$root/usr/bin/hold-slayer" "$root/usr/lib/hold-slayer/libtensorflowlite_c.so" | sed -n '/WEAK/d; s/.*Name: GLIBC_\([0-9.]*\) .*/\1/p' | sort -V | tail -n 1)
[ "$(printf '%s\n' "$needs" 2.36 | sort -V | tail -n 1)" = 2.36 ] || { echo "image/deb.sh: what was built needs glibc $needs, and Debian 12 has 2.36" >&2; exit 1; }
for board in "$top"/board/*.toml "$top"/board/{README.md,wiring.svg,config.txt,cmdline.txt,hold-slayer-button.dts,hold-slayer-button-pi5.dts}; do
    install -D -m 0644 "$board" "$root/usr/share/hold-slayer/board/${board##*/}"
done

chmod 0755 "$root"
mkdir -p "$root/DEBIAN"
for script in postinst prerm postrm; do
    install -m 0755 "$top/image/debian/$script" "$root/DEBIAN/$script"
done
cat >"$root/DEBIAN/control" <<END
Package: hold-slayer
Version: $version
Architecture: $arch
Maintainer: The Hold Slayer team <box@hold-slayer.invalid>
Section: comm
Priority: optional
Depends: libasound2 (>= 1.2) | libasound2t64, libc6 (>= $needs), libgcc-s1, libstdc++6, init-system-helpers, systemd | systemd-standalone-sysusers
Recommends: systemd, udev, espeak-ng
Installed-Size: $(find "$root" -path "$root/DEBIAN" -prune -o -type f -printf '%s\n' | awk '{bytes += $1} END {print int((bytes + 1023) / 1024)}')
Description: waits on hold for you and rings your phone when a person answers
 A small box between your telephone and your telephone provider. When a company puts you on hold, press ** and hang up:
 it keeps the line, listens past the music and the announcements, and rings your phone when a person is there.
 Nothing leaves the machine but your calls.
END
find "$root" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
mkdir -p "$out"
dpkg-deb --root-owner-group -Z"${DEB_COMPRESSION:-xz}" --build "$root" "$out/hold-slayer_${version}_$arch.deb" >&2
echo "$out/hold-slayer_${version}_$arch.deb"
