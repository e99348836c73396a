"""Compose sound with known truth from the pool: training scenes, or whole calls.

    python compose.py scenes POOL OUT COUNT SEED train|test
    python compose.py calls  POOL OUT COUNT SEED dev|report

Part "all" takes both halves, for the weights that ship. Each NAME.wav has a NAME.json: {"segments": [[from_s, to_s, class, source], ...], "agent_at": s or null}.
Sources and voices are split, never clips. Seeded: the same arguments give the same files.
"""
import glob, json, os, subprocess, sys
import numpy as np
import soundfile as sf
from scipy.signal import fftconvolve

kind, pool, out, count, seed, part = sys.argv[1:7]
rng = np.random.default_rng(int(seed))
FS = 8000

DEV = {
    "music": ["supertux", "singularity", "moh-macroform", "freedroid", "openmsx", "naev"],
    "announcement": ["asterisk-en", "asterisk-fr", "polly-hans", "flite-awb", "flite-slt", "espeak-en-us-m3", "espeak-en-gb-f2"],
    "live": ["librispeech-even", "picovoice-intents", "flite-awb", "espeak-en-gb-f2"],
    "sung": ["picovoice-intents"],
}
REPORT = {
    "music": ["colobot", "xmoto", "extremetuxracer", "moh-manolo_camp", "moh-reno_project", "warzone", "fretsonfire"],
    "announcement": ["asterisk-es", "asterisk-it", "asterisk-ru", "polly-matthew", "flite-rms", "flite-kal", "espeak-en-m7", "piper-joe"],
    "live": ["librispeech-odd", "picovoice-phrases", "fillets", "flite-rms"],
    "sung": ["librispeech-odd"],
}
BOTH = {k: DEV[k] + REPORT[k] for k in DEV}
SPLIT = BOTH if part == "all" else DEV if part in ("train", "dev") else REPORT
FILES = {k: {s: sorted(glob.glob(f"{pool}/{k}/{s}/*.wav")) for s in v} for k, v in SPLIT.items()}
FILES = {k: {s: f for s, f in v.items() if f} for k, v in FILES.items()}


def pick(seq):
    return seq[int(rng.integers(len(seq)))]


def load(path):
    x, fs = sf.read(path, dtype="float32")
    assert fs == FS, path
    return x


def trim(x):
    """Cut what is silent at both ends, so that truth begins with the sound."""
    n = len(x) // 160
    if n < 5:
        return x
    e = np.sqrt((x[: n * 160].reshape(n, 160) ** 2).mean(1))
    on = np.where(e > max(e.max() * 0.03, 1e-4))[0]
    return x[on[0] * 160 : (on[-1] + 1) * 160] if len(on) else x


