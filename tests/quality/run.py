"""What is left of speech on a bad network, ours beside PJMEDIA: the same packets at the same times through both, judged by
PESQ (ITU-T P.862, narrow band; 4.5 is untouched). Needs pjsua2-python, pesq and numpy; `make quality` installs them.

Ours runs in virtual time (tests/quality/main.rs), PJMEDIA in real time as a pjsua2 phone that calls this program: on a busy
machine its figures get worse, so the table says how late our packets to it left."""
import multiprocessing
import os
import random
import re
import socket
import subprocess
import sys
import threading
import time

import numpy
import pjsua2 as pj
from pesq import pesq

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.join(HERE, "..", "..")
SECONDS, SEEDS, FRAME = 32, 3, 160


def decode(octets):
    """G.711 mu-law to linear."""
    v = ~numpy.frombuffer(octets, numpy.uint8).astype(numpy.int32) & 0xFF
    t = (((v & 15) << 3) + 132) << ((v & 0x70) >> 4)
    return numpy.where(v & 0x80, 132 - t, t - 132).astype(numpy.int16)


def speech():
    """People and voices of the tests, half a minute."""
    folder = os.path.join(ROOT, "tests", "listen", "sound")
    names = sorted(n for n in os.listdir(folder) if n.startswith("agent-"))
    octets = b"".join(open(os.path.join(folder, n), "rb").read() for n in names)
    return octets[:SECONDS * 8000 // FRAME * FRAME]


def random_loss(share):
    def trace(dice, n):
        return [(i * 20_000, i) for i in range(n) if dice.random() >= share]
    return trace


def burst_loss(share, length):
    """Two states (Gilbert): bursts of this mean length."""
    def trace(dice, n):
        lost, out = False, []
        for i in range(n):
            lost = dice.random() >= 1 / length if lost else dice.random() < share / (1 - share) / length
            if not lost:
                out.append((i * 20_000, i))
        return out
    return trace


def jitter(most_ms):
    def trace(dice, n):
        return sorted((i * 20_000 + int(dice.random() * most_ms * 1000), i) for i in range(n))
    return trace


CONDITIONS = [
    ("nothing lost", random_loss(0)),
    ("1 % lost", random_loss(0.01)),
    ("3 % lost", random_loss(0.03)),
    ("10 % lost", random_loss(0.1)),
    ("3 % in bursts of 3", burst_loss(0.03, 3)),
    ("10 % in bursts of 3", burst_loss(0.1, 3)),
    ("60 ms jitter", jitter(60)),
]


class Call(pj.Call):
    recorder = None

    def onCallMediaState(self, _):
        if self.recorder is None:
            self.recorder = pj.AudioMediaRecorder()
            self.recorder.createRecorder(self.file)
            self.getAudioMedia(0).startTransmit(self.recorder)


class Callee:
    """Answers INVITEs, each with an RTP socket of its own."""

    def __init__(self):
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.sip.bind(("127.0.0.1", 0))
        self.calls = {}
        threading.Thread(target=self.run, daemon=True).start()

    def run(self):
        while True:
            text, whence = self.sip.recvfrom(65536)
            text = text.decode(errors="replace")
            head = dict(re.findall(r"^([\w-]+): *(.*?)\r$", text, re.M))
            method = text.split(" ", 1)[0]
            if method in ("ACK", "SIP/2.0"):
                continue
            body = ""
            if method == "INVITE":
                name = re.match(r"INVITE sip:(\w+)@", text)[1]
                if name not in self.calls:
                    rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
                    rtp.bind(("127.0.0.1", 0))
                    self.calls[name] = (rtp, ("127.0.0.1", int(re.search(r"m=audio (\d+)", text)[1])))
                port = self.calls[name][0].getsockname()[1]
                body = ("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                        "m=audio %d RTP/AVP 0\r\na=ptime:20\r\n" % port)
            vias = "".join("Via: %s\r\n" % v for v in re.findall(r"^Via: *(.*?)\r$", text, re.M))
            to = head["To"] if "tag=" in head["To"] else head["To"] + ";tag=x"
            contact = "Contact: <sip:x@127.0.0.1:%d>\r\n" % self.sip.getsockname()[1]
            if body:
                contact += "Content-Type: application/sdp\r\n"
            answer = "SIP/2.0 200 OK\r\n%sFrom: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %s\r\n%sContent-Length: %d\r\n\r\n%s" % (
                vias, head["From"], to, head["Call-ID"], head["CSeq"], contact, len(body), body)
            self.sip.sendto(answer.encode(), whence)


def through_pjmedia(folder, octets, traces):
    """All traces at once, in as many phones as it takes: each has four calls at most. Returns how late packets left,
    milliseconds at the 99th percentile."""
    forked, names, told, phones = multiprocessing.get_context("fork"), sorted(traces), [], []
    for at in range(0, len(names), 4):
        ours, theirs = forked.Pipe(False)
        part = {name: traces[name] for name in names[at:at + 4]}
        phones.append(forked.Process(target=phone, args=(folder, octets, part, theirs)))
        told.append(ours)
        phones[-1].start()
    late = [lateness for pipe in told for lateness in pipe.recv()]
    return float(numpy.percentile(late, 99)) * 1e3


def phone(folder, octets, traces, tell):
    endpoint = pj.Endpoint()
    endpoint.libCreate()
    config = pj.EpConfig()
    config.logConfig.level = config.logConfig.consoleLevel = 0
    config.uaConfig.threadCnt = 1
    config.uaConfig.maxCalls = 4
    config.medConfig.noVad, config.medConfig.ecTailLen = True, 0
    config.medConfig.clockRate = config.medConfig.sndClockRate = 8000
    endpoint.libInit(config)
    transport = pj.TransportConfig()
    transport.boundAddress = "127.0.0.1"
    endpoint.transportCreate(pj.PJSIP_TRANSPORT_UDP, transport)
    endpoint.libStart()
    endpoint.audDevManager().setNullDev()
    for codec in endpoint.codecEnum2():
        endpoint.codecSetPriority(codec.codecId, 255 if codec.codecId.startswith("PCMU") else 0)
    account, settings = pj.Account(), pj.AccountConfig()
    settings.idUri = "sip:phone@127.0.0.1"
    settings.mediaConfig.transportConfig.boundAddress = "127.0.0.1"
    settings.mediaConfig.transportConfig.port = 0
    account.create(settings)
    callee, calls = Callee(), []
    for name in traces:
        call = Call(account)
        call.file = os.path.join(folder, name + ".wav")
        calls.append(call)
        call.makeCall("sip:%s@127.0.0.1:%d" % (name, callee.sip.getsockname()[1]), pj.CallOpParam(True))
    deadline = time.time() + 20
    while any(call.recorder is None for call in calls):
        assert time.time() < deadline, "the calls do not come up"
        time.sleep(0.1)
    time.sleep(1)
    plan = sorted((at, name, n) for name, trace in traces.items() for at, n in trace)
    late, start = [], time.perf_counter()
    for at, name, n in plan:
        wait = start + at / 1e6 - time.perf_counter()
        if wait > 0:
            time.sleep(wait)
        late.append(time.perf_counter() - start - at / 1e6)
        rtp, to = callee.calls[name]
        head = bytes([0x80, 0x80 if n == 0 else 0]) + n.to_bytes(2, "big") + (n * FRAME).to_bytes(4, "big") + b"\0\0\0\7"
        rtp.sendto(head + octets[n * FRAME:(n + 1) * FRAME], to)
    time.sleep(0.5)
    tell.send(late)
    # The library's own end takes long.
    os._exit(0)


def score(reference, heard):
    return pesq(8000, reference, heard, "nb")


def main():
    folder = os.path.join(ROOT, "target", "quality")
    os.makedirs(folder, exist_ok=True)
    for old in os.listdir(folder):
        os.remove(os.path.join(folder, old))
    octets = speech()
    with open(os.path.join(folder, "speech.ul"), "wb") as file:
        file.write(octets)
    traces = {}
    for row, (_, make) in enumerate(CONDITIONS):
        for seed in range(SEEDS):
            name = "c%ds%d" % (row, seed)
            traces[name] = make(random.Random(seed * 100 + row), len(octets) // FRAME)
            with open(os.path.join(folder, name + ".trace"), "w") as file:
                file.writelines("%d %d\n" % packet for packet in traces[name])
    subprocess.run(["cargo", "test", "--locked", "--quiet", "--test", "quality", "--", "--ignored"], cwd=ROOT, check=True,
                   env={**os.environ, "HOLD_SLAYER_QUALITY": folder}, stdout=subprocess.DEVNULL)
    late = through_pjmedia(folder, octets, traces)
    reference = decode(octets)
    print("PESQ (narrow band) of %d s of speech, mean of %d runs; packets to PJMEDIA left at most %.1f ms late (p99)" % (
        len(octets) / 8000, SEEDS, late))
    print("| packets | ours | PJMEDIA |\n|---|---|---|")
    for row, (words, _) in enumerate(CONDITIONS):
        ours, theirs = [], []
        for seed in range(SEEDS):
            name = os.path.join(folder, "c%ds%d" % (row, seed))
            ours.append(score(reference, numpy.fromfile(name + ".ours", numpy.int16)))
            # Its header is written with the library's end, for which nobody waits.
            theirs.append(score(reference, numpy.fromfile(name + ".wav", numpy.int16, offset=44)))
        print("| %s | %.2f | %.2f |" % (words, numpy.mean(ours), numpy.mean(theirs)))
    sys.stdout.flush()


main()
