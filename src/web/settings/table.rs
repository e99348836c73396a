//! What of the configuration file can be changed on the page, and how: one table.

use super::field::{Kind, Part, field};
use Kind::{Choice, Decimal, Flag, List, Named, Number, Secret, Text};

const SRTP: Kind = Named(&[
    ("off", "never (off)"),
    ("optional", "where the other side can (optional)"),
    ("required", "always, or no call (required)"),
]);
// What people choose has its name in the file behind it, for whoever reads that.
const ORDER: Kind =
    Named(&[("at-once", "all together (at-once)"), ("in-turn", "one after the other (in-turn)")]);
const DIAL: Kind = Named(&[("keypad", "keys (keypad)"), ("pulse", "rotary dial (pulse)")]);
const UNANSWERED: Kind = Named(&[("goodbye", "say goodbye (goodbye)"), ("wait", "wait for the next (wait)")]);
const VOICEMAIL: Kind = Named(&[("hang_up", "hang up (hang_up)"), ("ring", "ring me (ring)")]);
const PROGRAM: Kind = Named(&[("auto", "one that is installed (auto)"), ("none", "none (none)")]);
const WHICH: Kind =
    Named(&[("none", "no calls (none)"), ("holds", "held calls (holds)"), ("all", "all calls (all)")]);
const NOTICE: Kind =
    Named(&[("words", "words (words)"), ("tone", "a tone (tone)"), ("none", "nothing (none)")]);
const SIDES: Kind = Named(&[
    ("stereo", "one file, a channel for each (stereo)"),
    ("mono", "one file, mixed (mono)"),
    ("separate", "a file for each (separate)"),
]);
const PAGE_TLS: Kind = Named(&[
    ("off", "none (off)"),
    ("self-signed", "a certificate of the box (self-signed)"),
    ("files", "a certificate of yours (files)"),
]);

/// Countries that the box knows the tones and emergency numbers of.
pub(in crate::web) const COUNTRIES: &[(&str, &str)] = &[
    ("us", "United States"),
    ("uk", "United Kingdom"),
    ("de", "Germany"),
    ("fr", "France"),
    ("nl", "Netherlands"),
    ("it", "Italy"),
    ("es", "Spain"),
    ("at", "Austria"),
    ("ch", "Switzerland"),
    ("be", "Belgium"),
    ("se", "Sweden"),
    ("au", "Australia"),
    ("jp", "Japan"),
];

const LANGUAGES: Kind = Named(&[("en", "English"), ("de", "German"), ("fr", "French"), ("es", "Spanish")]);

