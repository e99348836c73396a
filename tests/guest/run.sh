#!/bin/bash
# Small machines with the box as a service, pressed and looked at from inside: `tests/guest/run.sh BOX TEST`, as root, with
# the built hold-slayer and the built tests/guest/main.rs. They are Debian 13 (GUEST_SUITE=bookworm: 12) with the box's own package, its unit under systemd,
# and Debian's kernel from backports, which can simulate GPIO lines (gpio-sim; older kernels cannot). QEMU interprets them:
# nothing here needs KVM, and nothing leaves the machine.
#
# What is fetched (some 300 MB) is kept in ~/.cache/hold-slayer-guest; GUEST_LOGS names a folder that keeps their consoles.
set -euo pipefail
top=$(cd "$(dirname "$0")/../.." && pwd)
box=$1 test=$2
parts=$HOME/.cache/hold-slayer-guest
# A healthy run ends within some four minutes; a guest that hangs is ended.
longest=600
# By then it has begun with its tests, if its kernel has started.
silent=240

say() { printf 'guest: %s\n' "$*" >&2; }
[ "$(id -u)" = 0 ] || { say 'only root can prepare another system'; exit 1; }
[ "$(uname -m)" = x86_64 ] || { say 'it is an x86-64 machine, and this is none'; exit 1; }
base=$("$top/image/base.sh" "${GUEST_SUITE:-trixie}")

# QEMU and the kernel, as files: nothing of them is installed here.
if [ ! -e "$parts/whole" ]; then
    say 'fetching QEMU and the kernel'
    mirror=$("$top/image/base.sh" --mirror)
    rm -rf "$parts"
    mkdir -p "$parts"
    mmdebstrap --quiet --variant=extract --mode=root --include=qemu-system-x86,busybox-static,e2fsprogs,linux-image-amd64/trixie-backports \
        trixie "$parts/root" "deb $mirror trixie main" "deb $mirror trixie-backports main" >&2
    touch "$parts/whole"
