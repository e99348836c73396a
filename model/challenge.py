"""The box itself on composed calls, over real SIP and RTP on loopback and in real time: it greets, agents stop and answer, recordings talk on.

    python challenge.py BOX CALLS_DIR [CALLS_AT_ONCE]

Each call has a box of its own (BOX is the program) between a phone and a provider that are played here. The owner dials, presses ** and hangs
up; the far end plays the call. An agent who hears the box stops half a second later, waits until it has been silent for half a second, and says
his second sentence; without a word from it he says that after the pause in the file, and hangs up 15 s after his first sound. For a false ring
the owner comes within six seconds, presses ** again and hangs up.
"""
import glob, json, os, re, selectors, signal, socket, subprocess, sys, tempfile, time
import numpy as np
import soundfile as sf

FRAME, PATIENCE, WALK = 0.02, 15.0, 6.0
LEAD = 3.0  # the owner's gesture, before the call's first sound
VOICE_DBM0 = -45.0


def ulaw(x):
    """G.711: int16 to octets."""
    x = x.astype(np.int32)
    sign, mag = np.where(x < 0, 0x80, 0), np.minimum(np.abs(x), 32635) + 132
    exponent = np.floor(np.log2(mag)).astype(np.int32) - 7
    return (~(sign | exponent << 4 | (mag >> (exponent + 3)) & 15) & 0xFF).astype(np.uint8)


LINEAR = np.zeros(256)
for code in range(256):
    u = ~code & 0xFF
    value = (((u & 15) << 3) + 132 << (u >> 4)) - 132
    LINEAR[code] = -value if u & 0x80 else value


def dbm0(payload):
    return 10 * np.log10((LINEAR[np.frombuffer(payload, np.uint8)] ** 2).mean() / 32768**2 * 2 + 1e-9) + 3.14


class Leg:
    """One SIP dialog and its RTP, on one side of the box."""

    def __init__(self, side, call_id, ours, theirs, target):
        self.side, self.call_id, self.ours, self.theirs, self.target = side, call_id, ours, theirs, target
        self.remote, self.up, self.seq, self.stamp, self.cseq, self.keys = None, False, 0, 0, 1, []
        self.invite = None

    def media(self, body):
        host, port = re.search(r"c=IN IP4 (\S+)", body), re.search(r"m=audio (\d+)", body)
        if host and port:
            self.remote = (host.group(1), int(port.group(1)))

    def send(self, payload, kind=0, stamp=None):
        if self.remote:
            head = bytes([0x80, kind]) + self.seq.to_bytes(2, "big") + (stamp or self.stamp).to_bytes(4, "big") + b"FARE"
            self.side.rtp.sendto(head + payload, self.remote)
        self.seq = (self.seq + 1) & 0xFFFF

    def frame(self, payload):
        """The next 20 ms: sound, or the key that is pressed (RFC 4733)."""
        if self.keys:
            key, n = self.keys[0]
            if n < 8:
                end = 0x80 if n >= 5 else 0
                self.send(bytes([key, end | 10]) + (160 * min(n + 1, 6)).to_bytes(2, "big"), 101, self.stamp - 160 * n)
            self.keys[0] = (key, n + 1)
            if n >= 12:
                self.keys.pop(0)
        else:
            self.send(payload)
        self.stamp += 160

    def press(self, text):
        self.keys += [("0123456789*#".index(c), 0) for c in text]


