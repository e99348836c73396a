"""Second hearings for the memory: what is learnt, and how it comes back.

    python repeat.py CORPUS OUT SEED

OUT/first holds announcements as they are heard first, OUT/again-KIND each of them once more, changed as KIND says,
OUT/new others of the same voices, OUT/live people. `cargo test --test listen repeat::recall -- --ignored --exact --nocapture` with
REPEAT_DIR=OUT measures. Seeded: the same arguments give the same files.
"""
import glob, os, subprocess, sys
import numpy as np
import soundfile as sf

corpus, out, seed = sys.argv[1:4]
rng = np.random.default_rng(int(seed))
FS, COUNT = 8000, 80
music = np.concatenate([np.frombuffer(subprocess.run(["sox", "-t", "ul", "-r", "8000", "-c", "1", f, "-t", "raw", "-b", "16", "-e", "signed", "-"],
    capture_output=True, check=True).stdout, "<i2") for f in sorted(glob.glob(os.path.join(os.path.dirname(__file__), "../tests/listen/sound/music-*.ul")))]) / 32768.0


def load(path):
    x = sf.read(path, dtype="float64")[0]
    n = len(x) // 160
    e = np.sqrt((x[: n * 160].reshape(n, 160) ** 2).mean(1))
    on = np.where(e > max(e.max() * 0.03, 1e-4))[0]
    return x[on[0] * 160 : (on[-1] + 1) * 160]


def level(x, dbm0):
    e = (x[: len(x) // 160 * 160].reshape(-1, 160) ** 2).mean(1)
    return x * np.sqrt(10 ** ((dbm0 - 3.14) / 10) / 2 / (np.sort(e)[len(e) // 2 :].mean() + 1e-12))


def through(x, *codecs):
    for codec in codecs:
        pcm = (np.clip(x, -0.99, 0.99) * 32767).astype("<i2").tobytes()
        raw = ["-t", "raw", "-r", "8000", "-c", "1", "-b", "16", "-e", "signed", "-"]
        run = lambda *cmd, data: subprocess.run(cmd, input=data, capture_output=True, check=True).stdout
        if codec == "opus":
            ff = ["ffmpeg", "-v", "error"]
            s16 = ["-f", "s16le", "-ar", "8000", "-ac", "1"]
            coded = run(*ff, *s16, "-i", "-", "-c:a", "libopus", "-b:a", "12k", "-application", "voip", "-f", "ogg", "-", data=pcm)
            back = run(*ff, "-i", "-", *s16, "-", data=coded)
        else:
            back = run("sox", "-D", "-t", codec, "-r", "8000", "-c", "1", "-", *raw, data=run("sox", "-D", *raw, "-t", codec, "-", data=pcm))
        x = np.frombuffer(back, "<i2") / 32768.0
    return x


def lost(x, share):
    x = x.copy()
    for at in np.where(rng.random(len(x) // 160) < share)[0]:
        x[at * 160 : at * 160 + 160] = 0
    return x


def beneath(x, snr):
    at = int(rng.integers(len(music) - len(x) - 1))
    return x + level(music[at : at + len(x)], -18 - snr)


def hiss(x, snr):
    return x + level(rng.standard_normal(len(x)), -18 - snr)


def write(kind, n, x):
    os.makedirs(f"{out}/{kind}", exist_ok=True)
    # The grid of the frames falls elsewhere each time.
    lead = np.zeros(FS + int(rng.integers(160)))
    sf.write(f"{out}/{kind}/{n:03}.wav", np.concatenate([lead, x, np.zeros(FS * 3 // 2)]), FS, subtype="PCM_16")


AGAIN = {
    "ulaw": lambda x: through(level(x, -18), "ul"),
    "soft-ulaw": lambda x: through(level(x, -33), "ul"),
    "loud-alaw": lambda x: through(level(x, -9), "al"),
    "gsm": lambda x: through(level(x, -18), "ul", "gsm"),
    "amr": lambda x: through(level(x, -18), "ul", "amr-nb"),
    "amr-gsm": lambda x: through(level(x, -18), "amr-nb", "gsm"),
    "opus-12k": lambda x: through(level(x, -18), "opus", "ul"),
    "music-10dB": lambda x: through(beneath(level(x, -18), 10), "ul"),
    "music-5dB": lambda x: through(beneath(level(x, -18), 5), "ul"),
    "noise-15dB": lambda x: through(hiss(level(x, -18), 15), "al"),
    "loss-2%": lambda x: lost(through(level(x, -18), "ul"), 0.02),
    "loss-5%": lambda x: lost(through(level(x, -18), "ul"), 0.05),
    "gsm-music-10dB-loss-2%": lambda x: lost(through(beneath(level(x, -22), 10), "ul", "gsm"), 0.02),
    "slope-ulaw": lambda x: through(level(np.append(x[0], x[1:] - 0.5 * x[:-1]), -18), "ul"),
}

clips = {v: sorted(glob.glob(f"{corpus}/announcement/polly/{v}*.flac")) for v in ("Hans", "Matthew")}
clips = {v: [c for c in map(load, f) if len(c) > FS] for v, f in clips.items()}
for v in clips:
    rng.shuffle(clips[v])
n = 0
for n in range(COUNT):
    voice = ("Hans", "Matthew")[n % 2]
    parts = []
    while sum(map(len, parts)) < rng.uniform(2.5, 6) * FS:
        parts += [clips[voice].pop(), np.zeros(int(rng.uniform(0.1, 0.4) * FS))]
    x = np.concatenate(parts[:-1])
    write("first", n, through(level(x, -18), "ul"))
    for kind, change in AGAIN.items():
        write("again-" + kind, n, change(x))
    # A changed word in the middle: something else of the same voice, half a second or so, in place of what was there.
    cut, word = len(x) // 2, clips[voice][0][: int(rng.uniform(0.4, 0.8) * FS)]
    write("again-changed-word", n, through(level(np.concatenate([x[:cut], word, x[cut + 4000 :]]), -18), "gsm"))
for k, x in enumerate(x for v in clips for x in clips[v]):
    if len(x) > 1.5 * FS:
        write("new", k, through(level(x, -18), ("ul", "gsm", "amr-nb")[k % 3]))
people = sorted(glob.glob(f"{corpus}/live/*/*.flac"))
for k, f in enumerate(people):
    write("live", k, through(level(load(f), -rng.uniform(12, 28)), ("ul", "gsm", "amr-nb")[k % 3]))
