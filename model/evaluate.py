"""How the quantised network does on scenes of sources and voices that it did not hear: per class, source and channel.

    python evaluate.py EAR.tflite TEST_DIR...
"""
import sys
from collections import defaultdict
import numpy as np
import tensorflow as tf

import train

path, folders = sys.argv[1], sys.argv[2:]
X, ends, Y, L, S, C = train.read(folders)
every = np.arange(0, len(ends), 10)  # one picture in 200 ms
ends, Y, L, S, C = ends[every], Y[every], L[every], S[every], C[every]
net = tf.lite.Interpreter(path)
net.resize_tensor_input(net.get_input_details()[0]["index"], [1, train.features.FRAMES, train.features.BANDS, 1])
net.allocate_tensors()
put, get = net.get_input_details()[0], net.get_output_details()[0]
assert put["quantization"] == (1 / 64, 0), put["quantization"]
scale, zero = get["quantization"]
out = np.zeros((len(ends), len(train.CLASSES) + 1), np.float32)
for i, end in enumerate(ends):
    net.set_tensor(put["index"], train.windows(X, np.array([end]))[..., None])
    net.invoke()
    out[i] = (net.get_tensor(get["index"])[0].astype(np.float32) - zero) * scale
got = out[:, :-1].argmax(1)
print(f"{len(ends)} pictures, {(got == Y).mean():.1%} right; rows: what it was", train.CLASSES)
for c, name in enumerate(train.CLASSES):
    of = Y == c
    print(f"  {name:8} {of.sum():6}", " ".join(f"{(got[of] == k).mean():6.1%}" for k in range(len(train.CLASSES))))
clean = lambda y: y == 3


def table(title, keys):
    """What matters to the verdict: speech taken for speech, everything else not."""
    rows = defaultdict(list)
    for key, g, y in zip(keys, got, Y):
        rows[key].append(clean(g) == clean(y))
    print(title, "clean speech or not, right:")
    for key, right in sorted(rows.items(), key=lambda r: np.mean(r[1])):
        print(f"  {key:34} {len(right):6} {np.mean(right):6.1%}")


brief = np.array([train.CLASSES[y] + " " + (s.split("+")[-2] if y == 2 else s.split("+")[0]) for s, y in zip(S, Y)])
table("by source:", brief)
table("by channel:", C)


def auc(score, truth):
    order = np.argsort(score)
    rank = np.empty(len(score))
    rank[order] = np.arange(1, len(score) + 1)
    n = truth.sum()
    return (rank[truth].sum() - n * (n + 1) / 2) / n / (len(truth) - n)


known = (L >= 0) & (Y == 3)
print(f"live against recorded, AUC {auc(out[known, -1], L[known] == 1):.3f}; mean score by source:")
for s in sorted(set(S[known])):
    print(f"  {s:28} {out[known & (S == s), -1].mean():6.2f}")
