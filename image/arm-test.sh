#!/bin/bash
# The program for arm64 under qemu-aarch64, as root: its package, what is in it, that it runs with its network and its words,
# that it hears the same calls as this machine's own program (`image/arm-test.sh PROGRAM`, a hold-slayer that runs here), the unit
# tests of the pure rooms, and the classifier's golden file.
set -euo pipefail
top=$(cd "$(dirname "$0")/.." && pwd)
cd "$top"
own=$1
say() { printf 'arm-test: %s\n' "$*"; }

image/arm.sh build --release
package=$(DEB_COMPRESSION=none image/deb.sh arm64 target/arm64/aarch64-unknown-linux-gnu/release target/arm64/deb 2>/dev/null)
work=$top/target/arm64/try
rm -rf "$work"
mkdir -p "$work"
dpkg-deb -x "$package" "$work"
[ "$(dpkg-deb -f "$package" Architecture)" = arm64 ] || { say 'the package is for another processor'; exit 1; }
for file in usr/bin/hold-slayer usr/lib/hold-slayer/libtensorflowlite_c.so; do
    # Bytes 18 and 19 of an ELF file say for which processor it is: 183 is AArch64.
    [ "$(od -An -j 18 -N 2 -t u2 "$work/$file" | tr -d ' ')" = 183 ] || { say "$file is for another processor"; exit 1; }
done
arm() { image/builder.sh in qemu-aarch64 "$work/usr/bin/hold-slayer" "$@"; }
arm --version | head -n 1
image/builder.sh in qemu-aarch64 -L /opt/bookworm -E LD_LIBRARY_PATH=/opt/bookworm/lib/aarch64-linux-gnu:/opt/bookworm/usr/lib/aarch64-linux-gnu "$work/usr/bin/hold-slayer" --version >"$work/version" || { say 'it does not start on Debian 12'; exit 1; }
cmp "$work/version" <(arm --version)
arm check --example >"$work/example.toml"
cmp "$work/example.toml" systemd/hold-slayer.toml

sound=tests/listen/sound
raw() { sox -t raw -e mu-law -r 8000 -c 1 -b 8 "$1" -t wav -e signed -b 16 "$2"; }
pause() { sox -n -r 8000 -c 1 -b 16 "$1" trim 0 "$2"; }
for call in 'music-0 agent-human-0' 'music-3 recorded-matthew-1 music-3 agent-human-4' 'recorded-hans-1 music-1 agent-flite-rms-2'; do
    pieces=()
    for piece in $call; do
        raw "$sound/$piece.ul" "$work/$piece.wav"
        pieces+=("$work/$piece.wav")
    done
    pause "$work/pause.wav" 3
    sox "${pieces[@]}" "$work/pause.wav" "$work/call.wav"
    # What it concludes and when. How sure it is, to the hundredth, may differ in the last place; it did not when this was written.
    told() { sed 's/"confidence":-\?[0-9.e-]*/"confidence":_/g' "$1"; }
    "$own" listen --json "$work/call.wav" >"$work/own.json"
    arm listen --json "$work/call.wav" >"$work/arm.json"
    diff <(told "$work/own.json") <(told "$work/arm.json") || { say "another verdict of: $call"; exit 1; }
    say "$call: the same $(wc -l <"$work/arm.json") lines, $(grep -c '"person"' "$work/arm.json" || true) of them a person"
done
say 'the program for arm64 runs and hears the same'

# The rooms that decide, which ask the machine for files at most.
rooms=(board call check config dsp golden listen media notify phone rtp sip slay tables trunk units update)
# What does ask it, which here is the emulator.
machine=(
    board::handset::card::                                    # sound cards, by ALSA's plug-ins
    board::panel::tests::a_device_alone_is_missed_by_its_name # input devices
    check::probe::                                            # ports
    media::realtime::                                         # what the kernel knows of this program's memory
    update::tests::                                           # a box beside it that has milliseconds to answer
)
for one in "${machine[@]}"; do without+=(--skip "$one"); done
image/arm.sh test --lib --test listen -- "${without[@]}" "${rooms[@]/%/::}"
say 'the pure rooms and the golden file hold on arm64'
