#!/usr/bin/env -S python3 -B
"""The licences of all that is linked into the program, as they ask to be passed on: image/notices.py RUST-TARGET

Writes them to the standard output: each text once, with the crates that are under it, then what the sounds in the program are made of.
"""

import pathlib
import sys

from sbom import TOP, crates

NAMES = ("LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE")
OURS = ("src/sounds/LICENSE.md", "src/demo/sounds/LICENSE.md", "model/NOTICE.md")


def texts(crate):
    folder = pathlib.Path(crate["manifest_path"]).parent
    files = sorted(file for file in folder.iterdir() if file.name.upper().startswith(NAMES) and file.is_file())
    return [file.read_text(errors="replace").strip() for file in files]


def main():
    under, without = {}, []
    for crate in crates(sys.argv[1]):
        name = f"{crate['name']} {crate['version']}"
        found = texts(crate)
        for text in found:
            under.setdefault(text, []).append(name)
        if not found:
            without.append(f"{name}: {crate['license']}, {', '.join(crate['authors']) or 'its authors'}")
    # Its own texts are not where it is installed; it may be had under this one.
    next(names for text, names in under.items() if "Apache License" in text[:200]).append("Rust's standard library, © The Rust Project contributors")
    line = "=" * 100
    for text, names in under.items():
        print(line, "\n".join(names), line, text, sep="\n", end="\n\n")
    print(line, "Crates that name their licence and bring no text of it", line, *without, sep="\n", end="\n\n")
    for file in OURS:
        print(line, file, line, (TOP / file).read_text(), sep="\n")


main()
