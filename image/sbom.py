#!/usr/bin/env python3
"""What is on the card, for programs and for people: image/sbom.py PACKAGES ROOT CARD.img.xz OUT-STEM

PACKAGES is the list that image/root.sh writes, ROOT the card's root as a folder. Writes OUT-STEM.spdx.json (SPDX 2.3) and
OUT-STEM.NOTICE.txt: Debian's packages, the crates that the program is made of, Rust's standard library, the sound network, the
recordings, and TensorFlow Lite. The same inputs make the same files.
"""

import datetime
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys

TOP = pathlib.Path(__file__).resolve().parent.parent

# What model/tflite.sh takes the library for arm64 from, and what its licences are (model/NOTICE.md).
WHEEL, WHEEL_VERSION = "pymicro-wakeword", "2.5.0"
OF_LIBRARY = "Apache-2.0 AND BSD-2-Clause AND BSD-3-Clause AND MIT AND MPL-2.0 AND LicenseRef-FFT2D"
FFT2D = {
    "licenseId": "LicenseRef-FFT2D",
    "name": "Takuya Ooura's FFT package",
    "extractedText": "Copyright(C) 1997,2001 Takuya OOURA (email: ooura@kurims.kyoto-u.ac.jp).\nYou may use, copy, modify this code for any "
    "purpose and without fee. You may distribute this ORIGINAL package.",
}


