#!/bin/bash
# Installs the package in a fresh Debian (`image/deb-test.sh PACKAGE [SUITE]`, as root), starts it as its own user, asks for
# its page, and takes it away again. A folder is no machine: units are checked, not started by systemd.
set -euo pipefail
package=$1 suite=${2:-bookworm}
[ "$(id -u)" = 0 ] || { echo 'deb-test: only root can enter another system' >&2; exit 1; }
base=$("$(dirname "$0")/base.sh" "$suite")
root=$(mktemp -d)
box=
clean() {
    [ -z "$box" ] || kill "$box" 2>/dev/null || true
    umount "$root/proc" "$root/dev" 2>/dev/null || true
    rm -rf --one-file-system "$root"
}
trap clean EXIT
tar -C "$root" -xf "$base"
mount --bind /dev "$root/dev"
mount -t proc proc "$root/proc"
within() { chroot "$root" "$@"; }
say() { printf 'deb-test (%s): %s\n' "$suite" "$*"; }
wrong() { say "$*"; exit 1; }

# Who is there, by name, number and company.
people() { (within getent passwd; within getent group) | sort; }
knew=$(people)
before=$(within find / -xdev \( -path /proc -o -path /dev -o -path /var/lib/dpkg -o -path /tmp -o -path /var/cache -o -path /var/log -o -path /run \) -prune -o -print | sort)
cp "$package" "$root/tmp/box.deb"

# One of before, whose settings dpkg looked after: nobody is asked about them at the upgrade, and what the page has made of them stays.
within dpkg-deb -R /tmp/box.deb /tmp/older
older=$root/tmp/older
mkdir -p "$older/etc/hold-slayer"
mv "$older/usr/share/hold-slayer/hold-slayer.toml" "$older/etc/hold-slayer/"
echo '# Of before.' >>"$older/etc/hold-slayer/hold-slayer.toml"
echo /etc/hold-slayer/hold-slayer.toml >"$older/DEBIAN/conffiles"
sed -i 's/^Version: /&0~/' "$older/DEBIAN/control"
printf '%s\n' '#!/bin/sh' 'set -e' 'systemd-sysusers hold-slayer.conf' 'chgrp hold-slayer /etc/hold-slayer /etc/hold-slayer/hold-slayer.toml' \
    'chmod 0770 /etc/hold-slayer' 'chmod 0660 /etc/hold-slayer/hold-slayer.toml' >"$older/DEBIAN/postinst"
within dpkg-deb --root-owner-group -Znone -b /tmp/older /tmp/older.deb >/dev/null
within dpkg -i /tmp/older.deb >/dev/null || wrong 'one of before cannot be installed'
settings=$root/etc/hold-slayer/hold-slayer.toml
sed -i 's/^#country/country/' "$settings"
owners=$(sha256sum <"$settings")
within dpkg -i /tmp/box.deb >"$root/tmp/said" 2>&1 </dev/null || { cat "$root/tmp/said"; wrong 'it cannot be installed over one of before'; }
[ "$(sha256sum <"$settings")" = "$owners" ] || wrong "the owner's settings were replaced"
[ "$(within stat -c '%a %U:%G' /etc/hold-slayer/hold-slayer.toml)" = '660 root:hold-slayer' ] || wrong 'others may read the settings of before'
# Settings that are gone are made again; and the box's user, whose the folder is, too, leads root nowhere by a link.
rm "$settings"
within dpkg -i /tmp/box.deb >/dev/null || wrong 'it cannot be installed without settings'
within cmp /etc/hold-slayer/hold-slayer.toml /usr/share/hold-slayer/hold-slayer.toml || wrong 'no settings are made'
ln -sf /etc/shadow "$settings"
within dpkg -i /tmp/box.deb >/dev/null || wrong 'it cannot be installed over a link'
[ "$(within stat -c '%a %U:%G' /etc/shadow)" = '640 root:shadow' ] || wrong 'a link in the folder of settings gives files away'
within dpkg -P hold-slayer >/dev/null
[ ! -e "$root/etc/hold-slayer" ] || wrong 'purge leaves the settings'

within dpkg -i /tmp/box.deb >/dev/null || wrong 'it cannot be installed'
within systemd-analyze verify --man=no hold-slayer.service hold-slayer-update.service hold-slayer-update.path hold-slayer-stick@sda1.service || wrong 'systemd does not like a unit'
[ "$(within stat -c '%a %U:%G' /etc/hold-slayer/hold-slayer.toml)" = '660 root:hold-slayer' ] || wrong 'others may read the configuration'
within test -L /etc/systemd/system/multi-user.target.wants/hold-slayer.service || wrong 'the service does not start at boot'

# As the unit would: its user, its folders; ports of this machine that nothing else here has.
within install -d -o hold-slayer -g hold-slayer -m 0700 /var/lib/hold-slayer
page=127.0.0.1:18080
sed -i "s|^#listen = \"0.0.0.0:8080\".*|listen = \"$page\"|; s|^#listen = \"0.0.0.0:5060\".*|listen = \"127.0.0.1:15060\"|; s|^#rtp_ports = 16000.*|rtp_ports = 26000|" \
    "$root/etc/hold-slayer/hold-slayer.toml"
within setpriv --reuid hold-slayer --regid hold-slayer --init-groups /usr/bin/hold-slayer run >"$root/tmp/said" 2>&1 &
box=$!
for _ in $(seq 100); do
    within curl -fsS "http://$page/login" >"$root/tmp/page" 2>/dev/null && break
    sleep 0.1
done
grep -q 'name="password"' "$root/tmp/page" || { cat "$root/tmp/said"; wrong 'its page does not answer'; }
pkill -TERM -P "$box" 2>/dev/null || kill "$box"
wait "$box" || true
box=
within test -s /var/lib/hold-slayer/hold-slayer.redb || wrong 'it keeps no records'

sed -i 's/^#country/country/' "$root/etc/hold-slayer/hold-slayer.toml"
within dpkg -i /tmp/box.deb >/dev/null </dev/null || wrong 'it cannot be installed over itself'
grep -q '^country' "$root/etc/hold-slayer/hold-slayer.toml" || wrong "the owner's configuration was replaced"
within dpkg -r hold-slayer >/dev/null
within test -s /var/lib/hold-slayer/hold-slayer.redb || wrong 'remove took the records away'
within dpkg -P hold-slayer >/dev/null
after=$(within find / -xdev \( -path /proc -o -path /dev -o -path /var/lib/dpkg -o -path /tmp -o -path /var/cache -o -path /var/log -o -path /run \) -prune -o -print | sort)
left=$(comm -13 <(echo "$before") <(echo "$after") | grep -v -e '^/etc/\(passwd\|group\|shadow\|gshadow\)-\?$' || true)
[ -z "$left" ] || wrong "purge leaves: $left"
# The group of GPIO lines is nobody's own: others' rules and users may have come to name it.
left=$(comm -13 <(echo "$knew") <(people) | grep -v '^gpio:x:[0-9]*:$' || true)
[ -z "$left" ] || wrong "purge leaves of users and groups: $left"
say 'installed, answered, upgraded, removed, purged: nothing is left but the empty group gpio'
