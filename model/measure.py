"""Compare what was heard (bench::events) with the truth of composed calls.

    python measure.py CALLS_DIR [-v]
"""
import collections, glob, json, sys
import numpy as np

folder, verbose = sys.argv[1], "-v" in sys.argv
hours = hold = 0.0
late, missed, agents, false, calls_with_false, calls = [], [], 0, collections.Counter(), 0, 0
onto = collections.Counter()
per_source = collections.defaultdict(lambda: [0, 0])
perhaps_late = []
right = collections.defaultdict(collections.Counter)
tones = 0
for path in sorted(glob.glob(folder + "/*.json")):
    truth = json.load(open(path))
    events = [l.rstrip("\n").split(" ") for l in open(path[:-5] + ".heard")]
    at = truth["agent_at"]
    end = truth["segments"][-1][1]
    hours += end / 3600
    calls += 1
    people = [int(e[0]) / 1000 for e in events if e[1] == "person"]
    why = {int(e[0]) / 1000: " ".join(e[4:]) for e in events if e[1] == "person"}
    caught = [p for p in people if at is not None and p >= at]
    wrong = [p for p in people if at is None or p < at]
    for p in wrong:
        seg = [s for s in truth["segments"] if s[0] <= p] [-1]
        before = [s for s in truth["segments"] if s[0] <= p and s[2] not in ("silence",)][-1]
        onto[before[2]] += 1
        per_source["false " + before[3]][0] += 1
        if verbose:
            print(f"{path[-9:-5]} {truth['queue']:8} FALSE {p:.1f} in {seg[2]} ({before[2]} {before[3]} {before[0]:.1f}-{before[1]:.1f}) {why[p]}")
    calls_with_false += bool(wrong)
    if at is not None:
        agents += 1
        s = truth["agent_source"]
        per_source[s][1] += 1
        hopes = [int(e[0]) / 1000 - at for e in events if e[1] == "perhaps" and int(e[0]) / 1000 >= at]
        if hopes:
            perhaps_late.append(hopes[0])
        if caught and caught[0] - at <= 6:
            late.append(caught[0] - at)
        else:
            missed.append(path)
            per_source[s][0] += 1
            if verbose:
                first = [x for x in truth["segments"] if x[2] == "agent"]
                print(f"{path[-9:-5]} {truth['queue']:8} MISS  agent {s} {at:.1f}-{first[0][1]:.1f}", "late %.1f" % (caught[0] - at) if caught else "never",
                      [" ".join(e[1:5]) for e in events if int(e[0]) / 1000 > at - 2][:5])
    sounds = [(int(e[0]) / 1000, e[3]) for e in events if e[1] == "sound"]
    for a, b, name, _ in truth["segments"]:
        for t in np.arange(a + 0.6, b, 0.2):
            now = [s for (x, s) in sounds if x <= t]
            right["speech" if name in ("agent",) else "announcement" if name == "repeat" else name][now[-1] if now else "-"] += 1
print(f"{calls} calls, {hours:.2f} h, {agents} agents: missed {len(missed)/max(1,agents):.1%}, latency p50 {np.median(late) if late else 0:.2f} p90 {np.percentile(late,90) if late else 0:.2f} s; "
      f"false {sum(onto.values())/hours:.1f}/h, {sum(onto.values())/calls:.2f} per call, calls with one {calls_with_false/calls:.0%}; perhaps p50 {np.median(perhaps_late) if perhaps_late else 0:.2f}, never {agents-len(perhaps_late)}")
print("false onto", dict(onto))
if "-s" in sys.argv or verbose:
    for s, (a, b) in sorted(per_source.items()):
        print(f"  {s:30} {a}/{b}")
    for name, c in right.items():
        n = sum(c.values())
        print(f"  {name:13}", {k: f"{v/n:.1%}" for k, v in c.most_common(5)})
