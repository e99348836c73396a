#!/bin/bash
# The card's read-only root and what starts it: `image/root.sh PACKAGE OUT` installs the box's arm64 package into Debian's and
# makes OUT/root.squashfs, OUT/boot (kernel, first file system, device trees and firmware of one slot) and OUT/packages (name,
# version, architecture and source of each Debian package of which anything is on the card). As root.
#
# The same package and the same folder of image/debian.sh make the same files.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
package=$1 out=$(mkdir -p "$2" && cd "$2" && pwd)
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$top" log -1 --format=%ct)}
debian=$("$top/image/debian.sh")
builder=$("$top/image/builder.sh")
root=$out/root
rm -rf --one-file-system "$root" "$out/boot" "$out/initrd" "$out/parts"
mkdir -p "$root" "$out/parts" "$out/boot/overlays" "$out/initrd"
say() { echo "image/root.sh: $*" >&2; }

say "installing the box's package"
tar -C "$root" -xf "$debian/base.tar"
cp "$package" "$root/box.deb"
"$top/image/arm64.sh" "$builder/usr/bin/qemu-aarch64" chroot "$root" dpkg --install --force-unsafe-io --log=/dev/null /box.deb >"$out/dpkg.log" 2>&1 || { cat "$out/dpkg.log" >&2; exit 1; }
rm "$root/box.deb"

# Kernel, firmware, certificates: files of packages that are not installed.
for part in "$debian"/parts/*.deb; do
    dpkg-deb --extract "$part" "$out/parts"
done
version=$(basename "$out"/parts/usr/lib/modules/*)
kernel=$out/parts/usr/lib/modules/$version

# Drivers by what their paths begin with, and what they need: what a Pi has, what is plugged into it (network, sound, storage, buttons),
# and QEMU's machine.
mapfile -t drivers < <(sed -e 's/#.*//' -e 's/[[:space:]]*$//' -e '/^$/d' "$top/image/drivers")
"$top/image/builder.sh" in depmod -b "$out/parts/usr" "$version"
needs=$kernel/modules.dep
# The files of these folders and those that they need.
closure() {
    awk -v wanted="$*" '
        BEGIN { n = split(wanted, folder, " ") }
        { file = $1; sub(/:$/, "", file); $1 = ""; need[file] = $0
          for (i = 1; i <= n; i++) if (index(file, "kernel/" folder[i]) == 1) take[file] = 1 }
        END { for (file in take) { print file; m = split(need[file], also, " "); for (i = 1; i <= m; i++) print also[i] } }' "$needs" | sort -u
}
modules=$root/usr/lib/modules/$version
mkdir -p "$modules"
cp "$kernel"/modules.{builtin,builtin.modinfo,order} "$modules/"
closure "${drivers[@]}" | while read -r file; do
    mkdir -p "$modules/${file%/*}"
    # The root is compressed as a whole.
    xz -dc "$kernel/$file" >"$modules/${file%.xz}"
done
sed -i 's/\.ko\.xz$/.ko/' "$modules/modules.order"
"$top/image/builder.sh" in depmod -b "$root" "$version"

# Radio firmware of the Pis, and the rules of the air.
radio=$root/usr/lib/firmware
mkdir -p "$radio"/{brcm,cypress}
for chip in 43430 43436 43455 43456; do
    for file in "$out"/parts/usr/lib/firmware/{brcm/brcmfmac,cypress/cyfmac}$chip[-s]*; do
        case $file in
        *'*'*) ;;
        *raspberrypi* | *-sdio.bin | *-sdio.txt | *.clm_blob) cp -P "$file" "$radio/$(basename "$(dirname "$file")")/" ;;
        esac
    done
done
cp "$out"/parts/usr/lib/firmware/regulatory.db*-debian "$radio/"
for file in "$radio"/regulatory.db*-debian; do mv "$file" "${file%-debian}"; done

# Authorities: what ca-certificates' own program would write, which takes half a minute under an interpreter.
mkdir -p "$root/etc/ssl/certs"
find "$out/parts/usr/share/ca-certificates" -name '*.crt' | LC_ALL=C sort | xargs cat >"$root/etc/ssl/certs/ca-certificates.crt"