class Side:
    """A user agent without retransmissions: loopback loses nothing."""

    def __init__(self, host, box, on):
        self.host, self.box, self.on, self.legs, self.n = host, box, on, {}, 0
        self.sip, self.rtp = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in "ab")
        self.sip.bind((host, 5060)), self.rtp.bind((host, 4000))
        for s in (self.sip, self.rtp):
            s.setblocking(False)

    def sdp(self):
        return (f"v=0\r\no=- 1 1 IN IP4 {self.host}\r\ns=-\r\nc=IN IP4 {self.host}\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0 101\r\n"
                "a=rtpmap:0 PCMU/8000\r\na=rtpmap:101 telephone-event/8000\r\na=fmtp:101 0-16\r\n")

    def request(self, leg, method, body="", cseq=None):
        leg.cseq = cseq or leg.cseq + 1
        self.n += 1
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = (f"{method} {leg.target} SIP/2.0\r\nVia: SIP/2.0/UDP {self.host}:5060;branch=z9hG4bK{leg.call_id}{self.n}\r\nMax-Forwards: 70\r\n"
                f"From: {leg.ours}\r\nTo: {leg.theirs}\r\nCall-ID: {leg.call_id}\r\nCSeq: {leg.cseq} {method}\r\n"
                f"Contact: <sip:far@{self.host}:5060>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}")
        self.sip.sendto(text.encode(), self.box)

    def reply(self, heads, status, leg=None, body=""):
        keep = "".join(f"{k}: {v}\r\n" for k, v in heads if k in ("Via", "From", "Call-ID", "CSeq", "Record-Route"))
        to = leg.ours if leg else dict(heads)["To"]
        kind = "Content-Type: application/sdp\r\n" if body else ""
        text = f"SIP/2.0 {status}\r\n{keep}To: {to}\r\nContact: <sip:far@{self.host}:5060>\r\n{kind}Content-Length: {len(body)}\r\n\r\n{body}"
        self.sip.sendto(text.encode(), self.box)

    def dial(self, number):
        call_id = f"{os.getpid()}-{self.host}-{time.monotonic_ns()}"
        leg = Leg(self, call_id, f"<sip:phone@{self.host}>;tag=far", f"<sip:{number}@{self.box[0]}>", f"sip:{number}@{self.box[0]}")
        self.legs[call_id] = leg
        self.request(leg, "INVITE", self.sdp(), 1)
        return leg

    def bye(self, leg):
        if leg and self.legs.pop(leg.call_id, None):
            self.request(leg, "BYE")
            leg.up = False

    def receive(self, data):
        head, _, body = data.decode("latin-1").partition("\r\n\r\n")
        first, *lines = head.split("\r\n")
        heads = [tuple(l.split(": ", 1)) for l in lines if ": " in l]
        of = dict(heads)
        call_id, method = of.get("Call-ID"), of.get("CSeq", " ").split()[-1]
        leg = self.legs.get(call_id)
        if first.startswith("SIP/2.0"):
            if leg and method == "INVITE" and first[8] == "2":
                leg.theirs, leg.up = of["To"], True
                leg.target = of["Contact"].split("<")[-1].split(">")[0]
                leg.media(body)
                self.request(leg, "ACK", cseq=int(of["CSeq"].split()[0]))
                self.on("answered", leg)
            elif leg and method == "INVITE" and first[8] > "2":
                self.request(leg, "ACK", cseq=int(of["CSeq"].split()[0]))
                self.legs.pop(call_id)
                self.on("failed " + first, leg)
            return
        if method == "INVITE" and leg:
            leg.media(body)
            self.reply(heads, "200 OK", leg, self.sdp())
        elif method == "INVITE":
            leg = Leg(self, call_id, of["To"] + ";tag=far", of["From"], of["Contact"].split("<")[-1].split(">")[0])
            leg.invite = heads
            leg.media(body)
            self.legs[call_id] = leg
            self.on("invited", leg)
        elif method == "CANCEL" and leg:
            self.reply(heads, "200 OK", leg)
            self.reply(leg.invite, "487 Request Terminated", leg)
            self.legs.pop(call_id)
            self.on("cancelled", leg)
        elif method == "BYE":
            self.reply(heads, "200 OK", leg)
            if self.legs.pop(call_id, None):
                leg.up = False
                self.on("ended", leg)
        elif method != "ACK":
            self.reply(heads, "200 OK", leg)

    def answer(self, leg):
        leg.up = True
        self.reply(leg.invite, "200 OK", leg, self.sdp())


