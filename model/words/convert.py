"""Whisper as CTranslate2 keeps it -> what the box runs: encoder.tflite, decoder.tflite (int8 rows), tokens.txt.

    python convert.py MODEL_FOLDER OUT_FOLDER

The encoder answers the keys and values that the decoder's four layers look up, so that only numbers which are looked at
leave it. The decoder is one step: a token in, the odds of the next one out; the program keeps what was said before.
"""

import json
import struct
import sys
from pathlib import Path

import numpy as np

from graph import Graph, int8_rows

HEAD = 64
# Of a model of many languages, those that the box knows phrases of.
LANGUAGES = ("en", "de", "fr", "es")
# Columns of 20 ms that the encoder's graph is written for; the program resizes it to its windows.
COLUMNS = 200
# The longest window of the program, columns, and the most tokens that it lets one segment have.
LONGEST, TOKENS = 500, 64


def weights(path):
    """The variables of a CTranslate2 model of version 6, by name."""
    data, at = path.read_bytes(), 0

    def take(form):
        nonlocal at
        (value,) = struct.unpack_from("<" + form, data, at)
        at += struct.calcsize("<" + form)
        return value

    def name():
        nonlocal at
        length = take("H")
        at += length
        return data[at - length:at - 1].decode()

    version, spec = take("I"), name()
    if (version, spec) != (6, "WhisperSpec"):
        sys.exit(f"{path}: {spec} of version {version}; needed is WhisperSpec of version 6")
    take("I")
    found = {}
    for _ in range(take("I")):
        key = name()
        shape = [take("I") for _ in range(take("B"))]
        kind = {0: "f4", 1: "i1", 2: "i2", 3: "i4", 4: "f2"}[take("B")]
        size = take("I")
        array = np.frombuffer(data, kind, size // np.dtype(kind).itemsize, at).reshape(shape)
        found[key] = array.astype(np.float32) if kind in ("f2", "f4") else array
        at += size
    for _ in range(take("I")):
        alias, key = name(), name()
        found[alias] = found[key]
    return found


def dense(w, name):
    """A linear layer's rows as numbers, also where CTranslate2 keeps them as int8."""
    rows = w[f"{name}/weight"].astype(np.float32)
    scale = w.get(f"{name}/weight_scale")
    return rows if scale is None else rows / scale.reshape(-1, 1)


class Layers:
    """The layers of one half, into its graph."""

    def __init__(self, w):
        self.w, self.g = w, Graph()

    def norm(self, x, name):
        return self.g.normal(x, self.w[f"{name}/gamma"], self.w[f"{name}/beta"])

    def rows(self, x, weights, bias):
        quantised, scale = int8_rows(weights)
        return self.g.linear(x, self.g.constant(quantised, scale), bias)

    def linear(self, x, name, part=0, parts=1, scale=1.0):
        """One of `parts` layers that CTranslate2 has put on one another, its answers times `scale`."""
        rows, bias = dense(self.w, name), self.w[f"{name}/bias"]
        size = len(rows) // parts
        cut = slice(part * size, (part + 1) * size)
        return self.rows(x, rows[cut] * scale, bias[cut] * scale)

    def ffn(self, x, name):
        y = self.norm(x, f"{name}/layer_norm")
        y = self.linear(self.g.gelu(self.linear(y, f"{name}/linear_0")), f"{name}/linear_1")
        return self.g.binary("ADD", x, y)

    def heads(self, x):
        """(1, columns, width) -> (heads, columns, 64)."""
        width = self.g.shape(x)[-1]
        return self.g.transpose(self.g.reshape(x, (-1, width // HEAD, HEAD)), (1, 0, 2))

    def attend(self, q, k, v, mask=None):
        """What the heads of `q` see: (1, columns, width)."""
        odds = self.g.product(q, k, turned=True)
        if mask is not None:
            odds = self.g.binary("ADD", odds, mask)
        seen = self.g.product(self.g.softmax(odds), v)
        heads, _, size = self.g.shape(seen)
        return self.g.reshape(self.g.transpose(seen, (1, 0, 2)), (1, -1, heads * size))


def layers(w, half):
    return len({name.split("/")[1] for name in w if name.startswith(f"{half}/layer_") and "norm" not in name.split("/")[1]})


def encoder(w):
    m = Layers(w)
    g, width = m.g, len(w["encoder/conv1/bias"])
    mel = g.input((1, 1, 2 * COLUMNS, w["encoder/conv1/weight"].shape[1]))
    place = g.input((1, COLUMNS, width))
    x = mel
    for stride, name in ((1, "conv1"), (2, "conv2")):
        kernel = w[f"encoder/{name}/weight"].transpose(0, 2, 1)
        x = g.gelu(g.conv(x, kernel, w[f"encoder/{name}/bias"], stride))
    x = g.binary("ADD", g.reshape(x, (1, -1, width)), place)
    for layer in range(layers(w, "encoder")):
        name = f"encoder/layer_{layer}/self_attention"
        y = m.norm(x, f"{name}/layer_norm")
        q = m.heads(m.linear(y, f"{name}/linear_0", 0, 3, HEAD**-0.5))
        k = m.heads(m.linear(y, f"{name}/linear_0", 1, 3))
        v = m.heads(m.linear(y, f"{name}/linear_0", 2, 3))
        x = g.binary("ADD", x, m.linear(m.attend(q, k, v), f"{name}/linear_1"))
        x = m.ffn(x, f"encoder/layer_{layer}/ffn")
    x = m.norm(x, "encoder/layer_norm")
    for layer in range(layers(w, "decoder")):
        for part in (0, 1):
            g.outputs.append(m.heads(m.linear(x, f"decoder/layer_{layer}/attention/linear_1", part, 2)))
    return g


def decoder(w):
    m = Layers(w)
    g, depth = m.g, layers(w, "decoder")
    table, scale = int8_rows(dense(w, "decoder/embeddings"))
    table, width = g.constant(table, scale), w["decoder/layer_norm/beta"].shape[0]
    heads = width // HEAD
    token, place = g.input((1,), "int32"), g.input((1,), "int32")
    # Added to the odds of what is looked at: 0, or very negative where there is nothing yet.
    before, beyond = g.input((1, 1, TOKENS + 1)), g.input((1, 1, LONGEST))
    said = [g.input((heads, TOKENS, HEAD)) for _ in range(2 * depth)]
    heard = [g.input((heads, LONGEST, HEAD)) for _ in range(2 * depth)]

    row = g.op("GATHER", [g.again(table), token], (1, width), "GatherOptions", kind="int8")
    row = g.op("CAST", [row], (1, width), "CastOptions")
    size = g.op("GATHER", [g.constant(scale), token], (1,), "GatherOptions")
    where = g.op("GATHER", [g.constant(w["decoder/position_encodings/encodings"]), place], (1, width), "GatherOptions")
    x = g.reshape(g.binary("ADD", g.binary("MUL", row, g.reshape(size, (1, 1))), where), (1, 1, width))
    new = []
    for layer in range(depth):
        name = f"decoder/layer_{layer}/self_attention"
        y = m.norm(x, f"{name}/layer_norm")
        q = m.heads(m.linear(y, f"{name}/linear_0", 0, 3, HEAD**-0.5))
        k = m.heads(m.linear(y, f"{name}/linear_0", 1, 3))
        v = m.heads(m.linear(y, f"{name}/linear_0", 2, 3))
        new += [k, v]
        keys, values = (g.join([said[2 * layer + i], part], 1) for i, part in enumerate((k, v)))
        x = g.binary("ADD", x, m.linear(m.attend(q, keys, values, before), f"{name}/linear_1"))
        name = f"decoder/layer_{layer}/attention"
        y = m.norm(x, f"{name}/layer_norm")
        q = m.heads(m.linear(y, f"{name}/linear_0", scale=HEAD**-0.5))
        x = g.binary("ADD", x, m.linear(m.attend(q, *heard[2 * layer:2 * layer + 2], beyond), f"{name}/linear_2"))
        x = m.ffn(x, f"decoder/layer_{layer}/ffn")
    x = m.norm(x, "decoder/layer_norm")
    g.outputs = [g.linear(x, table)] + new
    return g


def tokens(folder):
    """The special tokens and the prompts, then each token's bytes in hexadecimal, or `-` for what is never said."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    byte = {chr(b): b for b in printable} | {chr(256 + i): b for i, b in enumerate(others)}
    listed = folder / "vocabulary.json"
    text = (folder / "vocabulary.txt").read_text().removesuffix("\n") if not listed.exists() else ""
    names = json.loads(listed.read_text()) if listed.exists() else text.split("\n")
    known = {name: number for number, name in enumerate(names)}
    never = set(json.loads((folder / "config.json").read_text())["suppress_ids"])
    mark = {name: known[f"<|{name}|>"] for name in ("endoftext", "startoftranscript", "notimestamps", "transcribe")}
    mark["nocaptions"] = known.get("<|nocaptions|>", known.get("<|nospeech|>"))
    lines = [f"# longest {TOKENS}", f"# end {mark['endoftext']}", f"# nothing {mark['nocaptions']}"]
    if mark["endoftext"] == 50256:
        lines.append(f"# prompt_en {mark['startoftranscript']} {mark['notimestamps']}")
    else:
        lines += [f"# prompt_{code} {mark['startoftranscript']} {known[f'<|{code}|>']} {mark['transcribe']} {mark['notimestamps']}"
                  for code in LANGUAGES]
    for number, name in enumerate(names):
        text = number < mark["endoftext"] and number not in never
        lines.append(bytes(byte[c] for c in name).hex() if text else "-")
    return "\n".join(lines) + "\n"


def main(source, out):
    source, out = Path(source), Path(out)
    w = weights(source / "model.bin")
    out.mkdir(parents=True, exist_ok=True)
    files = {"encoder.tflite": encoder(w).bytes(), "decoder.tflite": decoder(w).bytes(), "tokens.txt": tokens(source).encode()}
    for name, data in files.items():
        # A box that runs has the old file mapped: it keeps it.
        part = out / f"{name}.part"
        part.write_bytes(data)
        part.replace(out / name)


if __name__ == "__main__":
    main(*sys.argv[1:])
