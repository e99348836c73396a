#!/usr/bin/env python3
"""What is on the card, for programs and for people: image/sbom.py PACKAGES CARD.img.xz OUT-STEM

PACKAGES is the list that image/root.sh writes. Writes OUT-STEM.spdx.json (SPDX 2.3) and OUT-STEM.NOTICE.txt: Debian's packages,
the crates that the program is made of, and TensorFlow Lite. The same inputs make the same files.
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


def identifier(text):
    return "SPDXRef-" + re.sub(r"[^A-Za-z0-9.-]", "-", text)


def package(name, version, kind, licence, purl, supplier):
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


def debian(path):
    for line in path.read_text().splitlines():
        name, version, architecture, source, source_version = line.split("\t")
        if name == "hold-slayer":
            continue
        found = package(name, version, "debian", "NOASSERTION", f"pkg:deb/debian/{name}@{version}?arch={architecture}", "Organization: Debian")
        found["sourceInfo"] = f"built from the Debian source package {source} {source_version}"
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
        licence = (crate["license"] or "NOASSERTION").replace("/", " OR ")
        yield package(crate["name"], crate["version"], "crate", licence, f"pkg:cargo/{crate['name']}@{crate['version']}", "NOASSERTION")


def main():
    packages, card, stem = map(pathlib.Path, sys.argv[1:])
    version = re.search(r'^version = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    licence = re.search(r'^license = "(.*)"', (TOP / "Cargo.toml").read_text(), re.M)[1]
    image = package("hold-slayer-card", version, "image", "NOASSERTION", f"pkg:generic/hold-slayer-card@{version}", "NOASSERTION")
    digest = hashlib.sha256(card.read_bytes()).hexdigest()
    image["checksums"] = [{"algorithm": "SHA256", "checksumValue": digest}]
    image["packageFileName"] = card.name
    program = package("hold-slayer", version, "program", licence, f"pkg:generic/hold-slayer@{version}", "NOASSERTION")
    library = package("libtensorflowlite_c", "2.17.1", "library", "Apache-2.0", "pkg:generic/libtensorflowlite_c@2.17.1", "Organization: The TensorFlow Authors")
    of_debian = sorted(debian(packages), key=lambda p: p["SPDXID"])
    rust = sorted(of_rust(), key=lambda p: p["SPDXID"])
    parts = [program, library, *of_debian]
    relations = [("SPDXRef-DOCUMENT", "DESCRIBES", image["SPDXID"])]
    relations += [(image["SPDXID"], "CONTAINS", part["SPDXID"]) for part in parts]
    relations += [(program["SPDXID"], "STATIC_LINK", crate["SPDXID"]) for crate in rust]
    relations += [(program["SPDXID"], "DYNAMIC_LINK", library["SPDXID"])]
    made = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    document = {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": f"hold-slayer-card-{version}",
        "documentNamespace": f"https://hold-slayer.invalid/spdx/{digest}",
        "creationInfo": {"created": made.strftime("%Y-%m-%dT%H:%M:%SZ"), "creators": ["Tool: image/sbom.py"]},
        "packages": [image, *parts, *rust],
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
        "2. Crates of Rust that the program is made of, under the licences that they name. Their texts, and what the sounds in the program",
        "   come from, are in /usr/share/doc/hold-slayer/THIRD-PARTY.txt.gz on the card.", "",
        *(f"   {p['name']} {p['versionInfo']}: {p['licenseDeclared']}" for p in rust), "",
        "3. The sound network and what runs it.", "", (TOP / "model/NOTICE.md").read_text(),
    ]
    pathlib.Path(f"{stem}.NOTICE.txt").write_text("\n".join(lines))


if __name__ == "__main__":
    main()
