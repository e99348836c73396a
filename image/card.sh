#!/bin/bash
# Puts a card together from what image/root.sh has made: `image/card.sh FOLDER CARD.img`, as root. No loop devices, no mounts: file
# systems are made as files and copied to their places. The same folder makes the same card.
#
#   1  FAT   HOLDSLAYER  the owner's: settings, box.txt; which slot starts (autoboot.txt)
#   2  FAT   slot A's kernel and firmware         3  FAT   slot B's, empty
#   5  root of slot A, squashfs                   6  root of slot B, empty
#   7  ext4  data, which grows to the card's end at the first start
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
from=$(cd "$1" && pwd) card=$(realpath "$2")
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}
work=$from/card
rm -rf "$work"
mkdir -p "$work/owner"
MiB=2048     # sectors
# What a partition holds and where it begins, in sectors; each logical one has a MiB before it for its record.
owner=$MiB boot_a=$((65 * MiB)) boot_b=$((161 * MiB)) extended=$((257 * MiB))
root_a=$((258 * MiB)) root_b=$((643 * MiB)) data=$((1028 * MiB)) end=$((1092 * MiB))

cp "$top"/image/owner/* "$from/bootcode.bin" "$work/owner/"
cp "$top/systemd/hold-slayer.toml" "$work/owner/"
# The older Pis look for one beside it.
: >"$work/owner/config.txt"
# What the firmware starts next, and what it starts whatever happens (src/update/slots.rs).
printf '[all]\nboot_partition=2\n# good=2\n' >"$work/owner/autoboot.txt"
# Windows shows them to people.
sed -i 's/$/\r/' "$work"/owner/*.t*t "$work/owner/hold-slayer.toml"
sed -i 's/\r$//' "$work/owner/autoboot.txt"
cp -r "$from/boot" "$work/boot"
# The same for both slots, since an update does not know where it lands: the first program asks the firmware (image/init).
echo "$(cat "$top/image/cmdline.txt") $(cat "$top/board/cmdline.txt")" >"$work/boot/cmdline.txt"
find "$work" "$from/data" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
[ "$(stat -c %s "$from/root.squashfs")" -le $((384 << 20)) ] || { echo 'image/card.sh: the root does not fit into its partition' >&2; exit 1; }

export work from
"$top/image/builder.sh" in bash -euc '
    export TZ=UTC MTOOLS_SKIP_CHECK=1
    fat() {
        truncate -s "$3M" "$work/$1.img"
        mkfs.vfat --invariant -F 32 -s 1 -n "$2" "$work/$1.img" >/dev/null
        (cd "$work/$1" && find . -mindepth 1 -maxdepth 1 -print0 | LC_ALL=C sort -z | xargs -0 sh -c "mcopy -s -m -i \"\$0\" \"\$@\" ::" "$work/$1.img")
    }
    fat owner HOLDSLAYER 64
    fat boot HS-BOOT 96
    truncate -s 64M "$work/data.img"
    mke2fs -q -t ext4 -b 4096 -i 16384 -J size=16 -m 1 -L hs-data -U 484f4c44-0000-4000-8000-000000000007 -E hash_seed=484f4c44-0000-4000-8000-000000000008,root_owner=0:0 -d "$from/data" "$work/data.img"
'
rm -f "$card"
truncate -s $((end * 512)) "$card"
put() { dd if="$1" of="$card" bs=1M seek=$(($2 / MiB)) conv=notrunc,sparse status=none; }
put "$work/owner.img" $owner
put "$work/boot.img" $boot_a
put "$from/root.squashfs" $root_a
put "$work/data.img" $data
"$top/image/builder.sh" in sfdisk --quiet --no-reread --wipe-partitions never "$card" <<END 2> >(grep -v "contains a .* signature" >&2)
label: dos
label-id: 0x484f4c44
1: start=$owner, size=$((boot_a - owner)), type=c, bootable
2: start=$boot_a, size=$((boot_b - boot_a)), type=c
3: start=$boot_b, size=$((extended - boot_b)), type=c
4: start=$extended, size=$((end - extended)), type=f
5: start=$root_a, size=$((root_b - MiB - root_a)), type=83
6: start=$root_b, size=$((data - MiB - root_b)), type=83
7: start=$data, size=$((end - data)), type=83
END
rm -rf "$work"
