"""Make singing out of speech: hold the pitch on notes of a scale, stretch the vowels. No free corpus of vocals exists.

    python sing.py POOL SEED
"""
import glob, os, sys
import numpy as np, pyworld, soundfile as sf

pool, seed = sys.argv[1], int(sys.argv[2])
rng = np.random.default_rng(seed)
SCALE = np.array([0, 2, 4, 5, 7, 9, 11])
for source in ["picovoice-intents", "librispeech-odd"]:
    files = sorted(glob.glob(f"{pool}/live/{source}/*.wav"))
    os.makedirs(f"{pool}/sung/{source}", exist_ok=True)
    for i in range(120):
        x, fs = sf.read(files[int(rng.integers(len(files)))])
        x = x[: 5 * fs]
        f0, t = pyworld.dio(x, fs)
        f0 = pyworld.stonemask(x, f0, t, fs)
        sp, ap = pyworld.cheaptrick(x, f0, t, fs), pyworld.d4c(x, f0, t, fs)
        stretch = rng.uniform(1.3, 2.4)
        at = np.clip((np.arange(int(len(f0) * stretch)) / stretch).astype(int), 0, len(f0) - 1)
        f0, sp, ap = f0[at], sp[at], ap[at]
        root = rng.choice([110, 131, 147, 165, 196, 220])
        note, n = np.zeros(len(f0)), 0
        degree = 3
        while n < len(f0):
            hold = int(rng.uniform(40, 160))
            degree = int(np.clip(degree + rng.integers(-2, 3), 0, 10))
            note[n : n + hold] = root * 2 ** ((SCALE[degree % 7] + 12 * (degree // 7)) / 12)
            n += hold
        k = np.ones(12) / 12
        note = np.convolve(np.pad(note, 6, mode="edge"), k, "same")[6:-6]
        vibrato = 1 + 0.012 * np.sin(2 * np.pi * rng.uniform(4.5, 6.5) * np.arange(len(note)) * 0.005)
        y = pyworld.synthesize(np.where(f0 > 0, note * vibrato, 0), np.ascontiguousarray(sp), np.ascontiguousarray(ap), fs)
        sf.write(f"{pool}/sung/{source}/{i:03d}.wav", np.clip(y, -0.99, 0.99), fs, subtype="PCM_16")
