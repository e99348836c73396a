"""What each kind of evidence is worth: a logistic regression over the phrases of composed calls (bench::weighed).

    python weigh.py CALLS_DIR...

Prints nats to compare with the curves of src/listen/evidence.rs, which stay readable curves. One row per phrase and moment of decision.
"""
import glob, json, sys
import numpy as np
from scipy.optimize import minimize

MOMENTS = [("talks", 1.0), ("talks", 1.8), ("talks", 2.6), ("talks", 3.4), ("talks", 4.4), ("waits", 0.5), ("waits", 0.7), ("waits", 0.9), ("waits", 1.2), ("waits", 1.6), ("waits", 2.2)]
rows = []
for folder in sys.argv[1:]:
    for path in sorted(glob.glob(folder + "/*.weighed")):
        truth = json.load(open(path[:-8] + ".json"))
        data = np.loadtxt(path, ndmin=2)
        if not len(data):
            continue
        agent = [s for s in truth["segments"] if s[2] == "agent"][:1]
        seen = set()
        for r in data:
            t, novel, span, pause = r[:4]
            began = t - pause - span
            for kind, at in MOMENTS:
                hit = novel >= at and pause < 0.4 if kind == "talks" else pause >= at
                key = (round(began, 1), round(span, 1) if kind == "waits" else 0, kind, at)
                if hit and key not in seen:
                    seen.add(key)
                    is_agent = bool(agent) and agent[0][0] - 0.3 <= began <= agent[0][1] and t < agent[0][1] + 3
                    later = bool(agent) and began > agent[0][1]
                    if not later:
                        rows.append((kind, at, is_agent, truth["queue"], *r[1:]))
kinds = np.array([f"{r[0]} {r[1]}" for r in rows])
y = np.array([r[2] for r in rows], float)
q = np.array([r[3] for r in rows])
v = np.array([r[4:] for r in rows])
novel, span, pause, distance, over, sure, live, rang, music, another, total = v.T
print("moment: agents, others; how the others would be let through at a sum that keeps 90 % of the agents; AUC of sum, live, distance")


def auc(s, t):
    o = np.argsort(s); r = np.empty(len(s)); r[o] = np.arange(1, len(s) + 1); n = t.sum()
    return (r[t].sum() - n * (n + 1) / 2) / max(1, n) / max(1, len(t) - n)


for kind, at in MOMENTS:
    m = kinds == f"{kind} {at}"
    a = m & (y > 0)
    b = m & (y == 0)
    if a.sum() < 3 or b.sum() < 3:
        continue
    at90 = np.quantile(total[a], 0.1)
    t = y[m] > 0
    print(f"{kind} {at}: {a.sum()} {b.sum()}  {np.mean(total[b] >= at90):.2f}   {auc(total[m], t):.2f} {auc(live[m], t):.2f} {auc(distance[m], t):.2f}")
columns = {"prior": np.ones(len(y))}
waits = np.array([k.startswith("waits") for k in kinds])
for k in sorted(set(kinds)):
    if k.startswith("waits"):
        columns[k + " (music)"] = (kinds == k) & (music + rang > 0)
        columns[k + " (none)"] = (kinds == k) & (music + rang == 0)
    else:
        columns[k] = kinds == k
columns |= {
    "long 3.6": span > 3.6, "long 5.2": span > 5.2, "long 7": span > 7, "short 0.5": span < 0.5,
    "no distance": distance < 0, "like 4": (distance >= 0) & (distance < 4), "like 5.5": (distance >= 4) & (distance < 5.5),
    "unlike 8": (distance >= 8) & (distance < 10), "unlike 10": distance >= 10,
    "live logit": np.log(np.clip(live, 0.02, 0.98) / np.clip(1 - live, 0.02, 0.98)),
    "over": np.maximum(0, over - 0.3), "sure": sure - 0.9, "rang": rang, "another": another,
}
X = np.stack([np.asarray(c, float) for c in columns.values()], 1)


def loss(w):
    z = X @ w
    g = X.T @ (1 / (1 + np.exp(-z)) - y) + 0.5 * np.r_[0, w[1:]]
    return np.logaddexp(0, z).sum() - y @ z + 0.25 * (w[1:] ** 2).sum(), g


w = minimize(loss, np.zeros(X.shape[1]), jac=True).x
for name, x, c in zip(columns, w, X.T):
    print(f"  {name:22} {x:+.2f}   ({int(np.sum(c != 0))} rows)")
