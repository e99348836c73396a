#!/usr/bin/env python3
"""What `make bench` runs: this box beside a bare UDP forwarder and Asterisk, in one run, and what comes of each goal.

    bench.py                     everything, about 12 minutes, more on a shared host
    bench.py --quick             N = 1 and 50, short: whether something has become much worse
    bench.py --only joined,rec   parts: joined, rec, many, late, memory
    bench.py --ordinary          the peers at ordinary priority too: ours asks for real time by itself, so it starves them

The harness in --bench plays both sides of each peer; its README says how to set it up. Everything is a ratio to a peer in
the same run: absolute figures of two runs do not compare. Run it on a machine that does nothing else. In a virtual machine
a host that takes its processors away for a while counts as CPU of whoever runs then: a round of all peers in which more than
1 % went to that is made again, up to --tries times; the calmest is judged, and the table tells how calm it was.
"""
import argparse, json, os, re, statistics, subprocess, sys, tempfile, threading, time, urllib.request

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
LAB = os.environ.get('LAB', os.path.expanduser('~/.cache/hold-slayer-peers'))
VOIPBENCH = os.environ.get('VOIPBENCH', LAB + '/build/release/voipbench')
FORWARDER, P2P, CORE, REC = 'fwd-epoll', 'asterisk-p2p', 'asterisk-core', 'asterisk-rec'
# Real-time priority of the harness and of the peers, below that of our media thread.
FIFO = 10
# 50 ticks a second: enough of them for a share of one in a thousand.
LATE_SECONDS = 60
# Per cent of the processors' time that the host may have taken away.
STOLEN = 1

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument('--bench', default=os.path.join(ROOT, '..', 'shared', 'bench'), help="the harness's folder")
parser.add_argument('--box', default=os.path.join(ROOT, 'target', 'release', 'hold-slayer'))
parser.add_argument('--peers', default='fwd-epoll,asterisk-p2p,asterisk-core', help='beside joined calls')
parser.add_argument('--n', default='1,10,50,100,200', help='joined calls')
parser.add_argument('--rec-n', default='1,10,50,100', help='recorded calls')
parser.add_argument('--many', type=int, default=400, help='calls of the part "many"')
parser.add_argument('--dur', type=float, default=8, help='seconds of each measurement')
parser.add_argument('--runs', type=int, default=1, help='rounds; medians are judged')
parser.add_argument('--tries', type=int, default=4, help='rounds while the host takes processors away')
parser.add_argument('--only', default='joined,rec,many,late,memory', help='parts, separated by commas')
parser.add_argument('--quick', action='store_true', help='N = 1 and 50, 4 s each, without "many"')
parser.add_argument('--ordinary', action='store_true', help='joined calls once more with peers at ordinary priority')
A = parser.parse_args()
if A.quick:
    A.n = A.rec_n = '1,50'
    A.dur, A.only = 4, 'joined,rec,late,memory'

goals = []


def goal(what, ok, figure):
    goals.append((what, ok, figure))


def box(config, data):
    """The command line of a box; its data lie in a folder that goes with this run."""
    return '%s run --config %s --data %s' % (A.box, os.path.join(HERE, config), os.path.join(folder, data))


def measured(peers, n, fifo):
    """Runs the harness once. Its rows."""
    out = os.path.join(folder, 'results-%d.jsonl' % time.monotonic_ns())
    subprocess.run(
        [sys.executable, os.path.join(A.bench, 'run.py'), 'bridge', '--peers', ','.join(peers), '--n', n, '--dur', str(A.dur),
         '--runs', str(A.runs), '--peer-fifo', str(fifo), '--fifo', str(FIFO), '--out', out,
         '--custom', 'ours=' + box('hold-slayer.toml', 'joined'), '--custom', 'ours-rec=' + box('hold-slayer-rec.toml', 'rec')],
        check=False)
    return [json.loads(line) for line in open(out)] if os.path.exists(out) else []