class Call:
    """What the far end plays, read before anything begins: reading takes longer than a frame."""

    def __init__(self, path):
        self.path, self.truth = path, json.load(open(path[:-3] + "json"))
        x = sf.read(path, dtype="int16")[0]
        self.sound = ulaw(x[: len(x) // 160 * 160]).reshape(-1, 160)
        spoken = [s for s in self.truth["segments"] if s[2] == "agent"]
        self.agent = [(int(s[0] * 50), int(s[1] * 50)) for s in spoken]
        # His first pause of 0.4 s, or his end: from then on he waits for a word.
        self.pause = None
        if self.agent:
            a, b = self.agent[0]
            e = np.array([dbm0(f.tobytes()) for f in self.sound[a:b]])
            still = e < e.max() - 30
            runs = [k for k in range(5, len(still) - 20) if still[k : k + 20].all()]
            self.pause = a + (runs[0] if runs else b - a)


class Slot:
    """A box, its phone and its provider, one call after the other."""

    def __init__(self, program, n, folder):
        self.host = lambda k: f"127.{64 + os.getpid() % 60}.{n}.{k}"
        self.phone = Side(self.host(3), (self.host(1), 5060), self.at_phone)
        self.trunk = Side(self.host(2), (self.host(1), 5060), self.at_trunk)
        config = f"{folder}/box{n}.toml"
        open(config, "w").write(
            f'[sip]\nlisten = "{self.host(1)}:5060"\n[web]\nlisten = "{self.host(1)}:8080"\n[media]\ncalls = 4\n[log]\nlevel = "warn"\n'
            f'[[trunk]]\nname = "trunk"\naddress = "{self.host(2)}:5060"\n[[phone]]\nname = "phone"\naddress = "{self.host(3)}:5060"\n')
        os.chmod(config, 0o600)
        self.box = subprocess.Popen([program, "run", "--config", config, "--data", f"{folder}/data{n}"], stdout=subprocess.DEVNULL, stderr=open(f"{folder}/log{n}", "w"))
        self.call = None

    def start(self, call):
        self.path, self.sound, self.agent, self.pause = call.path, call.sound, call.agent, call.pause
        self.ring = self.picked = None
        self.n, self.stop, self.second, self.voice = 0, None, None, None
        self.out = {"call": call.path, "hours": 0.0, "false": [], "ring": None, "voice": None, "agent": bool(self.agent), "ended": None}
        self.call = self.phone.dial("18005550123")
        self.line = None
        self.begun = time.monotonic()

    def log(self, what, **more):
        self.out.setdefault("story", []).append({"t": round((self.n - LEAD / FRAME) * FRAME, 2), "what": what, **more})

    def at_trunk(self, what, leg):
        if what == "invited":
            self.line, self.n = leg, 0
            self.trunk.answer(leg)
        elif what == "ended":
            self.log("the box hung up")
            self.over("box hung up")

    def here(self):
        """Frames into the file."""
        return self.n - int(LEAD / FRAME)

    def at_phone(self, what, leg):
        if what.startswith("failed"):
            self.over(what)
        elif what == "invited":
            self.phone.reply(leg.invite, "180 Ringing", leg)
            self.ring = (leg, self.n)
            real = self.agent and self.here() >= self.agent[0][0]
            self.log("ring", real=bool(real))
            if real and self.out["ring"] is None:
                self.out["ring"] = (self.here() - self.agent[0][0]) * FRAME
            elif not real:
                self.out["false"].append(self.here() * FRAME)
        elif what == "cancelled" and self.ring and self.ring[0] is leg:
            self.log("stops ringing")
            self.ring = None
        elif what == "ended" and self.picked and self.picked[0] is leg:
            self.picked = None

    def heard(self, payload):
        """What the box says to the far end."""
        if self.here() < 0 or dbm0(payload) < VOICE_DBM0:
            return
        if self.voice is None or self.n - self.voice > 75:
            self.log("box speaks")
            if self.agent and self.here() >= self.agent[0][0] and self.out["voice"] is None:
                self.out["voice"] = (self.here() - self.pause) * FRAME
        self.voice = self.n

    def next_frame(self):
        """The far end's next 20 ms, and whether the call goes on."""
        n = self.here()
        if n < 0 or self.agent and n >= self.agent[0][0] + PATIENCE / FRAME:
            return self.quiet(), n < 0
        if not self.agent or n < self.agent[0][0]:
            return (self.sound[n], True) if n < len(self.sound) else (self.quiet(), False)
        first, second = self.agent[0], self.agent[1]
        if self.second is not None:
            k = second[0] + self.n - self.second
            return (self.sound[k] if k < second[1] else self.quiet()), True
        speaking = self.voice is not None and self.n - self.voice < 25
        if speaking and self.stop is None:
            self.stop = self.n + 25
        if self.stop is None and n < second[0]:
            return self.sound[n], True
        if self.stop is None or not speaking and self.n >= self.stop:
            self.second = self.n
        return (self.sound[n] if n < first[1] and (self.stop is None or self.n < self.stop) else self.quiet()), True

    def quiet(self):
        return np.full(160, 0xFF, np.uint8)

    def tick(self):
        """20 ms more. False when the call is over."""
        if self.call is None:
            return False
        if self.line is None:
            if time.monotonic() - self.begun > 10:
                self.over("never placed")
            return self.call is not None
        frame, on = self.next_frame()
        self.line.frame(frame.tobytes())
        if self.call.up:
            self.call.frame(self.quiet().tobytes())
            if self.n == 25:
                self.call.press("**")
            if self.n == 125:
                self.phone.bye(self.call)
        if self.ring and self.n - self.ring[1] > (50 if self.out["ring"] is not None else WALK / FRAME):
            self.phone.answer(self.ring[0])
            self.picked, self.ring = (self.ring[0], self.n), None
        if self.picked and self.picked[0].up:
            leg, since = self.picked
            leg.frame(self.quiet().tobytes())
            if self.n - since == 50 and self.out["ring"] is None:
                leg.press("**")
            if self.n - since == 150:
                if self.out["ring"] is not None:
                    self.over("joined")
                    return False
                self.phone.bye(leg)
                self.picked = None
        self.n += 1
        if not on:
            # Whoever hears the agent arrive has not lost him.
            if self.agent and self.picked:
                self.out["ring"] = 0.0
            self.over("far end hung up")
        return self.call is not None

    def over(self, how):
        if self.call is None:
            return
        at = max(0, min(self.here(), self.agent[0][0] if self.agent else 1 << 40))
        self.out |= {"hours": at * FRAME / 3600, "ended": how}
        json.dump(self.out, open(self.path[:-3] + "live", "w"))
        for side in (self.trunk, self.phone):
            for leg in list(side.legs.values()):
                if leg.invite and not leg.up:
                    side.reply(leg.invite, "480 Temporarily Unavailable", leg)
                    side.legs.pop(leg.call_id)
                else:
                    side.bye(leg)
        self.call = self.ring = self.picked = None


def figures(folder):
    calls = [json.load(open(p)) for p in sorted(glob.glob(folder + "/*.live"))]
    hours, agents = sum(c["hours"] for c in calls), [c for c in calls if c["agent"]]
    rings = [c["ring"] for c in agents if c["ring"] is not None]
    voices = [c["voice"] for c in agents if c["voice"] is not None]
    false = sum(len(c["false"]) for c in calls)
    p = lambda v: f"{np.percentile(v, 50):.1f} / {np.percentile(v, 90):.1f} s" if v else "-"
    print(f"{len(calls)} calls, {hours:.2f} h of hold, {len(agents)} agents; ended:", {h: sum(c["ended"] == h for c in calls) for h in {c["ended"] for c in calls}})
    print("| agents lost | ring after his first sound, p50 / p90 | within 6 s | our voice after his first pause, p50 / p90 | within 1.2 s | false rings per hour | calls with one |\n|---|---|---|---|---|---|---|")
    print(f"| {len(agents) - len(rings)} of {len(agents)} | {p(rings)} | {np.mean(np.array(rings) <= 6):.0%} | {p(voices)} | {sum(v <= 1.2 for v in voices) / max(1, len(agents)):.0%} | "
          f"{false / hours:.2f} | {np.mean([bool(c['false']) for c in calls]):.0%} |")
    for c in agents:
        if c["ring"] is None or c["ring"] > 6:
            print("  late or lost:", c["call"][-8:-4], c["ring"], [f"{s['t']:.1f} {s['what']}" for s in c.get("story", [])][-6:])


def main(program, folder, at_once):
    calls = [Call(path) for path in sorted(glob.glob(folder + "/*.wav"))]
    with tempfile.TemporaryDirectory() as place:
        slots = [Slot(program, n, place) for n in range(min(at_once, len(calls)))]
        try:
            play(slots, calls)
        finally:
            for slot in slots:
                slot.box.send_signal(signal.SIGTERM)
            for slot in slots:
                slot.box.wait(20)
    figures(folder)


def play(slots, calls):
    time.sleep(5)
    watch = selectors.DefaultSelector()
    for slot in slots:
        for side in (slot.phone, slot.trunk):
            watch.register(side.sip, selectors.EVENT_READ, side.receive)
            heard = slot.heard if side is slot.trunk else None
            watch.register(side.rtp, selectors.EVENT_READ, lambda data, heard=heard: heard and data[1] & 127 == 0 and heard(data[12:]))
    # One begins after the other, so that their packets are spread over the 20 ms.
    due, late, free = [time.monotonic() + k * FRAME / len(slots) for k in range(len(slots))], 0.0, [0.0] * len(slots)
    begin = 0.0
    busy = True
    while busy:
        busy = False
        for k, slot in enumerate(slots):
            while due[k] <= time.monotonic():
                late = max(late, time.monotonic() - due[k])
                due[k] += FRAME
                if slot.tick():
                    free[k] = time.monotonic() + 3
                elif calls and time.monotonic() > max(free[k], begin):
                    begin = time.monotonic() + 0.3
                    slot.start(calls.pop(0))
                    print(f"{len(calls)} calls to go", file=sys.stderr)
            busy |= slot.call is not None or bool(calls)
        for key, _ in watch.select(max(0, min(due) - time.monotonic())):
            for _ in range(20):
                try:
                    key.data(key.fileobj.recv(4096))
                except BlockingIOError:
                    break
    print(f"the harness itself was late by {late * 1000:.0f} ms at most", file=sys.stderr)


if __name__ == "__main__":
    if len(sys.argv) == 2:
        figures(sys.argv[1])
    else:
        main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 12)
