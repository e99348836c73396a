"""The input of the network, as `src/listen/spectrum.rs` and `features.rs` compute it; tests/listen/golden holds them together.

    python features.py golden OUT      the golden file of tests/listen
"""
import sys
import numpy as np

FS, FRAME, N, BANDS, FRAMES = 8000, 160, 256, 32, 96
FLOOR_DBM0, PER_DB, ZERO_DBM0 = -65.0, 3.6, -30.0


def edges(low=100.0, high=3800.0):
    mel = lambda hz: np.log(1 + hz / 700)
    at = mel(low) + (mel(high) - mel(low)) * np.arange(BANDS + 1) / BANDS
    bins, last = [], 0
    for i, b in enumerate(np.floor(700 * (np.exp(at) - 1) * N / FS + 0.5).astype(int)):
        last = b if i == 0 else max(b, last + 1)
        bins.append(last)
    return bins


EDGES = edges()
WINDOW = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(N) / N)) / np.sqrt(0.375)


def mel(pcm):
    """int8 [frames, BANDS] of int16 samples: each frame is seen with the 96 samples before it."""
    x = np.concatenate([np.zeros(N - FRAME), pcm[: len(pcm) // FRAME * FRAME] / 32768.0])
    looks = np.lib.stride_tricks.sliding_window_view(x, N)[::FRAME] * WINDOW
    power = np.abs(np.fft.rfft(looks)) ** 2
    total = np.concatenate([np.zeros((len(power), 1)), np.cumsum(power, 1)], 1)
    band = (total[:, EDGES[1:]] - total[:, EDGES[:-1]]) * 2 / N**2
    db = 10 * np.log10(np.maximum(band * 2, 1e-12)) + 3.14
    q = np.round((np.maximum(db, FLOOR_DBM0) - ZERO_DBM0) * PER_DB)
    return np.clip(q, -126, 126).astype(np.int8)


def golden(out):
    """Two seconds of tones, noise and silence at several levels; the features follow the samples."""
    rng = np.random.default_rng(5)
    t = np.arange(2 * FS) / FS
    x = 0.3 * np.sin(2 * np.pi * (200 + 900 * t) * t) * (t < 1) + rng.standard_normal(len(t)) * 0.02 * (t > 0.5) * (t < 1.6)
    pcm = np.clip(x * 32767, -32768, 32767).astype("<i2")
    with open(out, "wb") as f:
        f.write(pcm.tobytes())
        f.write(mel(pcm).tobytes())


if __name__ == "__main__" and sys.argv[1:2] == ["golden"]:
    golden(sys.argv[2])
