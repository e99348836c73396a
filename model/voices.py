"""How much each trait of a voice tells two speakers on one line apart: weights for src/listen/voice.rs (from bench::voices).

    python voices.py FOLDER...

Pairs of pieces of 1.5 s of one file, so of one channel: of one speaker or of two. A logistic regression without negative weights over
the differences' sizes; every other file is kept for the test.
"""
import glob, sys
import numpy as np
from scipy.optimize import minimize

pairs, same, test = [], [], []
single = ("asterisk", "polly", "flite", "espeak", "piper")
for n, path in enumerate(sorted(p for d in sys.argv[1:] for p in glob.glob(d + "/*.voices"))):
    rows = [l.split() for l in open(path)]
    v = [(r[0], r[1].split("+")[0], np.array([float(x) for x in r[2:]])) for r in rows]
    for i in range(len(v)):
        for j in range(i):
            (a, s, x), (b, t, y) = v[i], v[j]
            if a != b and s == t and not s.startswith(single):
                continue
            known = x[0] >= 0 and y[0] >= 0
            d = np.abs(x - y)
            pairs.append(np.r_[d[0] if known else 0.25, d[1:]])
            same.append(a == b or s == t)
            test.append(n % 2 == 0)
X, y, test = np.array(pairs), np.array(same), np.array(test)


def auc(s, t):
    o = np.argsort(s); r = np.empty(len(s)); r[o] = np.arange(1, len(s) + 1); n = t.sum()
    return (r[t].sum() - n * (n + 1) / 2) / n / (len(t) - n)


old = np.sqrt((X[:, 1:17] ** 2).mean(1)) + 0.8 * np.sqrt((X[:, 17:] ** 2).mean(1)) + 8 * X[:, 0]
print(len(y), "pairs,", y.sum(), "of one speaker; AUC of the even weights", round(auc(-old[test], y[test]), 3))
F = X**2
scale = F[~test].mean(0)
F = F / scale
w0 = 1 / np.array([np.mean(y[~test]), 1 - np.mean(y[~test])])
weight = np.where(y, w0[0], w0[1]) / 2


def loss(w, m):
    z = np.sqrt(F[m] @ w[1:] + 1e-6)
    t = w[0] - z
    p = 1 / (1 + np.exp(-t))
    l = (weight[m] * (np.logaddexp(0, t) - y[m] * t)).mean() + 1e-4 * w[1:].sum()
    g = weight[m] * (p - y[m])
    gw = (-(g / (2 * z)) @ F[m]) / m.sum() + 1e-4
    return l, np.r_[g.mean(), gw]


start = np.r_[3.0, np.full(F.shape[1], 0.3)]
w = minimize(loss, start, args=(~test,), jac=True, bounds=[(0, 20)] + [(0, None)] * F.shape[1]).x
z = np.sqrt(F @ w[1:])
print("AUC of the fitted weights, other files:", round(auc(-z[test], y[test]), 3), "half of the pairs of one speaker below", round(np.median(z[y & test]), 2), "of two", round(np.median(z[~y & test]), 2), "even odds at", round(w[0], 2))
for name, part in [("pitch", slice(0, 1)), ("shape", slice(1, 17)), ("spread", slice(17, 33))]:
    print(name, [round(float(x), 4) for x in (w[1:] / scale)[part]])
