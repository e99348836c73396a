#!/bin/bash
# The card in a machine of QEMU's: `tests/image/run.sh FOLDER TEST [FILTER]`, as root, with what image/image.sh has made in FOLDER with the
# key FOLDER/key for updates, and the built tests/image/main.rs. The machine, its provider and its phone have a network namespace of their own: nothing of it
# is seen outside, and all that was started in it ends with it.
#
# IMAGE_CUTS says how often the power goes (20), IMAGE_MEMORY how many megabytes the first test's machine has (512).
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
from=$(realpath "$1") test=$(realpath "$2") filter=${3:-}
IMAGE_CARD=$from/card.img IMAGE_UPDATES=$from/updates
[ "$(id -u)" = 0 ] || { echo 'image-test: only root can make another network' >&2; exit 1; }
[ -e /dev/net/tun ] || { echo 'image-test: this machine has no /dev/net/tun' >&2; exit 1; }
for pair in dnsmasq:dnsmasq-base ip:iproute2 nbdkit:nbdkit; do
    command -v "${pair%:*}" >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends "${pair#*:}"; } >&2
done
IMAGE_PARTS=$("$top/image/builder.sh")
# Updates of what is on the card: one as it is, one whose program is missing, and one whose root is none. Their versions are later in name only.
rm -rf "$IMAGE_UPDATES"
mkdir -p "$IMAGE_UPDATES"
"$top/image/builder.sh" in mksquashfs "$from/root" "$IMAGE_UPDATES/lame" -comp zstd -Xcompression-level 1 -no-progress -quiet -no-xattrs -root-mode 0755 -e usr/bin/hold-slayer >&2
"$top/image/bundle.sh" "$IMAGE_CARD" "$from/root.squashfs" 9.0.1 pi "$from/key" "$IMAGE_UPDATES/good.update"
"$top/image/bundle.sh" "$IMAGE_CARD" "$IMAGE_UPDATES/lame" 9.0.2 pi "$from/key" "$IMAGE_UPDATES/lame.update"
head -c 1M /dev/zero >"$IMAGE_UPDATES/none"
"$top/image/bundle.sh" "$IMAGE_CARD" "$IMAGE_UPDATES/none" 9.0.3 pi "$from/key" "$IMAGE_UPDATES/rootless.update"
export IMAGE_CARD IMAGE_UPDATES IMAGE_PARTS test filter
# Nothing here takes so long: what hangs is ended.
exec timeout --kill-after=10 "${IMAGE_LIMIT:-7200}" unshare --net --mount --pid --fork --kill-child --mount-proc bash -euc '
    ip link set lo up
    ip tuntap add tap0 mode tap
    ip address add 10.77.0.1/24 dev tap0
    ip link set tap0 up
    dnsmasq --keep-in-foreground --conf-file=/dev/null --user=root --port=0 --interface=tap0 --bind-interfaces --leasefile-ro \
        --dhcp-range=10.77.0.2,10.77.0.2,1h --dhcp-host=52:54:00:77:00:02,10.77.0.2 --log-facility=/dev/null &
    exec "$test" --ignored --nocapture --test-threads=1 $filter
'