# What the box needs besides, and nothing that asks, logs in or looks for updates.
cp -r --no-preserve=ownership "$top"/image/card/. "$root/"
# Updates are those that this key of minisign's has signed; without one the box takes none.
sed "s|@KEY@|${UPDATE_KEY:-}|" "$top/image/slots.toml" >"$root/usr/lib/hold-slayer/slots.toml"
install -D -m 0644 "$top/systemd/hold-slayer-watchdog.conf" "$root/usr/lib/systemd/system.conf.d/50-hold-slayer-watchdog.conf"
ln -sf ../run/systemd/resolve/resolv.conf "$root/etc/resolv.conf"
echo holdslayer >"$root/etc/hostname"
printf '127.0.0.1\tlocalhost\n127.0.1.1\tholdslayer\n::1\tlocalhost ip6-localhost\n' >"$root/etc/hosts"
# Empty: a new identity at each start, which is no first start.
: >"$root/etc/machine-id"
# Nobody's password was changed on the day of the build.
sed -i 's/^\([^:]*:[^:]*\):[0-9]*:/\1:1:/' "$root/etc/shadow"
rm -f "$root/var/lib/dbus/machine-id"
mkdir -p "$root"/{data,boot/owner}
wants() { mkdir -p "$root/etc/systemd/system/$2.wants"; ln -sf "/usr/lib/systemd/system/$1" "$root/etc/systemd/system/$2.wants/$1"; }
wants hold-slayer-card.service sysinit.target
wants hold-slayer-radio.service multi-user.target
wants hold-slayer-radio.timer timers.target
wants hold-slayer-update.service multi-user.target
wants hold-slayer-update.path multi-user.target
wants hold-slayer-back.path multi-user.target
wants systemd-networkd.service multi-user.target
wants systemd-networkd.socket sockets.target
wants systemd-resolved.service sysinit.target
wants systemd-timesyncd.service sysinit.target
for unit in dbus wpa_supplicant getty@ serial-getty@ console-getty getty-static systemd-logind systemd-firstboot systemd-machine-id-commit systemd-update-done systemd-hwdb-update \
    systemd-binfmt systemd-networkd-persistent-storage ldconfig systemd-journal-catalog-update systemd-journal-flush e2scrub_reap systemd-pcrmachine; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit.service"
done
for unit in dbus.socket systemd-hostnamed.socket systemd-sysext.socket systemd-rfkill.socket getty.target \
    apt-daily.timer apt-daily-upgrade.timer dpkg-db-backup.timer e2scrub_all.timer fstrim.timer sys-kernel-debug.mount sys-kernel-tracing.mount dev-hugepages.mount dev-mqueue.mount \
    proc-sys-fs-binfmt_misc.automount; do
    ln -sf /dev/null "$root/etc/systemd/system/$unit"
done
ln -sf /usr/lib/systemd/system/multi-user.target "$root/etc/systemd/system/default.target"

