#!/bin/bash
# The key pair that signs updates: `image/key.sh SECRET` says the public key of minisign's secret key in the file SECRET, for which no
# password is asked; `image/key.sh --new SECRET` makes it before. Who has that file can put anything on every box that trusts it.
set -euo pipefail
new=
[ "$1" != --new ] || { new=yes; shift; }
secret=$1
command -v minisign >/dev/null || { apt-get -qq update; apt-get -qq install -y --no-install-recommends minisign; } >&2
if [ -n "$new" ]; then
    [ ! -e "$secret" ] || { echo "image/key.sh: $secret is there already, and stays" >&2; exit 1; }
    (umask 077; minisign -G -W -s "$secret" -p "$secret.pub" >/dev/null)
fi
[ -f "$secret" ] || { echo "image/key.sh: there is no key $secret: make update-key UPDATE_SECRET=$secret makes one" >&2; exit 1; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
minisign -R -s "$secret" -p "$work/pub" </dev/null >/dev/null
tail -n 1 "$work/pub"