fi
version=$(basename "$parts"/root/usr/lib/modules/*)
modules=$parts/root/usr/lib/modules/$version

# Runs a program of those parts with their own libraries; with a `limit`, for so many seconds at most.
part() { ${limit:+timeout --kill-after=10 $limit} "$parts/root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$parts/root/usr/lib/x86_64-linux-gnu" "$parts/root/$1" "${@:2}"; }

work=$(mktemp -d)
trap 'rm -rf --one-file-system "$work"' EXIT

# The first file system: what finds the disk, and the drivers of what is tested.
mkdir -p "$work/initrd"/{bin,proc,sys,dev,root,modules}
cp "$parts/root/usr/bin/busybox" "$work/initrd/bin/"
# Modules and those they need, these first.
add() {
    local file needs need
    file=$(find "$modules/kernel" -name "$1.ko.xz" -o -name "${1//_/-}.ko.xz" | head -n 1)
    [ -n "$file" ] || return 0     # built in
    [ ! -e "$work/initrd/modules/$1.ko" ] || return 0
    xz -dc "$file" >"$work/initrd/modules/$1.ko"
    needs=$(tr '\0' '\n' <"$work/initrd/modules/$1.ko" | sed -n 's/^depends=//p' | head -n 1)
    for need in ${needs//,/ }; do add "$need"; done
    echo "$1" >>"$work/initrd/modules/list"
}
for module in virtio_pci virtio_blk ext4 configfs gpio_sim uinput uhid hid_generic evdev snd_aloop; do add $module; done
cat >"$work/initrd/init" <<'END'
#!/bin/busybox sh
bb=/bin/busybox
$bb mount -t proc proc /proc
$bb mount -t sysfs sysfs /sys
$bb mount -t devtmpfs devtmpfs /dev
for module in $($bb cat /modules/list); do $bb insmod /modules/$module.ko || $bb echo "no $module"; done
$bb mount -t ext4 /dev/vda /root || exec $bb poweroff -f
$bb umount /proc
$bb umount /sys
exec $bb switch_root /root /lib/systemd/systemd
END
chmod +x "$work/initrd/init"
(cd "$work/initrd" && find . | "$parts/root/usr/bin/busybox" cpio -o -H newc 2>/dev/null | gzip -1) >"$work/initrd.gz"

# The disk: a fresh Debian with the box's package, as dpkg installs it.
say 'making the disk'
mkdir -p "$work/built" "$work/disk"
for file in hold-slayer libtensorflowlite_c.so; do
    strip -o "$work/built/$file" "${box%/*}/$file"
done
package=$(DEB_COMPRESSION=none "$top/image/deb.sh" amd64 "$work/built" "$work" 2>/dev/null)
tar -C "$work/disk" -xf "$base"
cp "$package" "$work/disk/tmp/box.deb"
chroot "$work/disk" dpkg -i /tmp/box.deb >"$work/dpkg" 2>&1 || { cat "$work/dpkg" >&2; exit 1; }
rm "$work/disk/tmp/box.deb"
strip -o "$work/disk/usr/bin/guest-test" "$test"
cp "$top"/tests/guest/guest-test.service "$work/disk/etc/systemd/system/"
ln -s ../guest-test.service "$work/disk/etc/systemd/system/multi-user.target.wants/"
# Nothing to wait for: no network but loopback, no consoles, no first boot.
for unit in systemd-networkd getty-static serial-getty@ttyS0 console-getty; do
    ln -sf /dev/null "$work/disk/etc/systemd/system/$unit.service"
done
touch "$work/disk/etc/.updated" "$work/disk/var/.updated"
truncate -s 700M "$work/disk.img"
part usr/sbin/mke2fs -q -t ext4 -d "$work/disk" "$work/disk.img"

logs=${GUEST_LOGS:-$work}
mkdir -p "$logs"
# Starts the machine of that name with the tests that its variables name, and waits until it is off. It writes to a layer of its own
# over the disk. As a Pi's it has four cores, the last of which its kernel keeps free (board/cmdline.txt): a board file gives it to sound.
start() {
    local name=$1 first=$2 then=$3
    : >"$logs/result-$name"
    limit=$longest part usr/bin/qemu-system-x86_64 -L "$parts/root/usr/share/qemu" -L "$parts/root/usr/share/seabios" \
        -machine q35 -accel tcg,thread=multi -cpu max -smp 4 -m 768 -display none -nodefaults -no-reboot \
        -kernel "$modules/vmlinuz" -initrd "$work/initrd.gz" \
        -append "console=ttyS0 quiet isolcpus=3 net.ifnames=0 panic=-1 systemd.show_status=0 mitigations=off \"systemd.setenv=FIRST=$first\" \"systemd.setenv=THEN=$then\"" \
        -drive "file=$work/disk.img,format=raw,if=virtio,cache=unsafe,snapshot=on" \
        -serial "file:$logs/console-$name" -serial "file:$logs/result-$name" -pidfile "$work/pid-$name" </dev/null >&2 &
    local guest=$!
    for ((second = 0; second < silent; second++)); do
        [ ! -s "$logs/result-$name" ] && kill -0 $guest 2>/dev/null || break
        sleep 1
    done
    [ -s "$logs/result-$name" ] || kill "$(cat "$work/pid-$name")" 2>/dev/null || true
    wait $guest || true
}
# QEMU's interpreter loses a race with a kernel that starts, once in many times: that one stands still, or has an Oops.
try() {
    start "$@"
    [ ! -s "$logs/result-$1" ] || return 0
    say "$1 has not come to its tests; QEMU and a kernel do not get on at times: once more. Its console:"
    tail -n 20 "$logs/console-$1" >&2
    start "$@"
}
# Which tests are whose: first those, then these.
run() {
    case $1 in
    house) try house handset:: '--skip handset:: --skip panel::' ;;
    # A finger at power-on must be there soon after it.
    panel) try panel power_on:: panel:: ;;
    esac
    cat "$logs/result-$1"
}
# Both runs have ended, and well, and there was something to run.
well() { [ "$(grep -c '^test result: ok. [1-9]' "$logs/result-$1")" = 2 ]; }

say 'starting two guests: they mostly wait'
begun=$SECONDS
run house &
run panel
wait
say "they ran for $((SECONDS - begun)) s"
again=()
for name in house panel; do
    well $name && continue
    say "the console of $name:"
    tail -n 60 "$logs/console-$name" >&2
    # Sound is lost where the machine around is too slow for both.
    say "$name is tried once more, alone"
    run $name
    well $name || { say "and again"; run $name; }
    well $name || exit 1
    again+=($name)
done
say "all of it took $SECONDS s"
for name in "${again[@]}"; do say "$name failed once and passed when run again, alone"; done