/// Every section of the file.
pub(super) const PARTS: &[Part] = &[
    Part {
        name: "line",
        title: "Line",
        many: false,
        fields: &[
            field(
                "country",
                "Country",
                Named(COUNTRIES),
                "Chooses tones, emergency numbers and the languages below. Default United States.",
            ),
            field("emergency", "More emergency numbers", List, "Besides the country's own, one a line."),
            field("number", "Your number", Text, "Shown to those you call. Empty: what the provider shows."),
            field("private", "Hide your number", Flag, "From all but those called for help. Default no."),
            field("rewrite", "Rules for what is dialled", List, "One a line, such as 9 -> or 0 -> +49."),
            field("order", "How phones ring", ORDER, "Default at-once."),
        ],
    },
    Part {
        name: "trunk",
        title: "Providers",
        many: true,
        fields: &[
            field("name", "Name", Text, "As you call it."),
            field("preset", "Provider", Text, "Fills in what is known of it; what you write wins."),
            field(
                "server",
                "Server",
                Text,
                "Host name or address, with :port if it is not 5060 (5061 for TLS).",
            ),
            field("user", "User", Text, "As the provider gave it to you."),
            field("secret", "Password", Secret, "As the provider gave it to you."),
            field("auth_user", "Other user for the password", Text, "Only where the provider names one."),
            field("domain", "Domain", Text, "Only where the provider names one; else the server."),
            field("realm", "Realm", Text, "The password is proved to no other."),
            field(
                "outbound_proxy",
                "Outbound proxy",
                Text,
                "Where all messages go, if that is not the server.",
            ),
            field(
                "address",
                "Fixed address",
                Text,
                "IP:port of a provider that asks for no registration, instead of all above.",
            ),
            field("expires", "Registration lasts", Text, "Such as 5m."),
            field("channels", "Calls at once", Number, "That you pay for. Default 2."),
            field(
                "cents_per_minute",
                "Cents a minute",
                Decimal,
                "What it costs, for the estimate of each call.",
            ),
            field(
                "refer",
                "Put through at the provider",
                Flag,
                "By REFER, if it can: such calls take no channel of yours. Default no.",
            ),
            field("transport", "Transport", Choice(&["udp", "tcp", "tls"]), "Default udp."),
            field("ca", "Authority", Text, "A file: trust this root alone."),
            field("srtp", "Encrypted sound", SRTP, "Use it with tls. Default off."),
            field("srv", "Find servers by SRV", Flag, "Default no."),
            field("number", "Your number here", Text, "If it is not that of the line."),
            field(
                "numbers",
                "How it wants numbers",
                Choice(&["as-dialled", "+e164", "e164", "00", "national"]),
                "Default as-dialled.",
            ),
            field("rewrite", "Rules for this provider", List, "After those of the line."),
            field(
                "caller_id",
                "Field of your number",
                Choice(&["from", "pai", "ppi", "rpid"]),
                "Default from.",
            ),
            field(
                "called_in",
                "Field of the called number",
                Choice(&["uri", "to", "p-called-party-id", "diversion"]),
                "Default uri.",
            ),
            field("codecs", "Sound it takes", List, "The best first: pcmu, pcma. Empty: both."),
            field("dtmf", "How keys reach it", Choice(&["rfc4733", "info", "inband"]), "Default rfc4733."),
            field("session_timer", "Lost calls are noticed after", Text, "Such as 30m, or off."),
            field("keep_alive", "Router kept open every", Text, "Such as 29s."),
            field("from_user", "User in From", Text, "Only where the provider prescribes one."),
            field("contact_user", "User in Contact", Text, "Only where the provider prescribes one."),
        ],
    },
    Part {
        name: "phone",
        title: "Phones of the file",
        many: true,
        fields: &[
            field("name", "Name", Text, "Such as its room."),
            field("user", "User", Text, "Write the same into the phone."),
            field("secret", "Password", Secret, "Write the same into the phone."),
            field(
                "address",
                "Fixed address",
                Text,
                "IP:port of a phone that does not register, instead of user and password.",
            ),
            field("wideband", "Wide-band sound", Flag, "Default no."),
            field("srtp", "Encrypted sound", SRTP, "Default off."),
            field("rings", "Rings in its turn", Text, "Default 15s."),
        ],
    },
    Part {
        name: "handset",
        title: "Handset on the box",
        many: false,
        fields: &[
            field("card", "Sound card", Text, "Its name, as the box's system has it. Empty: no handset."),
            field("name", "Name", Text, "Default handset."),
            field("rings", "Rings in its turn", Text, "Default 15s."),
            field(
                "rate",
                "Samples a second",
                Number,
                "8000, 16000 or 48000. Empty: what the card does by itself.",
            ),
            field("microphone", "Microphone", Number, "Louder or softer, -30 to 30 dB. Default 0."),
            field("ear", "Earpiece", Number, "Louder or softer, -30 to 30 dB. Default 0."),
            field(
                "sidetone",
                "Own voice in the ear",
                Number,
                "So much softer, up to 40 dB; 0: not heard. Default 18.",
            ),
            field(
                "ringer",
                "What rings",
                Text,
                "own, line (the board's bell), none, or another card's name.",
            ),
            field("keypad", "Keypad", Text, "The name of its input device."),
            field("dial", "Dialling", DIAL, "pulse: a rotary dial; 11 stands for *. Default keypad."),
            field("aloud", "Held calls aloud", Flag, "On what rings, while the handset is down. Default no."),
        ],
    },
    Part {
        name: "monitor",
        title: "Loudspeaker on the box",
        many: false,
        fields: &[
            field("card", "Sound card", Text, "Held calls are heard on it. Its name, as above. Empty: none."),
            field(
                "rate",
                "Samples a second",
                Number,
                "8000, 16000 or 48000. Empty: what the card does by itself.",
            ),
            field("volume", "Volume", Number, "Louder or softer, -30 to 30 dB. Default 0."),
            field(
                "aloud",
                "Held calls aloud",
                Flag,
                "From the start; the page Button, lamp and handset changes it until the next. Default yes.",
            ),
        ],
    },
    Part {
        name: "hold",
        title: "Holding",
        many: false,
        fields: &[
            field("cap", "Longest hold", Text, "Calls cost money while they wait. Default 4h."),
            field("ring", "Your phone rings", Text, "In one go, when a person is there. Default 45s."),
            field("ring_again", "And again", Number, "So many times more. Default 3."),
            field(
                "eagerness",
                "Eagerness",
                Number,
                "0 rings late, and seldom for a recording; 100 at once, and often. Default 50.",
            ),
            field(
                "unanswered",
                "Nobody comes to the phone",
                UNANSWERED,
                "Say goodbye to the person, or wait for the next. Default goodbye.",
            ),
            field(
                "also_ring",
                "Numbers that ring too",
                List,
                "Up to 3, such as your mobile; it asks you to press 1. Each takes a channel.",
            ),
            field("also_after", "So much later", Text, "Than the phones at home. Default 8s."),
            field(
                "replay",
                "Replay first words",
                Flag,
                "When you answer: what the person has said, in fast motion. Many countries' law asks for consent. Default no.",
            ),
            field(
                "redial",
                "Dialled again",
                Number,
                "So many times when a queue hangs up on you, 0 to 10. Default 2.",
            ),
            field("redial_after", "First after", Text, "Then twice as long each time. Default 1m."),
            field(
                "call_back",
                "Take offers to be called back",
                Flag,
                "Where their words are understood and name a key. Default no: you are told of them.",
            ),
            field(
                "still_there",
                "Answer: are you still there?",
                Flag,
                "By the key that is named, or by the greeting. Default yes.",
            ),
            field(
                "voicemail",
                "Where a machine takes messages",
                VOICEMAIL,
                "Hang up, or ring you. The box leaves no message. Default hang_up.",
            ),
            field("greet", "Greet whoever answers", Flag, "Default yes."),
            field("calls", "Calls held at once", Number, "1 to 3. Default 2."),
        ],
    },
    Part {
        name: "words",
        title: "Understanding words",
        many: false,
        fields: &[
            field("model", "Speech model", Text, "Its folder. Without one the box goes by sound alone."),
            field(
                "url",
                "Recogniser of your own",
                Text,
                "Another machine's address, such as http://nas:8000/v1, instead of the model: what the line says while the box holds is sent there.",
            ),
            field("key", "Its key", Secret, "If it wants one."),
            field("service_model", "Its model", Text, "Default whisper-1."),
            field("language", "Language of the far end", LANGUAGES, "Default: that of the country."),
            field("owner", "Your name", Text, "That agents call you by: who says it is a person."),
            field(
                "transcript",
                "Keep what is said",
                Flag,
                "With the call's story, while the box holds. Default no.",
            ),
            field("keep", "Deleted after", Text, "1h to 8760h. Default 720h."),
        ],
    },
    Part {
        name: "speech",
        title: "Speaking names",
        many: false,
        fields: &[
            field(
                "program",
                "Program",
                PROGRAM,
                "auto: espeak-ng or flite, if installed. Another program is named in hold-slayer.toml only. Default auto.",
            ),
            field(
                "voice",
                "Voice",
                Text,
                "As the program or the other machine calls it. Empty: its usual one.",
            ),
            field(
                "url",
                "Voice of your own",
                Text,
                "Another machine's address, such as http://nas:8880/v1, instead of the program: the names and texts that the box speaks are sent there.",
            ),
            field("key", "Its key", Secret, "If it wants one."),
            field("model", "Its model", Text, "Default tts-1."),
            field("language", "Language", LANGUAGES, "Default: that of the country."),
            field("announce", "Say who is on the line", Flag, "When your phone was rung. Default yes."),
        ],
    },
    Part {
        name: "assistant",
        title: "Language model",
        many: false,
        fields: &[
            field(
                "url",
                "Address",
                Text,
                "Of an OpenAI-compatible interface, such as http://nas:11434/v1. Empty: none. It is told what menus say and what you want there.",
            ),
            field("key", "Key", Secret, "If it wants one. Left empty, it stays as it is."),
            field("model", "Model", Text, "Its name there, such as llama3.2."),
            field(
                "limit",
                "Longest wait",
                Text,
                "1s to 1m. Then the box goes by its own rules. Default 10s.",
            ),
            field(
                "calls",
                "May lead calls",
                Flag,
                "For a task that you write: it is then told the task and all that is said there. Default no.",
            ),
            field("minutes", "At most, minutes", Number, "1 to 60, without the time on hold. Default 10."),
            field(
                "turns",
                "At most, answers",
                Number,
                "Of the model, 1 to 200. Then you are rung. Default 40.",
            ),
        ],
    },
    Part {
        name: "notify",
        title: "Notifications",
        many: true,
        fields: &[
            field("name", "Name", Text, "As you call it."),
            field("kind", "Kind", Choice(&["webhook", "ntfy", "mail", "mqtt"]), "How it is told."),
            field(
                "events",
                "What is told",
                List,
                "One a line, such as hold or system.trouble. Empty: a person is there or has left, and what is wrong.",
            ),
            field("numbers", "Tell numbers, too", Flag, "The other party's. Default no."),
            field("url", "Address", Secret, "Of a webhook, or of an ntfy topic."),
            field("key", "Key", Secret, "Signs what a webhook gets; ntfy's token."),
            field("server", "Server", Text, "Of mail or mqtt, with :port if it is not the usual one."),
            field(
                "security",
                "Encrypted",
                Choice(&["tls", "starttls", "none"]),
                "Default starttls for mail, none for mqtt.",
            ),
            field("user", "User", Text, "If the server wants one."),
            field("secret", "Password", Secret, "Of a mail server or a broker, if it wants one."),
            field("from", "From", Text, "An e-mail address that the server lets you write from."),
            field("to", "To", Text, "Your e-mail address."),
            field("topic", "Topic", Text, "What all topics of mqtt begin with. Default hold-slayer."),
            field("ca", "Authority", Text, "A file: trust this root alone."),
        ],
    },
    Part {
        name: "menu",
        title: "Menus",
        many: false,
        fields: &[
            field("learn", "Learn menus from your keys", Flag, "Fingerprints alone, no sound. Default yes."),
            field(
                "explore",
                "Keys in unknown menus",
                Number,
                "So many the box presses by itself where it understands words, 0 to 6. Default 3.",
            ),
            field(
                "extension",
                "The box's own extension",
                Text,
                "A number or user: calls that are sent there are held as they come. Empty: none.",
            ),
        ],
    },
    Part {
        name: "speed_dial",
        title: "Speed dials",
        many: true,
        fields: &[
            field("digits", "Digits", Text, "One or two, behind the code that calls and holds."),
            field("number", "Number", Text, "As you dial it."),
        ],
    },
    Part {
        name: "record",
        title: "Privacy: recording",
        many: false,
        fields: &[
            field(
                "calls",
                "Record",
                WHICH,
                "Many countries forbid it without consent: ask first. Default none.",
            ),
            field("notice", "People are told by", NOTICE, "Default words."),
            field(
                "format",
                "Kept as",
                Choice(&["wav", "flac"]),
                "flac needs a third of the room. Default wav.",
            ),
            field("sides", "Sides", SIDES, "Default stereo."),
            field("keep", "Deleted after", Text, "1h to 8760h. Default 720h."),
            field("space", "Megabytes for all", Number, "The oldest go first. Default 2000."),
            field("spare", "Megabytes left free", Number, "Default 500."),
            field("listen_in", "You may listen to", WHICH, "Default holds."),
            field(
                "clips",
                "Keep what it rang for",
                Flag,
                "Some seconds around each voice, to improve the listener by.",
            ),
        ],
    },
    Part {
        name: "history",
        title: "History",
        many: false,
        fields: &[field(
            "keep",
            "Calls are deleted after",
            Text,
            "With all that was said in them: such as 90d, 1d to 3650d. Default never.",
        )],
    },
    Part {
        name: "guard",
        title: "Costs",
        many: false,
        fields: &[
            field(
                "allow",
                "Numbers that cost extra",
                List,
                "international, premium, or beginnings such as +44. Others are refused.",
            ),
            field("longest", "Longest talk", Text, "10m to 24h. Calls for help are never cut. Default 12h."),
        ],
    },
    Part {
        name: "codes",
        title: "Star codes",
        many: false,
        fields: &[
            field("hold", "Hold", Text, "After a flash. Default *58."),
            field("slay", "Call and hold", Text, "Before a number. Default *59."),
            field("rejoin", "Back to the held call", Text, "Default *94."),
            field("listen", "Hear the held call", Text, "Default *96."),
            field("status", "How it stands", Text, "Default *95."),
            field("cancel", "End the held call", Text, "Default *49."),
            field("greeting", "Speak your own greeting", Text, "Default *48."),
            field("gesture", "Keys inside a call", Text, "Default **."),
            field("withhold", "Hide my number", Text, "Before a number. Default *67."),
        ],
    },
    Part {
        name: "board",
        title: "Board",
        many: false,
        fields: &[field(
            "file",
            "Board",
            Text,
            "generic (none), pi3, pi4, pi5, zero2, or the path of a board file.",
        )],
    },
    Part {
        name: "sip",
        title: "Network of calls",
        many: false,
        fields: &[
            field("listen", "Address", Text, "Default 0.0.0.0:5060."),
            field("advertise", "As others see the box", Text, "Empty: found at start."),
            field("tcp", "Phones over TCP", Flag, "Default yes."),
            field("tls_listen", "Phones over TLS", Text, "Such as 0.0.0.0:5061; needs the two files."),
            field("tls_cert", "Certificate", Text, "A file."),
            field("tls_key", "Its key", Text, "A file."),
        ],
    },
    Part {
        name: "media",
        title: "Sound",
        many: false,
        fields: &[
            field("rtp_ports", "First port", Number, "Even; 8 for each call. Default 16000."),
            field("calls", "Calls at once", Number, "1 to 512. Default 8."),
        ],
    },
    Part {
        name: "web",
        title: "This page",
        many: false,
        fields: &[
            field("listen", "Address", Text, "Default 0.0.0.0:8080."),
            field(
                "password",
                "Password",
                Secret,
                "At least 8 characters. Without one here, or once one was chosen with the box's button or a code, that one holds.",
            ),
            field("names", "Names", List, "By which the page may be called, one a line."),
            field(
                "tls",
                "Encryption",
                PAGE_TLS,
                "self-signed: browsers ask once whether to trust it. files: a certificate of yours, named below.",
            ),
            field(
                "tls_cert",
                "Certificate",
                Text,
                "For files: a PEM file with it and those that lead to its root.",
            ),
            field("tls_key", "Key of the certificate", Text, "For files: a PEM file."),
            field(
                "local_name",
                "Name in the network",
                Text,
                "Default holdslayer: the page is at http://holdslayer.local:8080, too. \"\" in the file: the network is told nothing.",
            ),
        ],
    },
    Part {
        name: "log",
        title: "Log",
        many: false,
        fields: &[field(
            "level",
            "Level",
            Choice(&["error", "warn", "info", "debug", "trace"]),
            "Default info.",
        )],
    },
];

/// The section of this name.
pub(super) fn part(name: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.name == name)
}
