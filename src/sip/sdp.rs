//! Session descriptions, RFC 8866, as far as a telephone needs them: which audio stream, which codings, which way.

use super::LocalMedia;
use super::crypto::{Agreed, Protection, Role};
use crate::units::Codec;
use sdp_types::{Media, Session as Description};
use std::net::{IpAddr, SocketAddr};

/// Payload type under which we take telephone-events, as nearly everybody does.
pub const EVENT_TYPE: u8 = 101;

/// The way of a stream as its writer sees it, RFC 8866 §6.7.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    /// The writer sends.
    pub(super) const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }

    /// The writer receives.
    pub(super) const fn receives(self) -> bool {
        matches!(self, Self::SendRecv | Self::RecvOnly)
    }

    /// From what the writer does.
    pub(super) const fn of(sends: bool, receives: bool) -> Self {
        match (sends, receives) {
            (true, true) => Self::SendRecv,
            (true, false) => Self::SendOnly,
            (false, true) => Self::RecvOnly,
            (false, false) => Self::Inactive,
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::SendRecv => "sendrecv",
            Self::SendOnly => "sendonly",
            Self::RecvOnly => "recvonly",
            Self::Inactive => "inactive",
        }
    }

    fn from_name(name: &str) -> Option<Self> {
        [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive]
            .into_iter()
            .find(|direction| direction.name().eq_ignore_ascii_case(name))
    }
}

/// The audio stream of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Audio {
    /// Its place among the media lines.
    pub line: usize,
    /// Where its writer wants RTP; an unspecified address is an old form of hold.
    pub remote: SocketAddr,
    /// Speech codings we know with their payload types, in the writer's order.
    pub codecs: Vec<(Codec, u8)>,
    /// Payload type of telephone-events at 8 kHz.
    pub event_type: Option<u8>,
    /// Where its writer wants RTCP, if not on the port of RTP.
    pub rtcp: Option<SocketAddr>,
    /// Its writer can take RTCP on the port of RTP, RFC 5761.
    pub mux: bool,
    /// Which way, by its attributes alone.
    pub direction: Direction,
    /// Its profile, as it is written in an answer.
    pub profile: &'static str,
    /// Its keys, if it is encrypted.
    pub agreed: Option<Agreed>,
}

/// Why a description cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoMatch {
    /// Not SDP.
    Malformed,
    /// No audio over RTP, or refused with port 0.
    NoAudio,
    /// The audio has no usable address.
    NoAddress,
    /// None of our codecs.
    NoCodec,
    /// It is encrypted, and that is off.
    Encrypted,
    /// It is not encrypted, and must be.
    Clear,
    /// It is encrypted, but in no way that we can do.
    NoKey,
}

/// Reads a description; the audio stream is the first one with a port that can be encrypted, or else the first.
pub(super) fn read(
    bytes: &[u8],
    protection: &Protection,
    role: Role,
) -> Result<(Description, Audio), NoMatch> {
    let description = Description::parse(&relevant(bytes)).map_err(|_| NoMatch::Malformed)?;
    let (line, media, profile, agreed) = choose(&description.medias, protection, role)?;
    // RFC 8866 §5.7: the media's connection overrides the session's.
    let connection =
        media.connections.first().or(description.connection.as_ref()).ok_or(NoMatch::NoAddress)?;
    let ip: IpAddr = connection.try_address().map_err(|_| NoMatch::NoAddress)?.ip;
    let codings: Vec<(u8, Coding)> =
        media.fmt.split_ascii_whitespace().filter_map(|pt| coding(media, pt)).collect();
    let remote = SocketAddr::new(ip, media.port);
    let audio = Audio {
        line,
        remote,
        rtcp: rtcp(media, remote),
        mux: media.attributes.iter().any(|a| a.attribute.trim().eq_ignore_ascii_case("rtcp-mux")),
        codecs: codings.iter().filter_map(|(pt, c)| c.speech().map(|codec| (codec, *pt))).collect(),
        event_type: codings.iter().find(|(_, c)| *c == Coding::Events).map(|(pt, _)| *pt),
        direction: direction(&description, media),
        profile,
        agreed,
    };
    Ok((description, audio))
}

/// The lines that are read. Devices get the others wrong (blanks in `o=`, Latin-1 in `s=`, a `t=` too few), and none
/// of that is a reason to lose a call.
fn relevant(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
    let read = lines.filter(|line| matches!(line, [b'v' | b'c' | b'm' | b'a', b'=', _, ..]));
    read.flat_map(|line| [line, b"\r\n"].concat()).collect()
}

type Choice<'a> = (usize, &'a Media, &'static str, Option<Agreed>);

/// Some devices offer the same stream twice, encrypted and not.
fn choose<'a>(medias: &'a [Media], protection: &Protection, role: Role) -> Result<Choice<'a>, NoMatch> {
    let mut best = Err(NoMatch::NoAudio);
    for (line, media) in medias.iter().enumerate() {
        let Some((profile, savp)) = profile(media) else { continue };
        let attributes = attribute_values(&media.attributes, "crypto");
        match protection.agree(savp, attributes, role) {
            Ok(agreed @ Some(_)) => return Ok((line, media, profile, agreed)),
            Ok(None) if best.is_err() => best = Ok((line, media, profile, None)),
            Err(why) if best == Err(NoMatch::NoAudio) => best = Err(why),
            Ok(None) | Err(_) => {}
        }
    }
    best
}

