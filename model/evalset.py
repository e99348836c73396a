"""Make the small evaluation set of `make test` from material whose licence allows it (tests/listen/sound/ATTRIBUTION.md).

    python evalset.py POOL OUT

Pieces, not calls: tests/listen/calls.rs puts them together, so that a few hundred kilobytes make an hour of calls.
"""
import glob, os, subprocess, sys

pool, out = sys.argv[1:3]
os.makedirs(out, exist_ok=True)


TRIM = ["silence", "1", "0.05", "1%", "reverse"] * 2


def cut(src, name, start=0, length=None, effects=()):
    # Raw G.711 µ-law: half the size, and the telephone's own damage.
    subprocess.run(["sox", "-D", src, "-t", "ul", f"{out}/{name}.ul", "trim", str(start)]
                   + ([str(length)] if length else []) + list(effects), check=True)


for i, f in enumerate(sorted(glob.glob(pool + "/music/moh-*/*.wav"))):
    cut(f, f"music-{i}", 40, 14)
MATTHEW = ["ivr-no_calls_waiting_in_queue", "ivr-on_hold_indefinitely", "ivr-enjoy_music_while_transfer", "ivr-estimated_hold_time",
           "ivr-call_answered_order_received", "vm-listen_to_recording_again", "ivr-call_cannot_be_completed_as_dialed", "ivr-for_daily_wakeup_call"]
for v in ["Matthew-neural", "Hans-standard"]:
    k = 0
    for name in MATTHEW:
        f = f"{pool}/announcement/polly-{v.split('-')[0].lower()}/{v}-{name}.wav"
        if os.path.exists(f) and k < 6:
            cut(f, f"recorded-{v.split('-')[0].lower()}-{k}", 0, 6)
            k += 1
human = sorted(glob.glob(pool + "/live/picovoice-intents/*.wav"))
for i, f in enumerate(human[:: len(human) // 8][:8]):
    cut(f, f"agent-human-{i}", 0, 8, TRIM)
for voice in ["flite-rms", "espeak-en-us-m3"]:
    for i in (1, 2):
        cut(f"{pool}/live/{voice}/{i:02d}.wav", f"agent-{voice}-{i}")
