"""Train the small network of listen/classifier.rs on features dumped by the ear itself, and write listen/weights.rs.

    python train.py TRAIN_DIR TEST_DIR SEED WEIGHTS_RS

TRAIN_DIR may name several, with commas. All hold NAME.json (truth of compose.py scenes) and NAME.feat (features of the ear, `bench::dump`).
"""
import glob, json, sys
import numpy as np

train, test, seed, target = sys.argv[1:5]
rng = np.random.default_rng(int(seed))
EACH = 2 * 16 + 17
N = 2 * EACH
H = 24
CLASS = {"noise": 0, "music": 1, "speech": 2, "over": 3}


def read(folder):
    X, Y, S = [], [], []
    for f in sorted(f for d in folder.split(",") for f in glob.glob(d + "/*.json")):
        truth = json.load(open(f))["segments"]
        x = np.fromfile(f[:-5] + ".feat", "<f4").reshape(-1, N)
        t = (np.arange(len(x)) + 1) * 0.1
        for a, b, name, source in truth:
            if name not in CLASS:
                continue
            # What has sounded for half a second must be named; the tail after its end must not.
            inside = (t >= a + 0.4) & (t <= b)
            X.append(x[inside]); Y.append(np.full(inside.sum(), CLASS[name])); S += [source] * int(inside.sum())
    return np.concatenate(X), np.concatenate(Y), np.array(S)


X, Y, S = read(train)
XT, YT, ST = read(test)
print(len(X), "train windows,", len(XT), "test windows,", np.bincount(Y), np.bincount(YT))
mean, scale = X.mean(0), 1 / (X.std(0) + 1e-3)
norm = lambda x: np.clip((x - mean) * scale, -4, 4)
X, XT = norm(X), norm(XT)
weight = (len(Y) / np.bincount(Y) / 4)[Y] ** 0.5

P = [rng.normal(0, (2 / N) ** 0.5, (N, H)), np.zeros(H), rng.normal(0, (2 / H) ** 0.5, (H, 4)), np.zeros(4)]
M = [np.zeros_like(p) for p in P]
V = [np.zeros_like(p) for p in P]


def forward(x):
    h = np.maximum(x @ P[0] + P[1], 0)
    o = h @ P[2] + P[3]
    o = np.exp(o - o.max(1, keepdims=True))
    return h, o / o.sum(1, keepdims=True)


step = 0
EPOCHS = 24
for epoch in range(EPOCHS):
    order = rng.permutation(len(X))
    rate = 2e-3 * 0.5 * (1 + np.cos(np.pi * epoch / EPOCHS)) + 1e-5
    for at in range(0, len(order), 512):
        i = order[at : at + 512]
        x = X[i] + rng.normal(0, 0.15, (len(i), N))
        keep = rng.random((len(i), H)) > 0.1
        h, o = forward(x)
        h = h * keep / 0.9
        o = np.exp((lambda z: z - z.max(1, keepdims=True))(h @ P[2] + P[3])); o /= o.sum(1, keepdims=True)
        d = o.copy(); d[np.arange(len(i)), Y[i]] -= 1
        d *= weight[i, None] / len(i)
        dh = (d @ P[2].T) * (h > 0)
        G = [x.T @ dh + 2e-4 * P[0], dh.sum(0), h.T @ d + 2e-4 * P[2], d.sum(0)]
        step += 1
        for k in range(4):
            M[k] = 0.9 * M[k] + 0.1 * G[k]
            V[k] = 0.999 * V[k] + 0.001 * G[k] ** 2
            P[k] -= rate * (M[k] / (1 - 0.9**step)) / (np.sqrt(V[k] / (1 - 0.999**step)) + 1e-8)
    if epoch % 4 == 3:
        print(epoch, "train", (forward(X)[1].argmax(1) == Y).mean().round(4), "test", (forward(XT)[1].argmax(1) == YT).mean().round(4))

got = forward(XT)[1].argmax(1)
names = list(CLASS)
print("test confusion (rows: truth)", names)
for c in range(4):
    print(f"{names[c]:8}", np.round([(got[YT == c] == k).mean() for k in range(4)], 3))
voice = lambda y: (y >= 2)
for s in sorted(set(ST)):
    if "+" in s and not s.endswith("+sung"):
        continue
    m = ST == s
    print(f"{s:28} {m.sum():6} right about voice or not: {(voice(got[m]) == voice(YT[m])).mean():.3f}")

fmt = lambda v: "[" + ", ".join(f"{x:.3}" if "e" in f"{x:.3}" else f"{x:.3f}" for x in v) + "]"
with open(target, "w") as f:
    f.write("//! Written by `model/dsp/train.py`: see its README for how the weights came to be.\n#![allow(clippy::approx_constant)]\n\nuse super::features::FEATURES;\n\n")
    f.write(f"/// Units in the hidden layer.\npub const HIDDEN: usize = {H};\n")
    for name, kind, value in [
        ("MEAN", "[f32; FEATURES]", fmt(mean)), ("SCALE", "[f32; FEATURES]", fmt(scale)),
        ("HIDDEN_BIAS", "[f32; HIDDEN]", fmt(P[1])),
        ("HIDDEN_WEIGHTS", "[[f32; FEATURES]; HIDDEN]", "[" + ",\n".join(fmt(r) for r in P[0].T) + "]"),
        ("OUT_BIAS", "[f32; 4]", fmt(P[3])),
        ("OUT_WEIGHTS", "[[f32; HIDDEN]; 4]", "[" + ",\n".join(fmt(r) for r in P[2].T) + "]")]:
        f.write(f"pub const {name}: {kind} = {value};\n")
