//! The RTP header, RFC 3550 §5.1. The only place that knows `rtp-rs`.

use core::ops::Range;
use rtp_rs::{RtpPacketBuilder, RtpReader};

/// Octets of the fixed header.
pub const HEADER_BYTES: usize = 12;

/// The fixed header, without what is always the same here (version 2, no padding, extension or contributors).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// 0 to 127.
    pub payload_type: u8,
    /// RFC 3551 §4.1: the first packet of a talkspurt. RFC 4733 §2.5.1.2: the first packet of an event.
    pub marker: bool,
    /// Counts packets.
    pub sequence: u16,
    /// Counts samples.
    pub timestamp: u32,
    /// Synchronisation source.
    pub ssrc: u32,
}

/// Why a datagram is not RTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// RTCP on the RTP port: packet types 192 to 223, RFC 5761 §4.
    Rtcp,
    /// Not version 2, cut short, or padding longer than the packet.
    Header,
}

/// Reads a datagram: its header and where its payload lies, without contributors, extension and padding.
pub fn parse(datagram: &[u8]) -> Result<(Header, Range<usize>), Malformed> {
    if datagram.get(1).is_some_and(|t| (192..=223).contains(t)) {
        return Err(Malformed::Rtcp);
    }
    let reader = RtpReader::new(datagram).map_err(|_| Malformed::Header)?;
    let start = reader.payload_offset();
    let header = Header {
        payload_type: reader.payload_type(),
        marker: reader.mark(),
        sequence: u16::from(reader.sequence_number()),
        timestamp: reader.timestamp(),
        ssrc: reader.ssrc(),
    };
    Ok((header, start..start + reader.payload().len()))
}

/// Writes the header into the last [`HEADER_BYTES`] before `payload_at`, where a payload already lies, and says where
/// the packet now begins. `None` if there is no room or the payload type is not one.
pub fn prefix(header: &Header, datagram: &mut [u8], payload_at: usize) -> Option<usize> {
    let start = payload_at.checked_sub(HEADER_BYTES)?;
    let room = datagram.get_mut(start..payload_at)?;
    RtpPacketBuilder::new()
        .payload_type(header.payload_type)
        .marked(header.marker)
        .sequence(header.sequence.into())
        .timestamp(header.timestamp)
        .ssrc(header.ssrc)
        .build_into(room)
        .ok()?;
    Some(start)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const HEADER: Header = Header {
        payload_type: 101,
        marker: true,
        sequence: 65_535,
        timestamp: 0xdead_beef,
        ssrc: 0x1234_5678,
    };

    #[test]
    fn a_header_written_is_the_header_read() {
        let mut datagram = [7u8; 20];
        assert_eq!(prefix(&HEADER, &mut datagram, 16), Some(4));
        assert_eq!(parse(&datagram[4..]), Ok((HEADER, 12..16)));
    }

    #[test]
    fn contributors_extension_and_padding_are_not_payload() {
        // V=2, P, X, one CSRC; extension of one word; 3 octets of payload; 1 octet of padding.
        let mut datagram = vec![0xb1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3, 9, 9, 9, 9];
        datagram.extend([0xbe, 0xde, 0, 1, 5, 5, 5, 5, b'a', b'b', b'c', 1]);
        let (header, payload) = parse(&datagram).unwrap();
        assert_eq!((header.sequence, header.timestamp, header.ssrc), (1, 2, 3));
        assert_eq!(&datagram[payload], b"abc");
    }

    #[test]
    fn what_is_not_rtp_is_named() {
        let cases: [(&[u8], Malformed); 6] = [
            (&[], Malformed::Header),
            (&[0x80, 0, 0], Malformed::Header),
            (&[0x80, 200, 0, 1, 0, 0, 0, 0], Malformed::Rtcp),
            (&[0x00, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], Malformed::Header),
            (&[0x8f, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0], Malformed::Header),
            (&[0xa0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 9], Malformed::Header),
        ];
        for (datagram, why) in cases {
            assert_eq!(parse(datagram), Err(why), "{datagram:?}");
        }
    }

    #[test]
    fn there_must_be_room() {
        assert_eq!(prefix(&HEADER, &mut [0; 20], 11), None);
        assert_eq!(prefix(&HEADER, &mut [0; 8], 12), None);
        assert_eq!(prefix(&Header { payload_type: 128, ..HEADER }, &mut [0; 20], 12), None);
    }
}