def level(x, dbm0):
    """Active level: the mean power of the loud half."""
    n = max(1, len(x) // 160)
    e = (x[: n * 160].reshape(-1, 160) ** 2).mean(1) if len(x) >= 160 else np.array([np.mean(x**2)])
    act = np.sort(e)[len(e) // 2 :].mean() + 1e-12
    return x * np.sqrt(10 ** ((dbm0 - 3.14) / 10) / 2 / act)


def music(seconds):
    s = pick(list(FILES["music"]))
    x = load(pick(FILES["music"][s]))
    n = int(round(seconds * FS))
    if len(x) < n:
        x = np.tile(x, int(np.ceil(n / len(x))))
    at = int(rng.integers(max(1, len(x) - n)))
    return x[at : at + n], s


def hall(x):
    """The studio's echo on a singer, or a room's on a speaker."""
    n = int(rng.uniform(0.1, 0.6) * FS)
    tail = rng.standard_normal(n) * np.exp(-6.9 * np.arange(n) / n)
    tail /= np.sqrt((tail**2).sum())
    wet = fftconvolve(x, tail)[: len(x)]
    return (x + rng.uniform(0.1, 0.6) * wet).astype("float32")


def sung(seconds):
    """One voice or a choir sings, with rests, over music that is seldom louder."""
    base, s = music(seconds)
    y = np.zeros_like(base)
    for _ in range(int(rng.choice([1, 1, 2, 3]))):
        at = int(rng.uniform(0, 1.5) * FS)
        while at < len(y):
            v = level(load(pick(FILES["sung"][pick(list(FILES["sung"]))])), -15)
            # Another key and another singer: a little faster or slower.
            v = np.interp(np.arange(0, len(v), rng.uniform(0.82, 1.2)), np.arange(len(v)), v)[: len(y) - at]
            y[at : at + len(v)] += v
            at += len(v) + int(rng.uniform(0.0, 1.5) * FS)
    if rng.random() < 0.7:
        y = hall(y)
    return level(base, -15 - rng.uniform(-5, 10)) + level(y, -15), s + "+sung"


def live(speaker=None, longest=6.5):
    """One utterance; speaker is (source, prefix) to keep the voice."""
    for _ in range(50):
        s = speaker[0] if speaker else pick(list(FILES["live"]))
        files = FILES["live"][s]
        if speaker and speaker[1]:
            files = [f for f in files if os.path.basename(f).startswith(speaker[1])] or files
        f = pick(files)
        x = trim(load(f))
        if len(x) > longest * FS:
            # A greeting is short: cut long read sentences at their softest place.
            n = int(rng.uniform(1.5, longest) * FS)
            lo = max(FS, n - FS)
            e = np.convolve(x[lo : n + FS] ** 2, np.ones(800) / 800, "same")
            x = trim(x[: lo + int(e.argmin())])
        if len(x) > 0.35 * FS:
            prefix = os.path.basename(f).split("-")[0] if s.startswith("libri") else ""
            return x, s, (s, prefix)
    return x, s, (s, "")


def announcement(voice=None, shortest=2.5):
    s = voice or pick(list(FILES["announcement"]))
    parts, total = [], 0
    while total < shortest * FS:
        x = trim(load(pick(FILES["announcement"][s])))
        if len(x) > 9 * FS and rng.random() < 0.8:
            continue
        parts += [x, np.zeros(int(rng.uniform(0.15, 0.6) * FS), "float32")]
        total += len(x)
        if rng.random() < 0.3:
            shortest += 2.5
    return np.concatenate(parts[:-1]), s


def tone(freqs, pattern, cycles):
    y = []
    for on, off in pattern * cycles:
        t = np.arange(int(on * FS)) / FS
        y += [sum(np.sin(2 * np.pi * f * t) for f in freqs) / len(freqs), np.zeros(int(off * FS))]
    return level(np.concatenate(y).astype("float32"), rng.uniform(-22, -8))


RING = [([440, 480], [(2, 4)]), ([400, 450], [(0.4, 0.2), (0.4, 2)]), ([425], [(1, 4)]), ([440], [(1.5, 3.5)])]


def noise(seconds, dbm0):
    n = int(round(seconds * FS))
    w = rng.standard_normal(n).astype("float32")
    if rng.random() < 0.5:
        w = np.convolve(w, np.ones(4) / 4, "same").astype("float32")
    return level(w, dbm0) if n > 200 else w * 0


# By sox, as it names them; by ffmpeg: name, encoder, container, its options, sample rate.
CODECS = [["ul"], ["al"], ["ul", "gsm"], ["gsm", "al"], ["amr-nb"], ["ul", "amr-nb"], ["al", "ul"], ["g722"], ["g726", "al"], ["opus"], ["opus", "ul"], ["speex", "ul"]]
FFMPEG = {
    "g722": ("g722", "g722", [], 16000),
    "g726": ("g726", "wav", ["-b:a", "32k"], 8000),
    "opus": ("libopus", "ogg", ["-b:a", "12k", "-application", "voip"], 8000),
    "speex": ("libspeex", "ogg", ["-b:a", "11k"], 8000),
}


def through(pcm, codec):
    def run(*cmd, data):
        return subprocess.run(cmd, input=data, capture_output=True, check=True).stdout

    if codec in FFMPEG:
        encoder, container, options, rate = FFMPEG[codec]
        ff = ["ffmpeg", "-v", "error"]
        raw = ["-f", "s16le", "-ar", "8000", "-ac", "1"]
        coded = run(*ff, *raw, "-i", "-", "-ar", str(rate), "-c:a", encoder, *options, "-f", container, "-", data=pcm)
        shape = ["-f", "g722"] if codec == "g722" else []
        return run(*ff, *shape, "-i", "-", *raw, "-", data=coded)
    raw = ["-t", "raw", "-r", "8000", "-c", "1", "-b", "16", "-e", "signed", "-"]
    coded = run("sox", "-D", *raw, "-t", codec, "-", data=pcm)
    return run("sox", "-D", "-t", codec, "-r", "8000", "-c", "1", "-", *raw, data=coded)


def channel(x):
    """The line, the same for every class: a slope of the spectrum, noise, a codec chain, lost packets. And its name."""
    if rng.random() < 0.5:
        a = rng.uniform(-0.35, 0.35)
        x = np.concatenate([x[:1], x[1:] + a * x[:-1]])
    floor = pick([None, None, -70, -62, -55, -50, -46])
    if floor:
        x = x + noise(len(x) / FS + 0.01, floor)[: len(x)]
    x = np.clip(x, -0.99, 0.99)
    codecs = pick(CODECS)
    for codec in codecs:
        y = np.frombuffer(through((x * 32767).astype("<i2").tobytes(), codec), "<i2").astype("float32") / 32768
        x = np.concatenate([y, np.zeros(max(0, len(x) - len(y)), "float32")])[: len(x)]
    if rng.random() < 0.3:
        x = x.copy()
        for at in np.where(rng.random(len(x) // 160) < rng.choice([0.003, 0.01, 0.02]))[0]:
            x[at * 160 : at * 160 + 160] = 0
    return x, "+".join(codecs)


class Scene:
    def __init__(self):
        self.parts, self.segments, self.n = [], [], 0

    def add(self, x, name, source="-"):
        self.segments.append([self.n / FS, (self.n + len(x)) / FS, name, source])
        self.parts.append(x.astype("float32"))
        self.n += len(x)

    def write(self, path, **more):
        y, line = channel(np.concatenate(self.parts))
        sf.write(path + ".wav", y, FS, subtype="PCM_16")
        json.dump({"segments": self.segments, "channel": line, **more}, open(path + ".json", "w"))


def over_music(x):
    base, s = music(len(x) / FS)
    return level(x, -16) + level(base, -16 - rng.uniform(3, 13)), s


def coloured(n):
    """Noise of a room or a line: falling spectrum, hum, or the babble of other voices."""
    r = rng.random()
    if r < 0.2:
        t = np.arange(n) / FS
        hum = sum(rng.uniform(0, 1) * np.sin(2 * np.pi * pick([50, 60]) * k * t) for k in (2, 3, 4, 5, 6, 7, 8))
        return (hum + rng.standard_normal(n) * 0.2).astype("float32")
    if r < 0.4:
        y = np.zeros(n, "float32")
        for _ in range(int(rng.integers(4, 9))):
            v = level(trim(load(pick(FILES["live"][pick(list(FILES["live"]))]))), -20)
            v = np.tile(v, int(np.ceil(n / len(v))))[:n]
            y += np.roll(v, int(rng.integers(n)))
        return y
    w = np.fft.rfft(rng.standard_normal(n + 1))
    f = np.arange(len(w)) + 20.0
    return np.fft.irfft(w * f ** -rng.uniform(0, 1.2), n + 1)[:n].astype("float32")


def background(x, loud):
    """Half of all voices speak in a room that is heard, before and after them too."""
    if rng.random() < 0.45:
        return level(x, loud)
    x = np.concatenate([np.zeros(int(rng.uniform(0, 0.5) * FS), "float32"), x, np.zeros(int(rng.uniform(0, 0.5) * FS), "float32")])
    return level(x, loud) + level(coloured(len(x)), loud - rng.uniform(7, 32))


def scene(path):
    sc = Scene()
    while sc.n < 60 * FS:
        loud = rng.uniform(-34, -7)
        r = rng.random()
        if r < 0.22:
            x, s = music(rng.uniform(2, 12))
            sc.add(level(x, loud), "music", s)
        elif r < 0.42:
            x, s = sung(rng.uniform(3, 12))
            sc.add(level(x, loud), "vocals", s)
        elif r < 0.58:
            x, s = announcement()
            sc.add(background(x, loud), "speech", s)
        elif r < 0.82:
            x, s, _ = live(longest=9)
            sc.add(background(hall(x) if rng.random() < 0.25 else x, loud), "speech", s)
        elif r < 0.91:
            x, s = announcement() if rng.random() < 0.6 else live(longest=9)[:2]
            y, m = over_music(x)
            sc.add(level(y, loud), "over", s + "+" + m)
        else:
            n = rng.uniform(1, 5)
            x = noise(n, 0) if rng.random() < 0.5 else coloured(int(n * FS))
            sc.add(level(x, rng.uniform(-52, -26)), "noise")
        if rng.random() < 0.6:
            sc.add(np.zeros(int(rng.uniform(0.05, 1.5) * FS)), "silence")
    sc.write(path)


def call(path):
    sc = Scene()
    loud_a, loud_m, loud_l = rng.uniform(-24, -10), rng.uniform(-28, -12), rng.uniform(-28, -10)
    freqs, pattern = pick(RING)
    sc.add(tone(freqs, pattern, int(rng.integers(1, 3))), "ringback")
    voice = pick(list(FILES["announcement"]))
    queue = rng.choice(["music", "music", "music", "vocals", "silence", "ringing"], p=[0.25, 0.2, 0.15, 0.15, 0.15, 0.1])
    x, s = announcement(voice, 4)
    sc.add(level(x, loud_a), "announcement", s)
    sc.add(np.zeros(int(rng.uniform(0.3, 1.5) * FS)), "silence")
    said = []
    n = int(rng.integers(3, 10))

    def wait(seconds):
        if queue == "music":
            x, s = music(seconds)
            sc.add(level(x, loud_m), "music", s)
        elif queue == "vocals":
            x, s = sung(seconds)
            sc.add(level(x, loud_m), "music", s)
        elif queue == "silence":
            sc.add(np.zeros(int(seconds * FS)), "silence")
        else:
            sc.add(tone(freqs, pattern, max(1, int(seconds / sum(map(sum, pattern))))), "ringback")

    for i in range(n):
        wait(rng.uniform(20, 45) if i else rng.uniform(8, 30))
        repeated = len(said) > 0 and rng.random() < 0.5
        if repeated:
            x, s = pick(said)
        else:
            x, s = announcement(voice if rng.random() < 0.8 else None)
            said.append((x, s))
        sc.add(np.zeros(int(rng.choice([rng.uniform(0, 0.5), rng.uniform(0, 1.2)]) * FS)), "silence")
        label = "repeat" if repeated else "announcement"
        if queue in ("music", "vocals") and rng.random() < 0.12:
            y, m = over_music(x)
            sc.add(level(y, loud_a), label, s + "+" + m)
        else:
            sc.add(level(x, loud_a), label, s)
        last = i == n - 1
        if not (last and rng.random() < 0.4):
            # Most systems go back to the music at once; some take a breath.
            sc.add(np.zeros(int(rng.choice([rng.uniform(0.05, 0.6), rng.uniform(0.05, 1.2)], p=[0.75, 0.25]) * FS)), "silence")
            if last:
                wait(rng.uniform(3, 25))
    agent_at = None
    if rng.random() < 0.8:
        r = rng.random()
        if r < 0.25:
            sc.add(tone(freqs, pattern, 1)[: int(rng.uniform(2, 5) * FS)], "ringback")
        sc.add(np.zeros(int(rng.uniform(0.1, 1.2) * FS)), "silence")
        agent_at = sc.n / FS
        heard = {seg[3].split("+")[0] for seg in sc.segments}
        s = pick([v for v in FILES["live"] if v not in heard])
        x, s, who = live((s, ""), longest=6.5 if rng.random() < 0.8 else 9)
        if rng.random() < 0.15:
            # Just "Hello?": the first word or two.
            n = int(rng.uniform(0.5, 1.2) * FS)
            if len(x) > n + FS // 2:
                x = trim(x[: n + int(np.convolve(x[n : n + FS // 2] ** 2, np.ones(400) / 400, "same").argmin())])
        sc.add(level(x, loud_l), "agent", s)
        sc.add(np.zeros(int(rng.uniform(2.0, 4.0) * FS)), "silence")
        x, s, _ = live(who, 4)
        sc.add(level(x, loud_l), "agent", s)
        sc.add(np.zeros(int(6 * FS)), "silence")
    sc.write(path, agent_at=agent_at, queue=str(queue), agent_source=s if agent_at else None)


os.makedirs(out, exist_ok=True)
for i in range(int(count)):
    (scene if kind == "scenes" else call)(f"{out}/{i:04d}")