def harness(peers, n, fifo=FIFO):
    """The figures of each peer by name and N, of the calmest of --tries rounds of all of them: medians of its --runs."""
    rounds = []
    for _ in range(A.tries):
        rounds.append(measured(peers, n, fifo))
        if stolen(rounds[-1]) <= STOLEN:
            break
    taken = {}
    for row in min(rounds, key=stolen):
        taken.setdefault(row['label'], []).append(row)
    middle = lambda key, row_key=None: lambda v: statistics.median(r[key] if row_key is None else r[key][row_key] for r in v)
    figures = dict(cpu=middle('sched_ms_per_call_s'), idle=middle('idle_rss_kb'), loaded=middle('rss_kb'), loss=middle('loss_pct'),
                   up=middle('up'), p50=middle('lat_us', 'p50'), p99=middle('lat_us', 'p99'), late=middle('late10_pct'),
                   stolen=middle('steal_pct'))
    return {(peer, int(n)): {name: of(rows) for name, of in figures.items()} for peer, rows in taken.items()}


def stolen(rows):
    """What the host took away while the worst of them was measured."""
    return max((row['steal_pct'] for row in rows), default=100)


def ratio(rows, ours, peer, n, key='cpu'):
    mine, other = rows.get((ours, n)), rows.get((peer, n))
    return mine[key] / other[key] if mine and other and other[key] > 0 and mine['up'] == n == other['up'] else None


def below(what, value, limit, unit=''):
    goal('%s <= %g%s' % (what, limit, unit), None if value is None else value <= limit,
         'not measured' if value is None else '%.2f%s' % (value, unit))


def table(rows):
    print('\n| peer | N | CPU ms per call-s | RSS idle -> loaded MB | loss % | latency us p50 / p99 | stolen % |\n|---|---|---|---|---|---|---|')
    for (name, n), r in sorted(rows.items(), key=lambda item: (item[0][1], item[0][0])):
        print('| %s | %d | %.2f | %.1f -> %.1f | %.3f | %.0f / %.0f | %.1f |'
              % (name, n, r['cpu'], r['idle'] / 1024, r['loaded'] / 1024, r['loss'], r['p50'], r['p99'], r['stolen']))
    print(flush=True)


def joined(fifo, words):
    peers = ['ours'] + [peer for peer in A.peers.split(',') if asterisk or not peer.startswith('asterisk')]
    # N by N, so that what is compared is measured close together: a virtual machine has better and worse minutes.
    rows = {}
    for n in A.n.split(','):
        rows.update(harness(peers, n, fifo))
    table(rows)
    for n in map(int, A.n.split(',')):
        below('CPU, %d joined%s / forwarder' % (n, words), ratio(rows, 'ours', FORWARDER, n), 1.3)
        if P2P in peers:
            below('CPU, %d joined%s / asterisk-p2p' % (n, words), ratio(rows, 'ours', P2P, n), 0.7)
        ours, forwarder = rows.get(('ours', n)), rows.get((FORWARDER, n))
        for key, most in ('p50', 0.05), ('p99', 0.2):
            more = (ours[key] - forwarder[key]) / 1000 if ours and forwarder else None
            below('latency %s, %d joined%s, beyond the forwarder' % (key, n, words), more, most, ' ms')
    return rows


def recorded():
    rows = {}
    for n in A.rec_n.split(','):
        rows.update(harness(['ours-rec'] + ([REC] if asterisk else []), n))
    table(rows)
    for n in map(int, A.rec_n.split(',')):
        if asterisk:
            below('CPU, %d recorded / asterisk-rec' % n, ratio(rows, 'ours-rec', REC, n), 0.5)


def many():
    rows = harness(['ours'] + ([CORE] if asterisk else []), str(A.many))
    table(rows)
    ours = rows.get(('ours', A.many))
    ok = ours and ours['up'] == A.many and ours['loss'] == 0
    told = 'not measured' if not ours else '%d up, %.3f %% lost' % (ours['up'], ours['loss'])
    theirs = rows.get((CORE, A.many))
    if theirs:
        told += '; asterisk-core: %d up, %.3f %% lost, %.1f %% more than 10 ms late' % (theirs['up'], theirs['loss'], theirs['late'])
    goal('no loss at %d calls' % A.many, bool(ok) if ours else None, told)


