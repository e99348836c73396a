#!/usr/bin/env python3
"""Whether the card has a driver for what the boards have: `image/drivers.py DRIVERS KERNEL TREE...`.

DRIVERS is image/drivers, KERNEL a folder with depmod's modules.alias and modules.dep, each TREE a device tree (.dtb). What a tree
says is there, and a module of the kernel could drive but none of those chosen does, is told and is an error, unless UNWANTED has it.
"""

import fnmatch
import struct
import sys

# What the box does without: beginnings of the modules' paths.
UNWANTED = (
    "drivers/gpu/",  # a picture
    "drivers/media/",  # a camera
    "drivers/bluetooth/",
)


def nodes(tree):
    """(path, {property: bytes}) of each node; format: Devicetree Specification, chapter 5."""
    magic, _, structure, strings = struct.unpack(">4I", tree[:16])
    if magic != 0xD00DFEED:
        sys.exit("image/drivers.py: this is no device tree")
    text = lambda at: tree[at : tree.index(b"\0", at)]
    at, path, properties = structure, [], []
    while True:
        (token,) = struct.unpack(">I", tree[at : at + 4])
        at += 4
        if token == 1:  # a node begins
            name = text(at)
            at += (len(name) + 4) & ~3
            path.append(name.decode())
            properties.append({})
        elif token == 2:  # and ends
            yield "/".join(path) or "/", properties.pop()
            path.pop()
        elif token == 3:  # a property
            length, name = struct.unpack(">2I", tree[at : at + 8])
            properties[-1][text(strings + name).decode()] = tree[at + 8 : at + 8 + length]
            at += 8 + ((length + 3) & ~3)
        elif token == 9:
            return


def chosen(drivers, kernel):
    """The modules that these beginnings choose, with what they need."""
    lines = (line.split("#")[0].strip() for line in open(drivers))
    beginnings = tuple("kernel/" + line for line in lines if line)
    modules = set()
    for line in open(f"{kernel}/modules.dep"):
        module, needs = line.split(":", 1)
        if module.startswith(beginnings):
            modules.update([module], needs.split())
    return modules


def main(drivers, kernel, *trees):
    name = lambda path: path.rsplit("/", 1)[1].split(".")[0].replace("-", "_")
    taken = {name(module) for module in chosen(drivers, kernel)}
    where = {name(line.split(":")[0]): line.split(":")[0] for line in open(f"{kernel}/modules.dep")}
    aliases = []
    for line in open(f"{kernel}/modules.alias"):
        # alias of:N<name>T<type>C<compatible> <module>
        if line.startswith("alias of:") and "C" in line:
            alias, module = line.split("C", 1)[1].split()
            aliases.append((alias, module))
    missing = {}
    for tree in trees:
        for path, node in nodes(open(tree, "rb").read()):
            if node.get("status", b"okay\0") not in (b"okay\0", b"ok\0"):
                continue
            compatible = node.get("compatible", b"").decode().split("\0")
            able = {m for one in compatible if one for alias, m in aliases if fnmatch.fnmatchcase(one, alias.removesuffix("C*"))}
            if able and not able & taken:
                files = sorted(where.get(module, module).removeprefix("kernel/") for module in able)
                if not any(file.startswith(UNWANTED) for file in files):
                    missing.setdefault(tuple(files), []).append(f"{tree.rsplit('/', 1)[-1]} {path}")
    for files, places in sorted(missing.items()):
        print(f"image/drivers.py: {' or '.join(files)} is not on the card, for {', '.join(places)}", file=sys.stderr)
    return 1 if missing else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