def identifier(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def sha256(path):
    return [{"algorithm": "SHA256", "checksumValue": hashlib.sha256(path.read_bytes()).hexdigest()}]


def package(name, version, kind, licence, purl, supplier):
    """One entry; `licence` is what its makers declare."""
    return {
        "SPDXID": identifier(f"{kind}-{name}-{version}"),
        "name": name,
        "versionInfo": version,
        "supplier": supplier,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": False,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": licence,
        "copyrightText": "NOASSERTION",
        "externalRefs": [{"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": purl}],
    }


def named(name, root):
    """The licences that the package's copyright file names, where it is written for programs (Debian's DEP-5)."""
    file = root / "usr/share/doc" / name / "copyright"
    text = file.read_text(errors="replace") if file.is_file() else ""
    return ", ".join(sorted(set(re.findall(r"^License: *(\S.*?)\s*$", text, re.M)))) if text.startswith("Format:") else ""


def debian(path, root):
    for line in path.read_text().splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        if name == "hold-slayer":
            continue
        found = package(name, version, "debian", "NOASSERTION", f"pkg:deb/debian/{name}@{version}?arch={architecture}", "Organization: Debian")
        found["sourceInfo"] = f"built from the Debian source package {source} {source_version}"
        if names := named(name, root):
            found["licenseComments"] = f"its copyright file names, in Debian's words: {names}"
        yield found


def crates(target):
    """What cargo says of each crate that the program for `target` is made of, by name."""
    command = ["cargo", "metadata", "--locked", "--format-version", "1", "--filter-platform", target]
    known = json.loads(subprocess.run(command, cwd=TOP, check=True, capture_output=True, text=True).stdout)
    needed, nodes = set(), {node["id"]: node for node in known["resolve"]["nodes"]}
    waiting = [known["resolve"]["root"]]
    while waiting:
        node = waiting.pop()
        if node not in needed:
            needed.add(node)
            # What only tests or the build itself use is not on the card.
            waiting += [dep["pkg"] for dep in nodes[node]["deps"] if any(kind["kind"] is None for kind in dep["dep_kinds"])]
    ours = needed - {known["resolve"]["root"]}
    return sorted((crate for crate in known["packages"] if crate["id"] in ours), key=lambda c: (c["name"], c["version"]))


def of_rust():
    for crate in crates("aarch64-unknown-linux-gnu"):
        licence = re.sub(r" */ *", " OR ", crate["license"] or "NOASSERTION")
        yield package(crate["name"], crate["version"], "crate", licence, f"pkg:cargo/{crate['name']}@{crate['version']}", "NOASSERTION")


def standard_library(program):
    """Rust's own, of the compiler that the program says it was made by."""
    compiler = re.search(rb"rustc version ((\S+) \([^)]*\))", program.read_bytes())
    if not compiler:
        sys.exit(f"image/sbom.py: {program} does not say which compiler made it")
    found = package("rust-std", compiler[2].decode(), "library", "MIT OR Apache-2.0", f"pkg:generic/rust-std@{compiler[2].decode()}", "NOASSERTION")
    found["sourceInfo"] = f"the standard library of rustc {compiler[1].decode()}"
    return found


def tensorflow_lite(library):
    """Made by some, built by others, and taken out of a third's wheel."""
    if f"{WHEEL}=={WHEEL_VERSION} " not in (TOP / "model/tflite.sh").read_text():
        sys.exit(f"image/sbom.py: model/tflite.sh takes the library from another wheel than {WHEEL} {WHEEL_VERSION}")
    found = package("libtensorflowlite_c", "2.17.1", "library", "NOASSERTION", f"pkg:pypi/{WHEEL}@{WHEEL_VERSION}", "NOASSERTION")
    found |= {"packageFileName": library.name, "checksums": sha256(library), "licenseConcluded": OF_LIBRARY}
    found["originator"] = "Organization: The TensorFlow Authors"
    found["sourceInfo"] = f"prebuilt, out of the Python wheel {WHEEL} {WHEEL_VERSION}, which names https://github.com/tphakala/tflite_c as where it is from"
    found["licenseComments"] = "the wheel declares Apache-2.0 of itself; what is in the library is listed in model/NOTICE.md"
    return found


def inside(version, licence):
    """What is in the program and is no code: the sound network, the box's voice, the demo's sounds."""
    for name, licence, comment in (
        ("sound-network", licence, "model/ear.tflite, trained as model/README.md says"),
        ("prompts", "CC0-1.0", "src/sounds/prompts, made as src/sounds/LICENSE.md says"),
        ("demo-sounds", "CC-BY-SA-3.0 AND CC0-1.0 AND MIT", "src/demo/sounds, each from whom its LICENSE.md says"),
    ):
        part = package(f"hold-slayer-{name}", version, "data", licence, f"pkg:generic/hold-slayer-{name}@{version}", "NOASSERTION")
        yield part | {"comment": comment}


def main():
    packages, root, card, stem = map(pathlib.Path, sys.argv[1:])
    version = re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    licence = re.search(r'^license = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    image = package("hold-slayer-card", version, "image", "NOASSERTION", f"pkg:generic/hold-slayer-card@{version}", "NOASSERTION")
    image |= {"checksums": sha256(card), "packageFileName": card.name}
    program = package("hold-slayer", version, "program", licence, f"pkg:generic/hold-slayer@{version}", "NOASSERTION")
    library = tensorflow_lite(root / "usr/lib/hold-slayer/libtensorflowlite_c.so")
    std = standard_library(root / "usr/bin/hold-slayer")
    of_debian = sorted(debian(packages, root), key=lambda p: p["SPDXID"])
    rust = sorted(of_rust(), key=lambda p: p["SPDXID"])
    data = list(inside(version, licence))
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", image["SPDXID"])]
    relations += [(image["SPDXID"], "CONTAINS", part["SPDXID"]) for part in (program, library, *of_debian)]
    relations += [(program["SPDXID"], "STATIC_LINK", crate["SPDXID"]) for crate in (std, *rust)]
    relations += [(program["SPDXID"], "CONTAINS", part["SPDXID"]) for part in data]
    relations += [(program["SPDXID"], "DYNAMIC_LINK", library["SPDXID"])]
    made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"hold-slayer-card-{version}",
        "documentNamespace": f"https://hold-slayer.invalid/spdx/{image['checksums'][0]['checksumValue']}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: image/sbom.py"]},
        "packages": [image, program, library, std, *data, *of_debian, *rust],
        "hasExtractedLicensingInfos": [FFT2D],
        "relationships": [{"spdxElementId": a, "relationshipType": what, "relatedSpdxElement": b} for a, what, b in relations],
    }
    pathlib.Path(f"{stem}.spdx.json").write_text(json.dumps(document, indent=1) + "\n")

    lines = [
        f"Hold Slayer {version}: what is on the card, and whose it is", "",
        "The program is made by the Hold Slayer team; its licence is in the file LICENSE of its source and in",
        "/usr/share/doc/hold-slayer/copyright on the card. Everything else was made by others:", "",
        "1. Packages of Debian 13, unchanged. The licence of each is in /usr/share/doc/NAME/copyright on the card; its source is",
        "   the named source package, which Debian gives to everybody. raspi-firmware and firmware-brcm80211 are not free software:",
        "   they may be passed on unchanged.", "",
        *(f"   {p['name']} {p['versionInfo']} ({p['sourceInfo'].removeprefix('built from the Debian source package ')})" for p in of_debian), "",
        "2. Crates of Rust that the program is made of, under the licences that they name, and Rust's standard library. Their texts, and",
        "   what the sounds in the program come from, are in /usr/share/doc/hold-slayer/THIRD-PARTY.txt.gz on the card.", "",
        f"   Rust's standard library {std['versionInfo']}: {std['licenseDeclared']}",
        *(f"   {p['name']} {p['versionInfo']}: {p['licenseDeclared']}" for p in rust), "",
        "3. The sound network and what runs it.", "", (TOP / "model/NOTICE.md").read_text(),
    ]
    pathlib.Path(f"{stem}.NOTICE.txt").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
