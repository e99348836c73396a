#!/bin/bash
# Runs a command where programs for arm64 run, too: `image/arm64.sh INTERPRETER COMMAND…`, as root. The kernel is told of
# QEMU's interpreter in a mount namespace of this command's own: nothing of it is left when it ends.
set -euo pipefail
export interpreter=$1
shift
exec unshare --mount --propagation private bash -euc '
    mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    name=qemu-aarch64     # as mmdebstrap expects it
    [ ! -e /proc/sys/fs/binfmt_misc/$name ] || echo -1 >/proc/sys/fs/binfmt_misc/$name
    # An ELF program of 64 bits for machine 183. F: opened now, so that it is found from within another root.
    echo ":$name:M::\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:$interpreter:FP" \
        >/proc/sys/fs/binfmt_misc/register
    trap "echo -1 >/proc/sys/fs/binfmt_misc/$name" EXIT
    "$@"
' arm64 "$@"
