"""Compare what was heard (bench::events) with the truth of composed calls.

    python measure.py CALLS_DIR [-v]
"""
import collections, glob, json, sys
import numpy as np


def read(folder, kind="heard"):
    """Of each call its name, its truth and the events: [when heard in ms, what, ...]."""
    for path in sorted(glob.glob(folder + "/*.json")):
        yield path[-9:-5], json.load(open(path)), [l.rstrip("\n").split(" ") for l in open(path[:-4] + kind)]


class Figures:
    """Of whole calls: who was missed, how late the others were rung for, and the false rings."""

    def __init__(self, folder, kind="heard", verbose=False):
        self.hours, self.calls, self.agents, self.missed, self.rang_falsely = 0.0, 0, 0, 0, 0
        self.late, self.hoped = [], []
        self.onto = collections.Counter()
        self.by = {k: collections.defaultdict(lambda: [0, 0, 0, 0.0]) for k in ("agent", "voice", "channel", "queue")}
        for name, truth, events in read(folder, kind):
            self.add(name, truth, events, verbose)

    def add(self, name, truth, events, verbose):
        at, long = truth["agent_at"], truth["segments"][-1][1] / 3600
        keys = {"channel": truth["channel"], "queue": truth["queue"]}
        self.hours += long
        self.calls += 1
        rings = [(int(e[0]) / 1000, " ".join(e[4:])) for e in events if e[1] == "person"]
        wrong = [r for r in rings if at is None or r[0] < at]
        for p, why in wrong:
            before = [s for s in truth["segments"] if s[0] <= p and s[2] != "silence"][-1]
            self.onto[before[2]] += 1
            self.by["voice"][before[3].split("+")[0]][2] += 1
            if verbose:
                print(f"{name} {truth['queue']:8} FALSE {p:.1f} after {before[2]} {before[3]} {before[0]:.1f}-{before[1]:.1f} {why}")
        self.rang_falsely += bool(wrong)
        for k, key in keys.items():
            self.by[k][key][2] += len(wrong)
            self.by[k][key][3] += long
        if at is None:
            return
        self.agents += 1
        caught = [p for p, _ in rings if p >= at]
        self.hoped += [int(e[0]) / 1000 - at for e in events if e[1] == "perhaps" and int(e[0]) / 1000 >= at][:1]
        missed = not caught or caught[0] - at > 6
        self.missed += missed
        for k, key in (*keys.items(), ("agent", truth["agent_source"])):
            self.by[k][key][0] += missed
            self.by[k][key][1] += 1
        if not missed:
            self.late.append(caught[0] - at)
        elif verbose:
            first = [x for x in truth["segments"] if x[2] == "agent"][0]
            when = "late %.1f" % (caught[0] - at) if caught else "never"
            print(f"{name} {truth['queue']:8} MISS  agent {truth['agent_source']} {at:.1f}-{first[1]:.1f} {when}", [" ".join(e[1:5]) for e in events if int(e[0]) / 1000 > at - 2][:5])

    def row(self):
        late = np.percentile(self.late, [50, 90]) if self.late else [0, 0]
        false = sum(self.onto.values())
        return (f"| {self.missed / max(1, self.agents):.1%} | {late[0]:.1f} / {late[1]:.1f} s | {false / self.hours:.1f} | "
                f"{false / self.calls:.2f} | {self.rang_falsely / self.calls:.0%} |")


def sounds(folder):
    """How often each class of sound was named so, from 0.6 s after it began."""
    right = collections.defaultdict(collections.Counter)
    for _, truth, events in read(folder):
        told = [(int(e[0]) / 1000, e[3]) for e in events if e[1] == "sound"]
        for a, b, name, _ in truth["segments"]:
            for t in np.arange(a + 0.6, b, 0.2):
                now = [s for (x, s) in told if x <= t]
                right["speech" if name == "agent" else "announcement" if name == "repeat" else name][now[-1] if now else "-"] += 1
    for name, c in right.items():
        print(f"  {name:13}", {k: f"{v / sum(c.values()):.1%}" for k, v in c.most_common(5)})


if __name__ == "__main__":
    folder, verbose = sys.argv[1], "-v" in sys.argv
    f = Figures(folder, verbose=verbose)
    print(f"{f.calls} calls, {f.hours:.2f} h, {f.agents} agents; greeted p50 {np.median(f.hoped) if f.hoped else 0:.2f} s, never {f.agents - len(f.hoped)}; false onto", dict(f.onto))
    print("| missed | p50 / p90 | false rings per hour | per call | calls with one |")
    print(f.row())
    if verbose or "-s" in sys.argv:
        for k, table in f.by.items():
            print(k, "missed/agents, false rings (in hours of hold)")
            for s, (a, b, c, h) in sorted(table.items()):
                print(f"  {s:24} {a}/{b} {c}" + (f" in {h:.2f}" if h else ""))
        sounds(folder)
