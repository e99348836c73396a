"""Train the ear's network on composed scenes, quantise it to int8, and write the .tflite.

    python train.py OUT.tflite SEED EPOCHS TRAIN_DIR...

The folders hold NAME.wav and NAME.json of `compose.py scenes`. Features are cached beside them (NAME.npy).
"""
import glob, json, os, sys
import numpy as np

import features

CLASSES = ["noise", "music", "vocals", "speech", "over"]
# Whose recordings are recordings and whose speech is live; synthetic voices speak both and teach nothing of it.
RECORDED, LIVE = ("asterisk", "polly", "piper"), ("librispeech", "picovoice", "fillets")


def cached(wav):
    path = wav[:-4] + ".npy"
    if not os.path.exists(path):
        import soundfile as sf

        np.save(path, features.mel(sf.read(wav, dtype="int16")[0]))
    return np.load(path)


def live(source):
    return 1 if source.startswith(LIVE) else 0 if source.startswith(RECORDED) else -1


def label(truth, frames):
    """Per frame the class of the sound that ends there, or -1 where the window holds too little of it to be named."""
    y, l = np.full(frames, -1, np.int8), np.full(frames, -1, np.int8)
    for a, b, name, source in truth["segments"]:
        hears = 0.8 if name == "silence" else 0.28
        at = slice(int((a + hears) * 50), int(b * 50))
        y[at] = 0 if name == "silence" else CLASSES.index(name)
        if name == "speech":
            l[at] = live(source)
            l[: int((a + 0.6) * 50)][int((a + hears) * 50) :] = -1
    return y, l


def read(folders):
    """All features with a window's length of nothing before each file, the windows' ends, and what is true of them."""
    X, ends, Y, L, S, C, at = [], [], [], [], [], [], 0
    for wav in sorted(w for d in folders for w in glob.glob(d + "/*.wav")):
        truth = json.load(open(wav[:-4] + ".json"))
        q = cached(wav)
        y, l = label(truth, len(q))
        X += [np.full((features.FRAMES, features.BANDS), -126, np.int8), q]
        at += features.FRAMES
        named = np.where(y >= 0)[0]
        ends.append(at + named)
        Y.append(y[named]), L.append(l[named])
        source = np.array(["-"] * len(q), dtype=object)
        for a, b, _, s in truth["segments"]:
            source[int(a * 50) : int(b * 50)] = s
        S.append(source[named]), C.append(np.full(len(named), truth["channel"], dtype=object))
        at += len(q)
    return np.concatenate(X), *(np.concatenate(v) for v in (ends, Y, L, S, C))


def windows(X, ends):
    return X[ends[:, None] + np.arange(1 - features.FRAMES, 1)]


def worn(w, rng):
    """Level, slope, noise floor, and how far back the window reaches, at random: none of them tells a class."""
    n = len(w)
    x = w.astype(np.float32)
    silent = x <= -126
    shift = rng.uniform(-36, 36, (n, 1, 1)) * (rng.random((n, 1, 1)) < 0.6)
    tilt = rng.uniform(-14, 14, (n, 1, 1)) * np.linspace(-1, 1, features.BANDS)
    x = np.where(silent, -126, x + shift + tilt * (rng.random((n, 1, 1)) < 0.5))
    floor = rng.uniform(-126, -50, (n, 1, 1)) + rng.normal(0, 8, x.shape)
    x = np.where(rng.random((n, 1, 1)) < 0.2, np.maximum(x, floor), x)
    since = rng.integers(0, 75, n) * (rng.random(n) < 0.25)
    x = np.where(np.arange(features.FRAMES)[None, :, None] < since[:, None, None], -126, x)
    low = rng.integers(0, features.BANDS - 4, n)[:, None]
    hole = (np.arange(features.BANDS) >= low) & (np.arange(features.BANDS) < low + rng.integers(1, 5, (n, 1)))
    x = np.where((hole & (rng.random((n, 1)) < 0.15))[:, None, :], -126, x)
    return np.clip(x, -126, 126) / 64


