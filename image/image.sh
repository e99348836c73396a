#!/bin/bash
# The whole card: `image/image.sh OUT` makes OUT/hold-slayer-VERSION-pi.img.xz with its hash, list of contents (SPDX) and NOTICE, of
# this repository, Debian's packages, the crates of Cargo.lock, and TensorFlow Lite out of a wheel (model/tflite.sh). As root; some
# minutes, more the first time.
set -euo pipefail
umask 022
top=$(cd "$(dirname "$0")/.." && pwd)
out=$(mkdir -p "$1" && cd "$1" && pwd)
[ "$(id -u)" = 0 ] || { echo 'make image: only root can put another system together' >&2; exit 1; }
# Files bear its time; the other scripts are told.
SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -c safe.directory="$top" -C "$top" log -1 --format=%ct)} || {
    echo 'make image: this folder has no history of git, whose last time all files would bear: set SOURCE_DATE_EPOCH, to seconds since 1970' >&2
    exit 1
}
export SOURCE_DATE_EPOCH
version=$(sed -n 's/^version = "\(.*\)"/\1/p' "$top/Cargo.toml" | head -n 1)
# Updates that this secret key has signed are taken, and one of this version is made.
if [ -n "${UPDATE_SECRET:-}" ]; then
    UPDATE_KEY=$("$top/image/key.sh" "$UPDATE_SECRET")
    export UPDATE_KEY
fi
# minisign's: two letters, a number, the key, in base64.
[[ -z ${UPDATE_KEY:-} || $UPDATE_KEY =~ ^RW[A-Za-z0-9+/]{54}$ ]] || { echo "make image: UPDATE_KEY is no public key, 56 characters that begin with RW (make update-key says one)" >&2; exit 1; }
# A program that was built elsewhere may be named: a folder with hold-slayer and libtensorflowlite_c.so for arm64.
built=${IMAGE_PROGRAM:-}
if [ -z "$built" ]; then
    "$top/image/arm.sh" build --release
    built=$top/target/arm64/aarch64-unknown-linux-gnu/release
fi
# The root is compressed as a whole.
package=$(DEB_COMPRESSION=none "$top/image/deb.sh" arm64 "$built" "$out")
"$top/image/root.sh" "$package" "$out"
name=$out/hold-slayer-$version-pi
"$top/image/card.sh" "$out" "$out/card.img"
echo 'image/image.sh: compressing the card' >&2
# Two threads, however many there are: the number of threads would show in the file.
xz --stdout -6 --threads=2 "$out/card.img" >"$name.img.xz"
[ "$(stat -c %s "$name.img.xz")" -le 150000000 ] || { echo "image/image.sh: $name.img.xz is larger than 150 MB" >&2; exit 1; }
(cd "$out" && sha256sum "${name##*/}.img.xz") >"$name.img.xz.sha256"
if [ -n "${UPDATE_SECRET:-}" ]; then
    "$top/image/bundle.sh" "$out/card.img" "$out/root.squashfs" "$version" pi "$UPDATE_SECRET" "$name.update"
fi
"$top/image/sbom.py" "$out/packages" "$out/root" "$name.img.xz" "$name"
echo "$name.img.xz: $(($(stat -c %s "$name.img.xz") >> 20)) MiB, the root $(($(cat "$out/root.size") >> 10)) MiB as files, $(($(stat -c %s "$out/root.squashfs") >> 20)) MiB on the card" >&2
cat "$name.img.xz.sha256"
[ -n "${UPDATE_KEY:-}" ] || echo 'make image: this card takes no updates; with UPDATE_SECRET (make update-key makes one) or UPDATE_KEY it would' >&2
