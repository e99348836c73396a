#!/bin/bash
# Cargo for arm64 in the builder's system: `image/arm.sh build --release`, `image/arm.sh test --lib` … (as root). What it makes is in
# target/arm64/aarch64-unknown-linux-gnu; tests run under qemu-aarch64.
set -euo pipefail
cd "$(dirname "$0")/.."
triple=aarch64-unknown-linux-gnu
image/builder.sh >/dev/null
tests/setup.sh run
model/tflite.sh aarch64
# Crates are fetched out here, where this machine's authorities are known.
cargo fetch --locked --quiet --target $triple
command=$1
shift
# Where it was built does not show in what was built.
remap="--remap-path-prefix=$PWD=/hold-slayer --remap-path-prefix=${CARGO_HOME:-$HOME/.cargo}=/cargo"
exec image/builder.sh in env "CARGO_HOME=${CARGO_HOME:-$HOME/.cargo}" CARGO_TARGET_DIR=target/arm64 \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_LINKER=/opt/bookworm/cc CC_aarch64_unknown_linux_gnu=/opt/bookworm/cc \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUNNER=qemu-aarch64 \
    CARGO_TARGET_AARCH64_UNKNOWN_LINUX_GNU_RUSTFLAGS="$remap" PKG_CONFIG_ALLOW_CROSS=1 \
    PKG_CONFIG_SYSROOT_DIR_aarch64_unknown_linux_gnu=/opt/bookworm PKG_CONFIG_LIBDIR_aarch64_unknown_linux_gnu=/opt/bookworm/usr/lib/aarch64-linux-gnu/pkgconfig \
    cargo "$command" --offline --locked --target $triple "$@"