def network():
    import tensorflow as tf
    from tensorflow.keras import layers as k

    def conv(x, n, size, stride):
        x = k.Conv2D(n, size, stride, padding="same", use_bias=False)(x)
        return k.ReLU()(k.BatchNormalization()(x))

    def light(x, n, stride):
        x = k.DepthwiseConv2D(3, stride, padding="same", use_bias=False)(x)
        return conv(k.ReLU()(k.BatchNormalization()(x)), n, 1, 1)

    sound = k.Input((features.FRAMES, features.BANDS, 1))
    x = conv(sound, 16, (5, 3), 2)
    for n, stride in [(24, 2), (32, 1), (48, 2), (64, 1)]:
        x = light(x, n, stride)
    x = k.DepthwiseConv2D((1, 4), use_bias=False)(x)
    x = k.ReLU()(k.BatchNormalization()(x))
    x = k.Dropout(0.3)(k.Flatten()(x))
    x = k.Dropout(0.2)(k.Dense(40, activation="relu")(x))
    return tf.keras.Model(sound, k.Dense(len(CLASSES) + 1)(x))


def train(folders, seed, epochs, per_epoch=60_000, batch=256):
    import tensorflow as tf

    tf.keras.utils.set_random_seed(seed)
    rng = np.random.default_rng(seed)
    X, ends, Y, L, S, _ = read(folders)
    print(len(ends), "windows,", np.bincount(Y), "live/recorded", (L == 1).sum(), (L == 0).sum(), flush=True)
    share = np.array([0.16, 0.19, 0.19, 0.34, 0.12])
    of = [np.where(Y == c)[0] for c in range(len(CLASSES))]
    model = network()
    print(model.count_params(), "parameters", flush=True)
    steps = per_epoch // batch
    rate = tf.keras.optimizers.schedules.CosineDecay(2e-3, epochs * steps, warmup_target=4e-3, warmup_steps=steps // 2)
    optimiser = tf.keras.optimizers.AdamW(rate, weight_decay=1e-4)

    @tf.function
    def step(x, y, l):
        with tf.GradientTape() as tape:
            out = model(x, training=True)
            hot = tf.one_hot(y, len(CLASSES)) * 0.95 + 0.05 / len(CLASSES)
            named = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(hot, out[:, :-1]))
            known = tf.cast(l >= 0, tf.float32)
            alive = tf.nn.sigmoid_cross_entropy_with_logits(tf.cast(l, tf.float32) * 0.9 + 0.05, out[:, -1])
            loss = named + 0.3 * tf.reduce_sum(known * alive) / tf.maximum(1.0, tf.reduce_sum(known))
        weights = model.trainable_variables
        optimiser.apply_gradients(zip(tape.gradient(loss, weights), weights))
        return named, loss - named

    import time

    for epoch in range(epochs):
        began, sums = time.time(), np.zeros(2)
        for _ in range(steps):
            pick = np.concatenate([rng.choice(of[c], int(batch * share[c])) for c in range(len(CLASSES))])
            x = worn(windows(X, ends[pick]), rng)[..., None].astype(np.float32)
            sums += [float(v) for v in step(tf.constant(x), tf.constant(Y[pick].astype(np.int32)), tf.constant(L[pick].astype(np.int32)))]
        print(f"epoch {epoch + 1}: classes {sums[0] / steps:.4f}, live {sums[1] / steps:.4f}, {time.time() - began:.0f} s", flush=True)
    return model, X, ends


def quantise(model, X, ends, seed):
    """int8 throughout. The examples reach both ends of the input's range, so that a feature is its own quantised value."""
    import tensorflow as tf
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2 as frozen

    rng = np.random.default_rng(seed)
    some = worn(windows(X, rng.choice(ends, 600)), rng)[..., None].astype(np.float32)
    some[0, 0, 0], some[0, 0, 1] = -2.0, 127 / 64

    @tf.function(input_signature=[tf.TensorSpec((1, features.FRAMES, features.BANDS, 1), tf.float32)])
    def run(x):
        return model(x, training=False)

    converter = tf.lite.TFLiteConverter.from_concrete_functions([frozen(run.get_concrete_function())])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([s[None]] for s in some)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = converter.inference_output_type = tf.int8
    return converter.convert()


if __name__ == "__main__":
    out, seed, epochs = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    model, X, ends = train(sys.argv[4:], seed, epochs)
    model.save(out.replace(".tflite", ".keras"))
    data = quantise(model, X, ends, seed)
    open(out, "wb").write(data)
    print(len(data), "bytes")