/// Of an audio stream over RTP with a port: its profile in an answer, and whether that is an encrypted one. AVPF differs
/// from AVP in feedback only, which both sides may leave out.
fn profile(media: &Media) -> Option<(&'static str, bool)> {
    let is = |proto: &str| media.proto.eq_ignore_ascii_case(proto);
    match media.media.eq_ignore_ascii_case("audio") && media.port != 0 {
        true if is("RTP/AVP") || is("RTP/AVPF") => Some(("RTP/AVP", false)),
        true if is("RTP/SAVP") => Some(("RTP/SAVP", true)),
        true if is("RTP/SAVPF") => Some(("RTP/SAVPF", true)),
        _ => None,
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Coding {
    Speech(Codec),
    Events,
}

impl Coding {
    const fn speech(self) -> Option<Codec> {
        match self {
            Self::Speech(codec) => Some(codec),
            Self::Events => None,
        }
    }
}

/// What a payload type stands for: by its rtpmap, or by RFC 3551 §6 if it has none. Comfort noise (13) and whatever
/// we do not speak is `None`.
fn coding(media: &Media, payload_type: &str) -> Option<(u8, Coding)> {
    let number: u8 = payload_type.parse().ok().filter(|n| *n < 128)?;
    let encoding = attribute_values(&media.attributes, "rtpmap").find_map(|value| {
        let (pt, encoding) = value.trim().split_once([' ', '\t'])?;
        (pt.parse() == Ok(number)).then(|| encoding.trim().to_ascii_uppercase())
    });
    let coding = match (encoding.as_deref(), number) {
        (Some("PCMU/8000" | "PCMU/8000/1"), _) | (None, 0) => Coding::Speech(Codec::Pcmu),
        (Some("PCMA/8000" | "PCMA/8000/1"), _) | (None, 8) => Coding::Speech(Codec::Pcma),
        (Some("G722/8000" | "G722/8000/1"), _) | (None, 9) => Coding::Speech(Codec::G722),
        (Some("TELEPHONE-EVENT/8000" | "TELEPHONE-EVENT/8000/1"), _) => Coding::Events,
        _ => return None,
    };
    Some((number, coding))
}

/// RFC 3550 §11: the port above that of RTP, unless it is named (RFC 3605 §2.1), with an address or without.
fn rtcp(media: &Media, remote: SocketAddr) -> Option<SocketAddr> {
    let named = attribute_values(&media.attributes, "rtcp").next().and_then(|value| {
        let mut words = value.split_ascii_whitespace();
        let port = words.next()?.parse().ok()?;
        let ip = words.nth(2).map_or(Some(remote.ip()), |ip| ip.parse().ok())?;
        Some(SocketAddr::new(ip, port))
    });
    let beside = || Some(SocketAddr::new(remote.ip(), remote.port().checked_add(1)?));
    named.or_else(beside).filter(|to| to.port() != 0)
}

fn direction(description: &Description, media: &Media) -> Direction {
    let named = |attributes: &[sdp_types::Attribute]| {
        attributes.iter().filter(|a| a.value.is_none()).find_map(|a| Direction::from_name(a.attribute.trim()))
    };
    named(&media.attributes).or_else(|| named(&description.attributes)).unwrap_or(Direction::SendRecv)
}

fn attribute_values<'a>(
    attributes: &'a [sdp_types::Attribute],
    name: &'a str,
) -> impl Iterator<Item = &'a str> {
    attributes
        .iter()
        .filter(move |a| a.attribute.eq_ignore_ascii_case(name))
        .filter_map(|a| a.value.as_deref())
}

/// The lines before the first media line, RFC 8866 §5.
pub(super) fn head(local: &LocalMedia, id: u64, version: u64) -> String {
    let ip = local.addr.ip();
    let family = if ip.is_ipv4() { "IP4" } else { "IP6" };
    format!("v=0\r\no=- {id} {version} IN {family} {ip}\r\ns=-\r\nc=IN {family} {ip}\r\nt=0 0\r\n")
}

/// Our audio stream, of this profile and with these `crypto` attributes.
pub(super) fn audio(
    port: u16,
    (profile, crypto): (&str, &str),
    codecs: &[(Codec, u8)],
    event_type: Option<u8>,
    direction: Direction,
) -> String {
    let mut line = format!("m=audio {port} {profile}");
    let mut attributes = String::new();
    for (codec, pt) in codecs {
        line.push_str(&format!(" {pt}"));
        attributes.push_str(&format!("a=rtpmap:{pt} {}/8000\r\n", encoding_name(*codec)));
    }
    if let Some(pt) = event_type {
        line.push_str(&format!(" {pt}"));
        // RFC 4733 §2.4.1 and the hook flash, event 16.
        attributes.push_str(&format!("a=rtpmap:{pt} telephone-event/8000\r\na=fmtp:{pt} 0-16\r\n"));
    }
    format!("{line}\r\n{attributes}{crypto}a=ptime:20\r\na={}\r\n", direction.name())
}

/// A stream of the offer that we do not take, RFC 3264 §6: port 0, the rest as it was.
pub(super) fn refused(media: &Media) -> String {
    let format = media.fmt.split_ascii_whitespace().next().unwrap_or("0");
    format!("m={} 0 {} {format}\r\n", media.media, media.proto)
}

/// Static payload type, RFC 3551 §6.
pub(super) const fn static_type(codec: Codec) -> u8 {
    match codec {
        Codec::Pcmu => 0,
        Codec::Pcma => 8,
        Codec::G722 => 9,
    }
}

const fn encoding_name(codec: Codec) -> &'static str {
    match codec {
        Codec::Pcmu => "PCMU",
        Codec::Pcma => "PCMA",
        Codec::G722 => "G722",
    }
}
