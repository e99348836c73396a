#!/bin/bash
# Installs what is missing to run (`setup.sh run`), to run and test (`setup.sh test`), or to test against Asterisk as well
# (`setup.sh peers`, as root, some minutes). Asks nothing; a second run does nothing. What it cannot install it names, and
# goes on if the rest can do without.
set -euo pipefail
cd "$(dirname "$0")/.."
what=${1:-test}
sounds=.cache/sounds

# command:package, where the package is Debian's. The last three are for tflitec, which makes its bindings while it is
# built: it fetches nothing, since .cargo/config.toml says where all it needs lies.
needed=(cc:build-essential pkg-config:pkg-config pip3:python3-pip)
if [ "$what" = test ]; then
    needed+=(sipp:sip-tester baresip:baresip-core sox:sox espeak-ng:espeak-ng systemd-analyze:systemd openssl:openssl dtc:device-tree-compiler minisign:minisign)
    python3 -c 'import ensurepip, venv' 2>/dev/null || needed+=(no-venv:python3-venv)
fi
[ "$what" != e2e ] || needed+=(chromium:chromium node:nodejs npm:npm)
# Sound files for the tests against real peers: unpacked to .cache/sounds, not installed.
sound_packages=(asterisk-moh-opsound-wav asterisk-core-sounds-en-wav)

say() { printf 'setup: %s\n' "$*" >&2; }

# Networks fail for a moment.
thrice() {
    local try
    for try in 1 2 3; do
        "$@" && return 0
        say "failed (try $try of 3): $*"
        sleep $((try * 2))
    done
    return 1
}

apt() { thrice "${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 -o Acquire::Retries=3 "$@"; }

updated=no
update_once() {
    if [ $updated = no ]; then
        say "reading the list of packages"
        apt update >&2
        updated=yes
    fi
}

root=()
[ "$(id -u)" = 0 ] || root=(sudo -n)

missing=()
for pair in "${needed[@]}"; do
    command -v "${pair%%:*}" >/dev/null || missing+=("${pair#*:}")
done
# Packages without a command of their own, known by a file.
libraries=(/usr/include/alsa/asoundlib.h:libasound2-dev /usr/include/openssl/ssl.h:libssl-dev '/usr/lib/llvm*/lib/libclang.so:libclang-dev')
for pair in "${libraries[@]}"; do
    compgen -G "${pair%:*}" >/dev/null || missing+=("${pair##*:}")
done
if [ ${#missing[@]} -gt 0 ]; then
    if ! command -v apt-get >/dev/null; then
        say "please install what Debian calls: ${missing[*]}"
    elif [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
        say "please run: sudo apt-get install ${missing[*]}"
    else
        update_once
        say "installing ${missing[*]}"
        apt install -y --no-install-recommends "${missing[@]}" >&2
    fi
fi
command -v cc >/dev/null || { say "there is no C compiler, and none can be installed"; exit 1; }

if ! command -v cargo >/dev/null; then
    say "there is no cargo: install Rust by rustup (its site says how), then try again"
    exit 1
fi

thrice model/tflite.sh "$(uname -m)"

fetch() (cd "$sounds" && apt-get -qq -o Acquire::Retries=3 download "$1" >&2)

if [ "$what" = test ] && command -v apt-get >/dev/null; then
    for package in "${sound_packages[@]}"; do
        [ -e "$sounds/.$package" ] && continue
        mkdir -p "$sounds"
        say "fetching $package"
        if fetch "$package" 2>/dev/null || { update_once && thrice fetch "$package"; }; then
            dpkg-deb -x "$sounds/$package"_*.deb "$sounds"
            rm "$sounds/$package"_*.deb
            touch "$sounds/.$package"
        else
            say "$package could not be fetched: the tests that play it will say so"
        fi
    done
fi

# PJSIP's phone, with its own library, for the same tests.
venv=.cache/venv
if [ "$what" = test ] && ! "$venv/bin/python3" -c 'import pjsua2' 2>/dev/null; then
    say "fetching pjsua2"
    python3 -m venv --clear "$venv"
    thrice "$venv/bin/pip" install --quiet --disable-pip-version-check pjsua2-python==2.15.1.post1 >&2
fi

# Clients of the interfaces: MCP's own, and schemathesis.
clients=.cache/clients
if [ "$what" = test ] && ! "$clients/bin/python3" -c 'import mcp, schemathesis' 2>/dev/null; then
    say "fetching mcp and schemathesis"
    python3 -m venv --clear "$clients"
    thrice "$clients/bin/pip" install --quiet --disable-pip-version-check mcp==2.3.0 schemathesis==4.32.5 >&2
fi

# What drives the browser, and what finds faults of accessibility.
browser=.cache/browser
if [ "$what" = e2e ] && [ ! -d "$browser/node_modules/axe-core" ]; then
    say "fetching playwright-core and axe-core"
    mkdir -p "$browser"
    thrice npm --prefix "$browser" install --silent --no-audit --no-fund playwright-core@1.65.1 axe-core@4.14.1 >&2
fi

# The speech models, for the tests of words: 214 MB once.
if [ "$what" = test ] && ! { thrice model/words/fetch.sh .cache/words && thrice model/words/fetch.sh .cache/words-base base; }; then
    say "the speech model could not be fetched: the tests of words will say so"
fi

# Asterisk 22 is in Debian's unstable branch only: that branch's system in a folder, entered by chroot.
system=$HOME/.cache/hold-slayer-peers/chroot-sid
if [ "$what" = peers ] && [ ! -x "$system/usr/sbin/asterisk" ]; then
    [ "$(id -u)" = 0 ] || { say "Asterisk can be installed and run by root only"; exit 1; }
    update_once
    apt install -y --no-install-recommends mmdebstrap debian-archive-keyring >&2
    mirror=$(awk '/^URIs:/ {print $2; exit}' /etc/apt/sources.list.d/debian.sources 2>/dev/null || true)
    [ -n "$mirror" ] || mirror=$(awk '/^deb / {print $2; exit}' /etc/apt/sources.list)
    say "making a system with Asterisk in $system"
    mkdir -p "${system%/*}"
    # Nothing in it may start by itself.
    mmdebstrap --quiet --variant=apt --mode=root --aptopt='Acquire::Check-Valid-Until "false"' \
        --include=asterisk,asterisk-modules --essential-hook='printf "#!/bin/sh\nexit 101\n" > "$1/usr/sbin/policy-rc.d"' \
        --essential-hook='chmod +x "$1/usr/sbin/policy-rc.d"' --aptopt='APT::Install-Recommends "false"' \
        sid "$system" "$mirror" >&2
fi

# The crates of Cargo.lock, for this machine only.
stamp=target/.fetched
if [ ! -e $stamp ] || [ Cargo.lock -nt $stamp ]; then
    host=$(rustc -vV | sed -n 's/^host: //p')
    thrice cargo fetch --locked --quiet --target "$host"
    mkdir -p target
    touch $stamp
fi
