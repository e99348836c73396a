//! Every bound of the box in one table, with the relations between them checked by the compiler.
//!
//! A ring states, beside its size, the time it covers and what happens when it is full.

use core::time::Duration;

/// Largest SIP datagram accepted, and the most a TCP message may hold. RFC 3261 §18.1.1 allows 65,535.
pub const SIP_MESSAGE_BYTES: usize = 16 * 1024;
/// Most header fields in one SIP message.
pub const SIP_HEADERS: usize = 128;
/// Most server and client transactions alive at once; further requests are answered 503 without state.
pub const SIP_TRANSACTIONS: usize = 16 * 1024;
/// Most of each kind that are over and only absorb copies; one more forgets the one that has been over longest, before
/// its 64·T1 are up: 2 s at a thousand calls a second, when the first two copies have come.
pub const SIP_LINGERING: usize = SIP_TRANSACTIONS / 4;
/// Most SIP connections at once, over TCP and TLS; further ones are not taken.
pub const SIP_STREAMS: usize = 256;
/// Most of them that come in from one IP address.
pub const SIP_STREAMS_FROM_ONE: usize = 32;
/// Messages waiting for one connection: a busy second of it. Full: the peer does not read, and loses the connection.
pub const SIP_STREAM_QUEUE: usize = 64;
/// Messages from all connections that wait for the control loop: a busy second. Full: they wait in the network.
pub const SIP_QUEUE: usize = 256;
/// Most legs alive at once, whatever the configuration says.
pub const LEGS: usize = 2048;
/// Largest RTP packet the media loop reads or sends: 60 ms of G.711 and every extension in use.
pub const RTP_PACKET_BYTES: usize = 768;
/// Longest prompt, seconds: the media loop keeps all prompts decoded in memory.
pub const PROMPT_SECONDS: usize = 20;
/// Distinct prompts and sounds that the media loop can play.
pub const PROMPTS: usize = 64;
/// Sounds besides them that are made while the box runs: what is spoken of a text, or said by the owner. One more finds
/// no place while all are being played.
pub const LOOSE_SOUNDS: usize = 8;
/// Longest of them, seconds.
pub const LOOSE_SECONDS: usize = 12;
/// Octets of µ-law of the owner's own greeting: 1 to 8 s.
pub const GREETING_SHORTEST: usize = 8_000;
/// The longest.
pub const GREETING_LONGEST: usize = 64_000;
/// Largest file that is brought as one: [`LOOSE_SECONDS`] at 48 kHz in stereo and 24 bits.
pub const GREETING_FILE_BYTES: usize = 4 * 1024 * 1024;
/// Largest file of a flow: more than the longest one takes as text.
pub const FLOW_FILE_BYTES: usize = 256 * 1024;
/// Longest text that is spoken, characters: about so much is said in [`LOOSE_SECONDS`].
pub const SPOKEN_CHARS: usize = 120;
/// Texts that wait to be spoken. Full: the text is not spoken.
pub const SPEECH_QUEUE: usize = 16;

/// Commands to media: a second of the busiest switching, or two of the longest loose sounds. Full: an error is logged, and
/// the order is lost.
pub const MEDIA_COMMAND_RING: usize = 2048;
/// Facts from media: a second of digits and endings on every port. Full: counted, the fact is lost.
pub const MEDIA_EVENT_RING: usize = 1024;
/// Frames to the listener: 2 s of 16 taps. Full: the tap loses frames and the listener sees the gap in ticks.
pub const TAP_RING: usize = 2048;
/// Frames of both sides of a call to the studio: a second of all calls that the box is made for, at most 5 MB. Full: the
/// frames are counted and lost, and the recording has silence in their place.
pub const fn studio_ring(calls: usize) -> usize {
    let second = calls * 50;
    if second > 8192 { 8192 } else { second }
}
/// Segments of speech that wait for the recogniser: half a minute of two holds. Full: the segment is not recognised.
pub const WORDS_QUEUE: usize = 8;
/// Clips that wait for the disk, and what the owner says of them. Full: one is not kept.
pub const CLIPS_QUEUE: usize = 8;
/// Longest time that is written into one recording, and so its size: 2 GiB of a WAV file hold 18 h in stereo.
pub const RECORDING_HOURS: u64 = 12;
/// Who may listen in to calls on the page at once.
pub const LISTENERS: usize = 4;
/// Frames that wait for one who listens in: 2 s. Full: he misses what comes then.
pub const LISTENER_QUEUE: usize = 100;
/// Recordings that wait to be coded again. Full: they wait for the next start.
pub const PACKER_QUEUE: usize = 64;
/// Commands from the page and the button: more than a person can press in a second. Full: refused with 503.
pub const COMMAND_QUEUE: usize = 32;
/// Writes waiting for the disk. Full: the oldest unfinished state of the same call is replaced, none is lost.
pub const STORE_QUEUE: usize = 256;

