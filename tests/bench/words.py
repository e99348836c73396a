#!/usr/bin/env python3
"""Two holds at once while the box recognises what both lines say. `make bench-words`.

    words.py BOX MODEL_FOLDER [SECONDS]

Two companies talk to one box almost without a pause, in the demo's recordings, once without the speech model and once with it.
What the media loop does with it stands beside what it does without, in the same run: the lateness of its ticks, and as judged
from outside the spacing of the packets that the companies get. Recognition keeps up if every sentence is understood and the
delay from its end to its words on the event stream does not grow.
"""
import json, os, re, selectors, signal, subprocess, sys, tempfile, threading, time, urllib.request
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(HOME / 'model'))
sys.path.insert(0, str(HOME / 'tests/bench'))
import challenge
from page import lateness, share

SENTENCES = ['all_busy', 'third_in_line', 'longer_than_usual', 'stay_on_line', 'menu', 'closed']
GAP = 40  # frames between two of them
TICK = 0.02


class Company:
    """One line on which somebody always talks: what it plays, and when each sentence ended."""

    def __init__(self, leg, first):
        self.leg, self.n, self.ends, self.got = leg, 0, [], []
        self.frames, self.marks = [], []
        for k in range(len(SENTENCES)):
            sound = (HOME / f'src/demo/sounds/{SENTENCES[(first + k) % len(SENTENCES)]}.ulaw').read_bytes()
            self.frames += [sound[i:i + 160].ljust(160, b'\xff') for i in range(0, len(sound), 160)]
            self.marks.append(len(self.frames))
            self.frames += [b'\xff' * 160] * GAP

    def tick(self):
        self.leg.frame(self.frames[self.n % len(self.frames)])
        self.n += 1
        if self.n % len(self.frames) in self.marks:
            self.ends.append(time.time())


class Bench:
    def __init__(self, box, place, words, seconds):
        self.seconds, self.companies, self.heard = seconds, [], []
        net = f'127.{64 + os.getpid() % 60}.{2 if words else 1}'
        self.page = f'http://{net}.1:8080'
        self.phone = challenge.Side(f'{net}.3', (f'{net}.1', 5060), lambda what, leg: self.at_phone(what, leg))
        self.trunk = challenge.Side(f'{net}.2', (f'{net}.1', 5060), lambda what, leg: self.at_trunk(what, leg))
        config = Path(place) / f'box{bool(words)}.toml'
        config.write_text(
            f'[sip]\nlisten = "{net}.1:5060"\n[web]\nlisten = "{net}.1:8080"\n[media]\ncalls = 6\n[log]\nlevel = "warn"\n[words]\n'
            + (f'model = "{words}"\n' if words else '')
            + f'[[trunk]]\nname = "trunk"\naddress = "{net}.2:5060"\n[[phone]]\nname = "phone"\naddress = "{net}.3:5060"\n')
        config.chmod(0o600)
        self.data = Path(place) / f'data{bool(words)}'
        self.box = subprocess.Popen([box, 'run', '--config', config, '--data', self.data])
        time.sleep(4)
        ctl = [box, 'ctl', '--data', self.data, 'events', '--json']
        self.events = subprocess.Popen(ctl, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()

    def read(self):
        for line in self.events.stdout:
            if '"audio.transcript"' in line:
                self.heard.append(time.time())

    def at_phone(self, what, leg):
        if what == 'invited':
            self.phone.reply(leg.invite, '180 Ringing', leg)

    def at_trunk(self, what, leg):
        if what == 'invited':
            self.trunk.answer(leg)
            self.companies.append(Company(leg, 3 * len(self.companies)))

    def cpu(self):
        return sum(int(x) for x in Path(f'/proc/{self.box.pid}/stat').read_text().rsplit(')', 1)[1].split()[11:13]) / os.sysconf('SC_CLK_TCK')

    def memory(self):
        return int(re.search(r'VmHWM:\s+(\d+)', Path(f'/proc/{self.box.pid}/status').read_text())[1]) / 1024

    def ticks(self):
        return lateness(urllib.request.build_opener(), self.page)

    def run(self):
        watch = selectors.DefaultSelector()
        for side in (self.phone, self.trunk):
            watch.register(side.sip, selectors.EVENT_READ, lambda data, side=side: side.receive(data))
            got = side is self.trunk
            watch.register(side.rtp, selectors.EVENT_READ, lambda data, got=got: got and self.packet(data))
        own, begun, due, n, before = None, time.monotonic(), time.monotonic(), 0, None
        while n < (8 + self.seconds) / TICK:
            while due <= time.monotonic():
                due += TICK
                for company in self.companies:
                    company.tick()
                if n in (50, 250):
                    own = self.phone.dial(f'180055501{n}')
                if own and own.up:
                    own.frame(b'\xff' * 160)
                    if n in (100, 300):
                        own.press('**')
                    if n in (180, 380):
                        self.phone.bye(own)
                if n == int(8 / TICK):
                    before, cpu = self.ticks(), self.cpu()
                    for company in self.companies:
                        company.ends, company.got = [], []
                    self.heard.clear()
                n += 1
            for key, _ in watch.select(max(0, due - time.monotonic())):
                for _ in range(20):
                    try:
                        key.data(key.fileobj.recv(4096))
                    except BlockingIOError:
                        break
        if len(self.companies) != 2:
            sys.exit(f'words.py: {len(self.companies)} calls reached the companies, not two')
        after = self.ticks()
        print('  ticks late: ' + share(before, after))
        for company in self.companies:
            gaps = sorted(b - a for a, b in zip(company.got, company.got[1:]))
            print('  packets to a company: %d, spacing p99 %.1f ms, longest %.1f ms' % (len(company.got), gaps[int(len(gaps) * 0.99)] * 1e3, gaps[-1] * 1e3))
        print('  %.0f %% of one core, at most %.0f MB' % (100 * (self.cpu() - cpu) / self.seconds, self.memory()))

    def packet(self, data):
        port = int.from_bytes(data[8:12], 'big')
        company = next((c for c in self.companies if getattr(c, 'ssrc', port) == port), None)
        if company is None:
            return
        company.ssrc = port
        company.got.append(time.monotonic())

    def kept_up(self):
        ends = sorted(end for company in self.companies for end in company.ends)
        time.sleep(3)
        waits, left = [], list(self.heard)
        for end in ends:
            after = next((at for at in left if at >= end), None)
            if after is not None:
                waits.append(after - end)
        half = len(waits) // 2
        mean = lambda some: sum(some) / max(1, len(some))
        print('  sentences: %d; words told %d times; from a sentence\'s end to the next words %.1f s on average, %.1f s in the first half of the time, %.1f s in the second'
              % (len(ends), len(left), mean(waits), mean(waits[:half]), mean(waits[half:])))

    def end(self):
        self.events.terminate()
        self.box.send_signal(signal.SIGTERM)
        self.box.wait(20)


def main(box, model, seconds=60):
    with tempfile.TemporaryDirectory() as place:
        for words in None, Path(model).resolve():
            print('with words' if words else 'without words')
            bench = Bench(box, place, words, seconds)
            try:
                bench.run()
                if words:
                    bench.kept_up()
            finally:
                bench.end()


main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:4]))
