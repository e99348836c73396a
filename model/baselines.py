"""Simple rules on the calls that ours is measured on: a table of theirs and ours (bench::events must have run there).

    python baselines.py CALLS_DIR YAMNET.tflite

Each rule says every 100 ms whether a voice speaks. As ours, none rings before three seconds without a voice have followed the first one;
then it rings for a voice in 6 of the last 8 tenths, and not again for ten seconds. Silero and YAMNet are yardsticks only: their files
stay out of the repository. The founding design names a spectral classifier without its numbers: these are textbook ones.
"""
import glob, importlib.util, os, sys
import numpy as np
import soundfile as sf
from scipy.signal import resample_poly

import measure

FS, STEP = 8000, 800


def tenths(at, value, n):
    """The newest value at each tenth of a second."""
    return np.asarray(value)[np.clip(np.searchsorted(at, np.arange(1, n + 1) * 0.1, "right") - 1, 0, len(value) - 1)]


class Silero:
    def __init__(self):
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        place = os.path.dirname(importlib.util.find_spec("silero_vad").origin) + "/data/silero_vad.onnx"
        self.net = onnxruntime.InferenceSession(place, options, providers=["CPUExecutionProvider"])

    def voice(self, x):
        state, context, odds = np.zeros((2, 1, 128), np.float32), np.zeros((1, 32), np.float32), []
        for chunk in x[: len(x) // 256 * 256].reshape(-1, 1, 256):
            seen = np.concatenate([context, chunk], 1)
            out, state = self.net.run(None, {"input": seen, "state": state, "sr": np.array(FS, np.int64)})
            context = chunk[:, -32:]
            odds.append(out[0, 0])
        return tenths((np.arange(len(odds)) + 1) * 256 / FS, odds, len(x) // STEP) > 0.5


class Yamnet:
    """A window of 0.975 s every half second: speech is likelier than music, and likely."""

    def __init__(self, path):
        import tensorflow as tf

        self.net = tf.lite.Interpreter(path, num_threads=1)
        self.put, self.get = self.net.get_input_details()[0], self.net.get_output_details()[0]
        self.net.resize_tensor_input(self.put["index"], [15600] if len(self.put["shape"]) == 1 else [1, 15600])
        self.net.allocate_tensors()

    def voice(self, x):
        y, said, at = resample_poly(x, 2, 1).astype(np.float32), [], []
        for end in range(15600, len(y), 8000):
            self.net.set_tensor(self.put["index"], y[end - 15600 : end].reshape(self.net.get_input_details()[0]["shape"]))
            self.net.invoke()
            score = self.net.get_tensor(self.get["index"]).reshape(-1)
            # AudioSet's order: 0 to 5 are speech, 132 and on are music.
            said.append(score[:6].max() > max(0.3, score[132:277].max()))
            at.append(end / 16000)
        return tenths(at, said, len(x) // STEP)


def spectral(x):
    """Flat enough for consonants, tonal enough for vowels, zero crossings and level that come and go."""
    n = len(x) // 160
    f = x[: n * 160].reshape(n, 160)
    power = np.abs(np.fft.rfft(f * np.hanning(160), axis=1))[:, 4:] ** 2 + 1e-12
    flat = np.exp(np.log(power).mean(1)) / power.mean(1)
    centre = (power * np.arange(power.shape[1])).sum(1) / power.sum(1)
    cross = (np.diff(np.signbit(f), axis=1)).mean(1)
    loud = 10 * np.log10((f**2).mean(1) + 1e-9)
    out = np.zeros(len(x) // STEP, bool)
    for k in range(10, len(out)):
        w = slice(k * 5 - 45, k * 5 + 5)
        out[k] = loud[w].max() > -45 and loud[w].std() > 6 and 0.05 < flat[w].mean() < 0.5 and cross[w].std() > 0.05 and centre[w].std() > 4
    return out


def variance(x):
    """Speech comes and goes: the level's spread over two seconds."""
    n = len(x) // 160
    loud = 10 * np.log10((x[: n * 160].reshape(n, 160) ** 2).mean(1) + 1e-6)
    return np.array([k >= 20 and loud[k * 5 - 95 : k * 5 + 5].std() > 10 for k in range(len(x) // STEP)])


def rings(voice):
    spoken = hold = False
    quiet = wait = 0
    for k, v in enumerate(voice):
        quiet = 0 if v else quiet + 1
        spoken |= bool(v)
        hold |= spoken and quiet >= 30
        wait -= 1
        if hold and wait <= 0 and voice[max(0, k - 7) : k + 1].sum() >= 6:
            wait = 100
            yield (k + 1) * 100


if __name__ == "__main__":
    folder = sys.argv[1]
    rules = {"silero-vad": Silero().voice, "YAMNet": Yamnet(sys.argv[2]).voice, "spectral heuristics": spectral, "energy variance": variance}
    print("| rule | missed | p50 / p90 | false rings per hour | per call | calls with one |\n|---|---|---|---|---|---|")
    for name, voice in rules.items():
        kind = "rule-" + name.split()[0]
        for path in sorted(glob.glob(folder + "/*.wav")):
            if not os.path.exists(path[:-3] + kind):
                x = sf.read(path, dtype="float32")[0]
                lines = [f"{at} person {at} 1 {name}\n" for at in rings(voice(x))]
                open(path[:-3] + kind, "w").writelines(lines)
        print("| " + name, measure.Figures(folder, kind).row(), flush=True)
    print("| ours", measure.Figures(folder).row())