def memory(rows):
    """Of the joined calls' rows: what the box holds with nothing to do, and how much more with many calls."""
    ns = sorted(n for name, n in rows if name == 'ours')
    if not ns:
        return
    idle = statistics.median(rows['ours', n]['idle'] for n in ns)
    below('RSS idle', idle / 1024, 12, ' MB')
    below('RSS growth from %d to %d calls' % (ns[0], ns[-1]),
          (rows['ours', ns[-1]]['loaded'] - rows['ours', ns[0]]['loaded']) / 1024, 2, ' MB')


class Page:
    """The box's page, for its own instruments."""

    def __init__(self):
        self.base = 'http://127.0.0.1:8088'

    def lateness(self):
        """Ticks by their lateness: upper bound in seconds, how many up to there."""
        text = urllib.request.urlopen(self.base + '/metrics', timeout=5).read().decode()
        found = re.findall(r'^\w*tick_lateness_seconds_bucket\{le="([^"]+)"\} (\d+)', text, re.M)
        return {float(bound): int(count) for bound, count in found}


def late():
    """The lateness of ticks while recorded calls are up and something else keeps every core busy."""
    log = os.path.join(folder, 'late.log')
    command = box('hold-slayer-rec.toml', 'late').split()
    with open(log, 'w') as out:
        running = subprocess.Popen(command, stdout=out, stderr=out, stdin=subprocess.DEVNULL)
    load = []
    try:
        while 'page: http' not in open(log).read():
            if running.poll() is not None:
                return goal('ticks late p99.9 <= 1 ms under load', None, 'the box did not start: ' + open(log).read().strip())
            time.sleep(0.1)
        page = Page()
        load = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(2 * os.cpu_count())]
        calls = subprocess.Popen([VOIPBENCH, 'bridge', '--calls', '10', '--dur', str(LATE_SECONDS), '--warm', '1', '--rate', '20',
                                  '--pids', str(running.pid), '--fifo', str(FIFO)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        before = page.lateness()
        calls.wait(timeout=LATE_SECONDS + 60)
        after = page.lateness()
    finally:
        for process in load + [running]:
            process.terminate()
        for process in load + [running]:
            process.wait()
    counts = [(bound, after[bound] - before.get(bound, 0)) for bound in sorted(after)]
    total = counts[-1][1] if counts else 0
    if not total:
        return goal('ticks late p99.9 <= 1 ms under load', None, 'no ticks were counted')
    bound = next(bound for bound, count in counts if count >= 0.999 * total)
    shares = ', '.join('%.2f %% < %g ms' % (100 * count / total, bound * 1e3) for bound, count in counts if bound <= 0.005)
    granted = 'real-time' not in open(log).read()
    goal('ticks late p99.9 <= 1 ms under load', bound <= 0.001,
         '%d ticks: %s%s' % (total, shares, '' if granted else '; real-time priority was not granted'))


asterisk = os.path.exists(LAB + '/chroot-sid/usr/sbin/asterisk')
for path, what in (os.path.join(A.bench, 'run.py'), '--bench'), (VOIPBENCH, 'VOIPBENCH'), (A.box, '--box'):
    if not os.path.exists(path):
        sys.exit('bench: there is no %s (%s); bash %s/setup.sh sets the harness up' % (path, what, A.bench))
if not asterisk:
    print('Asterisk is not installed in %s: only the forwarder is beside ours; bash %s/setup.sh installs it' % (LAB, A.bench))
parts = A.only.split(',')
with tempfile.TemporaryDirectory(prefix='hold-slayer-bench-') as folder:
    rows = {}
    if 'joined' in parts or 'memory' in parts:
        rows = joined(FIFO, '')
    if 'memory' in parts:
        memory(rows)
    if A.ordinary:
        joined(0, ' (ordinary priority)')
    if 'rec' in parts:
        recorded()
    if 'many' in parts:
        many()
    if 'late' in parts:
        late()
words = {True: 'reached', False: 'MISSED', None: '-'}
for what, ok, figure in goals:
    print('%-8s %-62s %s' % (words[ok], what, figure))