# The list of what is on the card, before dpkg's own records are cut.
{
    dpkg-query --admindir="$root/var/lib/dpkg" -W -f='${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n'
    for part in "$debian"/parts/*.deb; do
        dpkg-deb -W --showformat='${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\n' "$part"
        name=$(dpkg-deb -f "$part" Package)
        # Their licences come with them.
        if [ ! -e "$root/usr/share/doc/$name" ] && [ -f "$out/parts/usr/share/doc/$name/copyright" ]; then
            install -D -m 0644 "$out/parts/usr/share/doc/$name/copyright" "$root/usr/share/doc/$name/copyright"
        fi
    done
} | LC_ALL=C sort -u >"$out/packages"
cp "$out/packages" "$root/usr/share/doc/hold-slayer/packages"

# What is never used: package records and tools' data, caches, the language of none.
rm -rf "$root"/etc/apt "$root"/var/lib/{apt,dpkg} "$root"/var/cache/* "$root"/var/log/* "$root"/var/lib/pam "$root"/usr/share/{locale,i18n,doc-base,lintian,perl5,keyrings,zoneinfo/right,zoneinfo/posix} \
    "$root"/usr/lib/*-linux-gnu/{gconv,perl-base} "$root"/usr/bin/perl* "$root"/usr/lib/udev/hwdb.bin "$root"/etc/udev/hwdb.bin "$root"/etc/{passwd-,group-,shadow-,gshadow-} \
    "$root"/tmp/* "$root"/run/* "$root"/dev/*
rm -f "$root/usr/lib/tmpfiles.d/dbus.conf"
find "$root" -name '*.pyc' -delete

# What the data partition begins with: the settings as the package has them, and nothing else.
rm -rf "$out/data"
mkdir -p "$out/data"/{box,systemd/timesync,taken}
cp -a "$root/etc/hold-slayer" "$out/data/settings"
cp -a "$root/var/lib/systemd/." "$out/data/systemd/"
rm -rf "$root"/etc/hold-slayer/* "$root"/var/lib/systemd/*
user() { sed -n "s/^$1:[^:]*:\([0-9]*\):\([0-9]*\):.*/\1:\2/p" "$root/etc/passwd"; }
chown "$(user hold-slayer)" "$out/data/box"
chmod 0700 "$out/data/box"
chown -R "$(user systemd-timesync)" "$out/data/systemd/timesync"
mkdir -p "$root/var/lib/hold-slayer"

# The first file system: the drivers that find the root.
mapfile -t first < <(sed -n 's/[[:space:]]*# first.*//p' "$top/image/drivers")
mkdir -p "$out/initrd"/{bin,proc,sys,dev,owner,root,lib/modules}
cp "$out/parts/usr/bin/busybox" "$out/initrd/bin/"
install -m 0755 "$top/image/init" "$out/initrd/init"
mkdir -p "$out/initrd/lib/modules/$version"
cp "$kernel"/modules.{builtin,builtin.modinfo,order} "$out/initrd/lib/modules/$version/"
closure "${first[@]}" | while read -r file; do
    mkdir -p "$out/initrd/lib/modules/$version/${file%/*}"
    xz -dc "$kernel/$file" >"$out/initrd/lib/modules/$version/${file%.xz}"
done
"$top/image/builder.sh" in depmod -b "$out/initrd" "$version"
find "$out/initrd" "$root" "$out/data" -exec touch -h -d "@$SOURCE_DATE_EPOCH" {} +
(cd "$out/initrd" && find . -print0 | LC_ALL=C sort -z | "$top/image/builder.sh" in bash -c "cd '$out/initrd' && cpio --null --quiet --create --format=newc --reproducible --owner=0:0") |
    zstd -q -19 -T1 >"$out/boot/initrd.img"

# One slot's boot files.
gzip -9n <"$kernel/vmlinuz" >"$out/boot/vmlinuz"
cp "$out"/parts/usr/lib/raspi-firmware/{start.elf,fixup.dat,start4.elf,fixup4.dat} "$out/boot/"
for tree in bcm2837-rpi-3-a-plus bcm2837-rpi-3-b bcm2837-rpi-3-b-plus bcm2837-rpi-zero-2-w bcm2711-rpi-4-b bcm2711-rpi-400 bcm2712-rpi-5-b bcm2712-d-rpi-5-b; do
    cp "$kernel/dtb/broadcom/$tree.dtb" "$out/boot/"
    # The firmware of the older ones asks by the chip's other name.
    case $tree in bcm2837-*) cp "$kernel/dtb/broadcom/$tree.dtb" "$out/boot/bcm2710-${tree#bcm2837-}.dtb" ;; esac
done
# No board without the drivers of what its tree says is there.
python3 "$top/image/drivers.py" "$top/image/drivers" "$kernel" "$out"/boot/*.dtb
for overlay in hold-slayer-button hold-slayer-button-pi5; do
    "$top/image/builder.sh" in dtc -q -@ -I dts -O dtb -o "$out/boot/overlays/$overlay.dtbo" "$top/board/$overlay.dts"
done
{ cat "$top/image/config.txt"; cat "$top/board/config.txt"; } >"$out/boot/config.txt"
cp "$out/parts/usr/lib/raspi-firmware/bootcode.bin" "$out/bootcode.bin"

say 'compressing the root'
rm -f "$out/root.squashfs"
"$top/image/builder.sh" in mksquashfs "$root" "$out/root.squashfs" -comp zstd -Xcompression-level 19 -b 256K -noappend -no-progress -quiet -reproducible -no-xattrs \
        -root-mode 0755 >&2
du -sk "$root" | cut -f 1 >"$out/root.size"
rm -rf --one-file-system "$out/parts" "$out/initrd"