/// Most that another machine may answer over HTTP, words alone. More is not read.
pub const HTTP_ANSWER_BYTES: usize = 64 * 1024;
/// The same of what is spoken: half a minute at 48 kHz and 16 bits.
pub const HTTP_SOUND_BYTES: usize = 3 * 1024 * 1024;

/// Questions to the language model that wait: one for each held call, and one asked again. Full: refused, and the box goes by
/// its own rules.
pub const ASSIST_QUEUE: usize = 4;

/// Targets that are told what happens.
pub const NOTIFY_TARGETS: usize = 8;
/// Events that wait for one target's thread: a busy minute. Full: they are not told there.
pub const NOTIFY_QUEUE: usize = 64;
/// Messages that wait for one target to take them. Full: the oldest is not told.
pub const NOTIFY_OUTBOX: usize = 32;
/// Messages at once for one target; then one more each [`NOTIFY_REFILL`]. More are not told, but that a person is there.
pub const NOTIFY_BURST: u32 = 20;
/// See [`NOTIFY_BURST`].
pub const NOTIFY_REFILL: Duration = Duration::from_secs(30);
/// Calls whose number is remembered for messages about them: more than are ever up on a home's line. More: the oldest is
/// told of without its number.
pub const NOTIFY_CALLS: usize = 64;

/// Longest hold unless configured otherwise.
pub const HOLD_CAP: Duration = Duration::from_secs(4 * 3600);
/// Silence on the trunk longer than this is a defect: providers drop calls that stop sending.
pub const TRUNK_GAP: Duration = Duration::from_millis(40);

/// Connections the gate admits at once.
pub const WEB_CONNECTIONS: usize = 64;
/// File descriptors that the page leaves free, for all that it has admitted (three each behind the gate) and for calls.
pub const WEB_SPARE_FILES: u64 = 3 * WEB_CONNECTIONS as u64 + 32;
/// Largest head of an HTTP request.
pub const WEB_HEAD_BYTES: usize = 16 * 1024;
/// Largest body of an HTTP request.
pub const WEB_BODY_BYTES: usize = 64 * 1024;
/// Largest backup. It and a greeting ([`GREETING_FILE_BYTES`]) may be larger than other bodies; only who may bring one
/// sends that.
pub const BACKUP_BYTES: usize = 32 * 1024 * 1024;
/// Largest update: it goes to the disk as it comes, a piece at a time.
pub const UPDATE_BYTES: u64 = 1024 * 1024 * 1024;
/// Largest description and largest signature in one.
pub const UPDATE_HEAD_BYTES: usize = 4096;
/// Room that an update leaves on the disk for everything else.
pub const UPDATE_SPARE_BYTES: u64 = 64 * 1024 * 1024;
/// Most header fields of an HTTP request.
pub const WEB_HEAD_FIELDS: usize = 100;
/// Event streams open at once.
pub const WEB_STREAMS: usize = 16;
/// Browsers logged in at once; one more logs out the one that was idle longest.
pub const WEB_LOGINS: usize = 32;
/// Sources whose wrong passwords are remembered; one more forgets the one that erred longest ago.
pub const WEB_ERRING_SOURCES: usize = 256;
/// Tokens of programs that the owner may make.
pub const WEB_TOKENS: usize = 32;
/// Events kept for who comes late or is slow. Full: the oldest goes, and who has not read it is told.
pub const WEB_EVENTS: usize = 1_000;
/// Requests of one program or browser: as many at once, and then so many a second. More are refused with 429.
pub const WEB_BURST: u32 = 120;
/// The same, a second.
pub const WEB_RATE: u32 = 30;
/// Calls that one program may place in a minute.
pub const WEB_CALLS_A_MINUTE: u32 = 10;

const _: () = assert!(SIP_MESSAGE_BYTES <= 65_535);
const _: () = assert!(SIP_LINGERING + 2 * LEGS <= SIP_TRANSACTIONS / 2);
const _: () = assert!(SIP_STREAMS_FROM_ONE * 4 < SIP_STREAMS);
const _: () = assert!(MEDIA_COMMAND_RING >= 3 * LOOSE_SECONDS * 50);
const _: () = assert!(GREETING_LONGEST <= LOOSE_SECONDS * 8_000);
const _: () = assert!(GREETING_FILE_BYTES >= LOOSE_SECONDS * 48_000 * 2 * 3);
const _: () = assert!(RTP_PACKET_BYTES >= 12 + 480);
const _: () = assert!(WEB_STREAMS < WEB_CONNECTIONS);
